// SPDX-License-Identifier: Apache-2.0
// A journal in a file, locked against other writers by a lock file beside it (.NAME.~lock~, fcntl), as the peer does it.  Symbolic links are
// followed, so that a replacement does not replace the link.  One thread.
#pragma once

#include <memory>
#include <string>

#include "dbserver/engine/storage.h"
#include "lib/files.h"

namespace sluice::ovsdb {

/// A lock on a path for as long as the object lives.
class LockFile {
 public:
  static std::expected<LockFile, IoError> take(const std::string& path);
  LockFile(LockFile&&) = default;
  LockFile& operator=(LockFile&&) = default;

 private:
  explicit LockFile(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

class FileStorage : public Storage {
 public:
  enum class Open { existing, create };
  /// name: as the user gave it.
  static std::expected<std::unique_ptr<FileStorage>, IoError> open(const std::string& name, Open mode);

  std::expected<std::string, IoError> read_all() override;
  uint64_t size() const override { return size_; }
  IoStatus append(std::string_view bytes) override;
  IoStatus sync() override;
  IoStatus truncate(uint64_t size) override;
  std::expected<std::unique_ptr<Draft>, IoError> draft() override;
  IoStatus adopt(std::unique_ptr<Draft> draft) override;
  bool is_broken() const override { return broken_; }
  const std::string& name() const override { return name_; }

 private:
  FileStorage(std::string name, std::string path, UniqueFd fd, LockFile lock, uint64_t size)
      : name_(std::move(name)), path_(std::move(path)), fd_(std::move(fd)), lock_(std::move(lock)), size_(size) {}
  std::string name_, path_;  // path_: without symbolic links
  UniqueFd fd_;
  LockFile lock_;
  uint64_t size_;
  bool broken_ = false;
};

/// The file that a path means, through symbolic links.
std::string follow_links(const std::string& path);

}  // namespace sluice::ovsdb
