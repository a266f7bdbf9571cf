// SPDX-License-Identifier: Apache-2.0
// The journal of one database in the OVSDB file format (spec/file-formats.md section 1): a schema record, then one record a transaction, each with
// its length and SHA-1.  Written by appending; read once at the start.  A record that is damaged stops the reading and is reported with its offset;
// nothing is dropped or overwritten behind anyone's back.  One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dbserver/engine/database.h"
#include "dbserver/engine/storage.h"

namespace sluice::ovsdb {

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

/// Cuts a file's bytes into records and checks their sums.
class RecordReader {
 public:
  RecordReader(std::string_view bytes, std::string name, uint64_t start = 0) : bytes_(bytes), name_(std::move(name)), at_(start) {}
  /// Nothing at the end of the file.
  std::expected<std::optional<RawRecord>, JournalDamage> next();
  uint64_t offset() const { return at_; }

 private:
  std::unexpected<JournalDamage> damage(std::string_view tag, std::string what, std::string io_error = {}) const;
  std::string_view bytes_;
  std::string name_;
  uint64_t at_;
};

/// "OVSDB JSON LEN SHA1\n" + data; data must end with a newline.
void append_record(std::string& out, std::string_view data);

/// Appends a transaction's record: date, comment, and what changed, as differences or whole values.  Nothing, if only ephemeral columns changed.
void render_transaction(std::string& out, const DatabaseSchema& schema, const Commit& commit, int64_t date_ms, bool as_diff);
/// All rows of a database in one transaction record.
std::string render_snapshot(Database& db, std::string_view comment, int64_t date_ms);

/// A transaction record read back.
struct ReadTransaction {
  std::optional<int64_t> date_ms;
  std::string comment;
  std::vector<RowChange> changes;
};
/// Relative to what db holds now; does not apply it.
Result<ReadTransaction> parse_transaction(Database& db, const Json& j);

struct OpenedJournal {
  std::unique_ptr<Database> db;
  uint64_t records = 0;
  uint64_t size = 0;                     // of the good part
  std::optional<JournalDamage> damage;   // behind it
};
/// Reads a whole file.  An error if there is not even a schema.
Result<OpenedJournal> load_journal(std::string_view bytes, const std::string& name, UuidSource& uuids);

class Journal {
 public:
  Journal(std::unique_ptr<Storage> storage, uint64_t records, int64_t opened_ms);

  /// Renders the record into the batch.
  void add(const DatabaseSchema& schema, const Commit& commit, int64_t date_ms);
  bool has_batch() const { return !batch_.empty(); }
  /// Writes the batch, and syncs if a durable commit is in it.  On an error nothing of the batch is, or will ever be, in the file.
  IoStatus flush();
  /// Writes a file with just the contents of db, and takes its place.
  IoStatus compact(Database& db, int64_t date_ms, std::string_view comment);

  Storage& storage() { return *storage_; }
  bool needs_rewrite() const { return storage_->is_broken(); }
  /// By the peer's policy (spec/file-formats.md section 1), without its random part.
  bool wants_compaction(int64_t now_ms) const;
  uint64_t records() const { return records_; }
  void set_column_diff(bool on) { column_diff_ = on; }

 private:
  std::unique_ptr<Storage> storage_;
  std::string batch_, scratch_;
  bool batch_durable_ = false, column_diff_ = true;
  uint64_t records_ = 0, batch_records_ = 0, compacted_size_ = 0;
  int64_t compacted_ms_ = 0;
};

}  // namespace sluice::ovsdb
