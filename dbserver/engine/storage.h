// SPDX-License-Identifier: Apache-2.0
// The disk under one journal file: the only thing that a journal does to it.  Two implementations: files (storage_file.h) and, in tests, a simulated
// disk that loses, tears and refuses writes.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::ovsdb {

struct IoError {
  int error = 0;         // errno
  std::string what;      // "write", "fsync", "open", ...
  std::string text() const;
};
using IoStatus = std::expected<void, IoError>;

class Storage {
 public:
  virtual ~Storage() = default;
  virtual std::expected<std::string, IoError> read_all() = 0;
  virtual uint64_t size() const = 0;
  /// All or nothing: after an error the file has its old size again, or is_broken().
  virtual IoStatus append(std::string_view bytes) = 0;
  /// When it returns, all that was appended survives a power cut.  After an error is_broken().
  virtual IoStatus sync() = 0;
  /// Cuts the file to this size.
  virtual IoStatus truncate(uint64_t size) = 0;
  /// Puts a whole new file in place of the old one, synced, or leaves the old one.  Mends what is broken.
  virtual IoStatus replace(std::string_view contents) = 0;
  /// Nothing may be appended any more, only replace() helps: the file may hold what was refused.
  virtual bool is_broken() const = 0;
  virtual const std::string& name() const = 0;
};

}  // namespace sluice::ovsdb
