// SPDX-License-Identifier: Apache-2.0
// The journal of one database in the OVSDB file format (spec/file-formats.md section 1): a schema record, then one record a transaction, each with
// its length and SHA-1.  Written by appending; read once at the start.  A record that is damaged stops the reading and is reported with its offset;
// nothing is dropped or overwritten behind anyone's back.  One thread; what the disk has to do is done by others (journal_writer.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dbserver/engine/database.h"
#include "dbserver/engine/journal_writer.h"
#include "dbserver/engine/records.h"

namespace sluice::ovsdb {

/// Appends a transaction's record: date, comment, and what changed, as differences or whole values.  Nothing, if only ephemeral columns changed.
void render_transaction(std::string& out, const DatabaseSchema& schema, const Commit& commit, int64_t date_ms, bool as_diff);

struct OpenedJournal {
  std::unique_ptr<Database> db;
  uint64_t records = 0;
  uint64_t size = 0;                     // of the good part
  std::optional<JournalDamage> damage;   // behind it
};
/// Reads a whole file.  An error if there is not even a schema.
Result<OpenedJournal> load_journal(std::string_view bytes, const std::string& name, UuidSource& uuids);

/// All rows of a database at one moment.  Rows are immutable and shared, so taking one costs little, and another thread can render it.
class Snapshot {
 public:
  explicit Snapshot(Database& db);
  /// A whole file: the schema, and one transaction with all rows.
  std::string render_file(std::string_view comment, int64_t date_ms) const;

 private:
  std::shared_ptr<const DatabaseSchema> schema_;
  std::vector<std::vector<RowPtr>> tables_;
};

/// The journal of a database that is open: gathers records, and hands them to its writer, a batch at a time.
class Journal {
 public:
  Journal(std::unique_ptr<Storage> storage, uint64_t records, int64_t opened_ms);

  /// Renders the record into the batch.
  void add(const DatabaseSchema& schema, const Commit& commit, int64_t date_ms);
  /// Starts to write the batch, and to sync if a durable commit is in it.  REQUIRES: no write is going on; not needs_rewrite().
  void submit();
  /// The result of submit(), once.  On an error nothing of the batch is, or will ever be, in the file.
  std::optional<IoStatus> take_written() { return writer_.take_written(); }
  /// Forgets the batch: what came before it failed.
  void drop_batch();
  /// submit() and its result.
  IoStatus flush();

  /// Starts to write a file with just the contents of db, which are those of the file as it is now, and to put it in place of the file.
  /// REQUIRES: no write is going on, nor a compaction.
  void compact(Database& db, int64_t date_ms, std::string_view comment);
  bool is_compacting() const { return writer_.is_compacting(); }
  std::optional<IoStatus> take_compacted();
  /// Both at once.
  IoStatus compact_now(Database& db, int64_t date_ms, std::string_view comment);

  /// The file can't be appended to: it needs a compaction.
  bool needs_rewrite() const { return writer_.is_broken(); }
  /// By the peer's policy (spec/file-formats.md section 1), without its random part.
  bool wants_compaction(int64_t now_ms) const;
  uint64_t records() const { return records_; }
  uint64_t size() const { return writer_.size(); }
  void set_column_diff(bool on) { column_diff_ = on; }
  JournalWriter& writer() { return writer_; }

 private:
  JournalWriter writer_;
  std::string batch_, scratch_;
  RecordWriter batch_records_;  // in batch_
  bool batch_durable_ = false, column_diff_ = true;
  uint64_t records_ = 0, compacted_size_ = 0;
  int64_t compacted_ms_ = 0;
};

}  // namespace sluice::ovsdb
