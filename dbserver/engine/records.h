// SPDX-License-Identifier: Apache-2.0
// The records of a journal file (spec/file-formats.md section 1): "OVSDB JSON LENGTH SHA1\n" and so many bytes of data, which end with a newline.
// Damage is found and reported with its offset; nothing behind it is read.  One thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbserver/engine/sha1.h"
#include "dbserver/ovsdb/error.h"

namespace sluice::ovsdb {

inline constexpr std::string_view kRecordMagic = "OVSDB JSON ";

/// A record's "_date" in milliseconds: smaller ones are seconds.
inline int64_t record_date_ms(int64_t date) {
  constexpr int64_t kFirstMilliseconds = int64_t{1} << 32;
  return date < kFirstMilliseconds ? date * 1000 : date;
}

/// One record as it stands in the file.
struct RawRecord {
  uint64_t offset = 0;  // of the header
  uint64_t end = 0;     // behind the data
  std::string_view data;
};

/// What is wrong with a file, and where.
struct JournalDamage {
  uint64_t offset = 0;
  DbError error;  // "NAME: parse error at offset 1234 in header line ...", as the peer words it
};

/// Cuts a file's bytes into records and checks their sums: of some records ahead, for many sums together cost less.
class RecordReader {
 public:
  RecordReader(std::string_view bytes, std::string name, uint64_t start = 0) : bytes_(bytes), name_(std::move(name)), at_(start) {}
  /// Nothing at the end of the file.
  std::expected<std::optional<RawRecord>, JournalDamage> next();
  uint64_t offset() const { return at_; }

 private:
  struct Header {
    uint64_t data_at, length;
    std::string_view sum;
  };
  struct Ahead {
    RawRecord record;
    std::string_view sum;  // as the header has it
  };
  std::optional<Header> read_header(uint64_t at) const;
  bool is_whole(const Header& h) const { return h.length != 0 && h.length <= bytes_.size() - h.data_at; }
  void look_ahead();
  JournalDamage why_none() const;
  JournalDamage damage(std::string_view tag, std::string what, std::string io_error = {}) const;

  std::string_view bytes_;
  std::string name_;
  uint64_t at_;
  size_t depth_ = 1;  // how many records to look ahead
  std::vector<Ahead> ahead_;
  size_t taken_ = 0;  // of them
  std::vector<std::string_view> texts_;
  std::vector<Sha1Text> sums_;
};

void append_record(std::string& out, std::string_view data);
/// What stands in front of the data.
void append_record_header(std::string& out, std::string_view data);
/// Appends records to a text, and leaves their sums for later: many together cost less.
class RecordWriter {
 public:
  void append(std::string& out, std::string_view data);
  /// Fills the sums in.  REQUIRES: out is as append() left it.
  void finish(std::string& out);
  void clear() { open_.clear(); }

 private:
  struct Open {
    size_t sum_at, data_at, size;
  };
  std::vector<Open> open_;
  std::vector<std::string_view> texts_;
  std::vector<Sha1Text> sums_;
};

}  // namespace sluice::ovsdb
