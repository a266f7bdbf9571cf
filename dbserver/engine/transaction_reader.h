// SPDX-License-Identifier: Apache-2.0
// Reads the transaction records of a journal.
//
// There are two readers.  scan() goes through the text once and puts values straight into rows: it knows what is usually written.  parse() goes by way
// of a JSON value: it knows everything that is allowed, and what is wrong with the rest.  read() tries the first, then the second; where both
// succeed they agree, but for the order of the changes.  One object is kept for a whole file: its buffers are warm.  One thread.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dbserver/engine/database.h"
#include "dbserver/ovsdb/column_scan.h"
#include "dbserver/ovsdb/row.h"
#include "dbserver/ovsdb/values.h"
#include "lib/byte_buffer.h"
#include "lib/json.h"
#include "lib/json_scanner.h"

namespace sluice::ovsdb {

/// A transaction record read back.
struct ReadTransaction {
  std::optional<int64_t> date_ms;
  std::string comment;
  std::vector<RowChange> changes;
};

class TransactionReader {
 public:
  explicit TransactionReader(Database& db);
  /// Relative to what the database holds now; does not apply it.  Valid until the next one is read.
  Result<ReadTransaction*> read(std::string_view text);

  // The two readers; each fills result().
  bool scan(std::string_view text);
  Status parse(std::string_view text);
  ReadTransaction& result() { return out_; }

 private:
  void start();
  // transaction_scan.cc
  bool scan_members(JsonScanner& s);
  bool is_diff();
  Table* scan_table_name(JsonScanner& s);
  bool scan_table(JsonScanner& s, Table& table);
  bool scan_row(JsonScanner& s, const TableSchema& table, const RowPtr& before);
  bool scan_diff(JsonScanner& s, const ColumnSchema& c);
  // transaction_reader.cc
  Status parse_members(const Json& j);
  Status parse_table(Table& table, const Json& j, bool is_diff);
  Status parse_row(const TableSchema& table, const RowPtr& before, const Json& j, bool is_diff);

  Database& db_;
  ReadTransaction out_;
  RowBuilder builder_;
  DatumBuilder datum_;
  JsonArena arena_;
  ByteBuffer spare_;
  std::string_view text_;
  std::optional<bool> is_diff_;        // once it was met
  std::optional<bool> expected_diff_;  // if it was needed before
  Table* expected_table_ = nullptr;                 // the one that came the last time
  ColumnScan columns_;
  boost::unordered_flat_set<Uuid, UuidHash> seen_;  // rows of a table
};

}  // namespace sluice::ovsdb
