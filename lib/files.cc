// SPDX-License-Identifier: Apache-2.0
// See files.h.
#include "lib/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace sluice {
namespace {

std::unexpected<FileError> failed(const char* what) { return std::unexpected(FileError{errno, what}); }

}  // namespace

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

std::expected<std::string, FileError> read_file(const std::string& path, size_t max_size) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failed("open");
  std::string content;
  for (;;) {
    size_t size = content.size(), step = std::max<size_t>(64 * 1024, size);
    content.resize(size + step);
    ssize_t n = read(fd.get(), content.data() + size, step);
    if (n < 0 && errno == EINTR) n = 0;
    else if (n <= 0) {
      content.resize(size);
      if (n < 0) return failed("read");
      return content;
    }
    content.resize(size + static_cast<size_t>(n));
    if (content.size() > max_size) return std::unexpected(FileError{EFBIG, "read"});
  }
}

int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
  }
  return 0;
}

std::expected<void, FileError> fsync_directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  std::string dir = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  UniqueFd fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return failed("open");
  if (fsync(fd.get()) != 0) return failed("fsync");
  return {};
}

std::expected<void, FileError> replace_file(const std::string& path, std::string_view content, unsigned mode) {
  std::string temporary = path + ".tmpXXXXXX";
  UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return failed("open");
  auto give_up = [&](int error, const char* what) {
    unlink(temporary.c_str());
    return std::unexpected(FileError{error, what});
  };
  if (int error = write_all(fd.get(), content)) return give_up(error, "write");
  if (fchmod(fd.get(), mode) != 0) return give_up(errno, "chmod");
  if (fsync(fd.get()) != 0) return give_up(errno, "fsync");
  if (rename(temporary.c_str(), path.c_str()) != 0) return give_up(errno, "rename");
  return fsync_directory_of(path);
}

}  // namespace sluice
