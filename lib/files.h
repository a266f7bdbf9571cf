// SPDX-License-Identifier: Apache-2.0
// Whole files: read, replaced in one step, made durable.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

/// A file descriptor with one owner.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct FileError {
  int error = 0;     // errno
  std::string what;  // "open", "read", ...
};

/// More than max_size bytes are an error (EFBIG).
std::expected<std::string, FileError> read_file(const std::string& path, size_t max_size = size_t{1} << 31);
/// Writes PATH.tmpNNN, makes it durable, renames it over PATH, makes the directory durable.
std::expected<void, FileError> replace_file(const std::string& path, std::string_view content, unsigned mode = 0644);
std::expected<void, FileError> fsync_directory_of(const std::string& path);
/// All bytes, through interrupts and short writes; errno or 0.
int write_all(int fd, std::string_view bytes);

}  // namespace sluice
