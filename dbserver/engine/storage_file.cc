// SPDX-License-Identifier: Apache-2.0
// Files by system calls.  After a failed fsync the kernel may have dropped the pages it could not write: the file is then broken until it is replaced.
#include "dbserver/engine/storage_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "lib/log.h"

namespace sluice::ovsdb {
namespace {

constexpr mode_t kMode = 0640;
constexpr size_t kDraftSlice = 4u << 20;  // bytes
Log log_("lockfile");

std::unexpected<IoError> failed(std::string what, int error = errno) { return std::unexpected(IoError{error, std::move(what)}); }

class FileDraft : public Draft {
 public:
  FileDraft(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  ~FileDraft() override {
    if (fd_) unlink(path_.c_str());
  }
  /// In slices that are synced: the disk never has so much to do for us that the journal's own fsync must wait long.
  IoStatus append(std::string_view bytes) override {
    while (!bytes.empty()) {
      std::string_view slice = bytes.substr(0, kDraftSlice);
      if (int error = write_all(fd_.get(), slice)) return failed(path_ + ": write failed", error);
      size_ += slice.size();
      bytes.remove_prefix(slice.size());
      if (bytes.empty()) break;
      if (auto s = sync(); !s) return s;
    }
    return {};
  }
  IoStatus sync() override {
    if (fdatasync(fd_.get())) return failed(path_ + ": fsync failed");
    return {};
  }
  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }
  UniqueFd release() { return std::move(fd_); }

 private:
  std::string path_;
  UniqueFd fd_;
  uint64_t size_ = 0;
};

}  // namespace

IoStatus replace_contents(Storage& storage, std::string_view contents) {
  auto draft = storage.draft();
  if (!draft) return std::unexpected(draft.error());
  if (auto s = (*draft)->append(contents); !s) return s;
  if (auto s = (*draft)->sync(); !s) return s;
  return storage.adopt(std::move(*draft));
}

std::string follow_links(const std::string& path) {
  std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  if (real) return real.get();
  // A link to a file that is not there yet: the file is made where the link points.
  char to[PATH_MAX];
  ssize_t n = readlink(path.c_str(), to, sizeof to);
  if (n <= 0 || n == sizeof to) return path;
  std::string target(to, static_cast<size_t>(n));
  size_t slash = path.rfind('/');
  return target[0] == '/' || slash == path.npos ? target : path.substr(0, slash + 1) + target;
}

std::expected<LockFile, IoError> LockFile::take(const std::string& path) {
  size_t slash = path.rfind('/');
  std::string dir = slash == path.npos ? "" : path.substr(0, slash + 1);
  std::string lock = dir + "." + path.substr(slash == path.npos ? 0 : slash + 1) + ".~lock~";
  UniqueFd fd(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) {
    int error = errno;
    for (const char* what : {"open lock", "lock"}) log_.warn("{}: failed to {} file: {}", lock, what, std::strerror(error));
    return failed(lock + ": failed to open lock file", error);
  }
  struct flock how {};
  how.l_type = F_WRLCK;
  how.l_whence = SEEK_SET;
  if (fcntl(fd.get(), F_SETLK, &how)) {
    int error = errno == EACCES ? EAGAIN : errno;
    if (fcntl(fd.get(), F_GETLK, &how) == 0 && how.l_type != F_UNLCK)
      log_.warn("{}: cannot lock file because it is already locked by pid {}", lock, how.l_pid);
    return failed(lock + ": failed to lock file", error);
  }
  return LockFile(std::move(fd));
}

std::expected<std::unique_ptr<FileStorage>, IoError> FileStorage::open(const std::string& name, Open mode) {
  std::string path = follow_links(name);
  int flags = O_RDWR | O_CLOEXEC | O_APPEND;
  if (mode == Open::create) flags |= O_CREAT | O_EXCL;
  auto lock = LockFile::take(path);
  if (!lock) return failed(name + ": failed to lock lockfile", lock.error().error);
  UniqueFd fd(::open(path.c_str(), flags, kMode));
  if (!fd) return failed(name + (mode == Open::create ? ": create failed" : ": open failed"));
  struct stat s {};
  if (fstat(fd.get(), &s)) return failed(name + ": fstat failed");
  return std::unique_ptr<FileStorage>(new FileStorage(name, path, std::move(fd), std::move(*lock), static_cast<uint64_t>(s.st_size)));
}

std::expected<std::string, IoError> FileStorage::read_all() {
  std::string bytes;
  int error = 0;
  bytes.resize_and_overwrite(size_, [&](char* to, size_t size) {
    size_t got = 0;
    while (got < size) {
      ssize_t n = pread(fd_.get(), to + got, size - got, static_cast<off_t>(got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) error = errno;
      if (n <= 0) break;
      got += static_cast<size_t>(n);
    }
    return got;
  });
  if (error) return failed(name_ + ": read failed", error);
  return bytes;
}

IoStatus FileStorage::append(std::string_view bytes) {
  if (broken_) return failed(name_ + ": file is broken", EIO);
  int error = write_all(fd_.get(), bytes);
  if (!error) {
    size_ += bytes.size();
    return {};
  }
  if (auto s = truncate(size_); !s) broken_ = true;
  return failed(name_ + ": write failed", error);
}

IoStatus FileStorage::sync() {
  if (fdatasync(fd_.get()) == 0) return {};
  broken_ = true;
  return failed(name_ + ": fsync failed");
}

IoStatus FileStorage::truncate(uint64_t size) {
  if (ftruncate(fd_.get(), static_cast<off_t>(size))) return failed(name_ + ": truncate failed");
  size_ = size;
  if (fdatasync(fd_.get())) return failed(name_ + ": fsync failed");
  return {};
}

std::expected<std::unique_ptr<Draft>, IoError> FileStorage::draft() {
  std::string temporary = path_ + ".tmp";
  unlink(temporary.c_str());
  UniqueFd fd(::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, kMode));
  if (!fd) return failed(temporary + ": create failed");
  struct stat old {};
  if (fstat(fd_.get(), &old) == 0) (void)fchmod(fd.get(), old.st_mode & 0777);
  return std::make_unique<FileDraft>(std::move(temporary), std::move(fd));
}

IoStatus FileStorage::adopt(std::unique_ptr<Draft> draft) {
  auto& fresh = static_cast<FileDraft&>(*draft);
  if (rename(fresh.path().c_str(), path_.c_str())) return failed(fresh.path() + ": rename failed");
  size_ = fresh.size();
  fd_ = fresh.release();
  broken_ = false;
  if (auto s = fsync_directory_of(path_); !s) {
    broken_ = true;  // nobody knows which of the two files is there after a power cut: write again
    return failed(path_ + ": directory fsync failed", s.error().error);
  }
  return {};
}

}  // namespace sluice::ovsdb
