// SPDX-License-Identifier: Apache-2.0
// The disk under one journal file: the only thing that a journal does to it.  Two implementations: files (storage_file.h) and, in tests, a simulated
// disk that loses, tears, reorders and refuses writes.
// Threads: one at a time (journal_writer.h says whose turn it is), but a Draft may be written by another one meanwhile.
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

/// A file that is written beside the one in use, to take its place.  If it dies before that, it is gone.
class Draft {
 public:
  virtual ~Draft() = default;
  /// After an error the draft is of no use.
  virtual IoStatus append(std::string_view bytes) = 0;
  virtual IoStatus sync() = 0;
};

class Storage {
 public:
  virtual ~Storage() = default;
  virtual std::expected<std::string, IoError> read_all() = 0;
  virtual uint64_t size() const = 0;
  /// All or nothing: after an error the file has its old size again, for good, or is_broken().
  virtual IoStatus append(std::string_view bytes) = 0;
  /// When it returns, all that was appended survives a power cut.  After an error is_broken().
  virtual IoStatus sync() = 0;
  /// Cuts the file to this size.  When it returns, what was cut off does not come back by a power cut; after an error it may.
  virtual IoStatus truncate(uint64_t size) = 0;
  virtual std::expected<std::unique_ptr<Draft>, IoError> draft() = 0;
  /// The draft takes the place of the file, for good; or the old file stays.  Mends what is broken.  REQUIRES: a draft of this storage, synced.
  virtual IoStatus adopt(std::unique_ptr<Draft> draft) = 0;
  /// Nothing may be appended any more, only adopt() helps: the file may hold what was refused.
  virtual bool is_broken() const = 0;
  virtual const std::string& name() const = 0;
};

/// A whole new file in place of the old one, at once.
IoStatus replace_contents(Storage& storage, std::string_view contents);

}  // namespace sluice::ovsdb
