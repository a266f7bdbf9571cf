// SPDX-License-Identifier: Apache-2.0
// A transaction as a client composes it: changes of rows that it knows, merged so that each row is touched by as few operations as possible, then the
// `transact` parameters, then the meaning of the reply.  Plain state machine: it sends nothing itself (Replica::commit() and the tools do).
//
// New rows have a provisional uuid from the start, which may be used as a reference anywhere in the same transaction; on the wire it is a named-uuid.
// real_uuid() gives the row's uuid after success.  Reading through get() sees this transaction's own changes.
// Invariants: a row is inserted, modified or erased, never two of these on the wire; a set() to the value that is there already sends nothing.
// Threads: one.  TableSchema and ColumnSchema arguments are those of `schema`.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbserver/ovsdb/schema.h"
#include "dbserver/ovsdb/values.h"
#include "lib/json.h"
#include "lib/uuid.h"

namespace sluice::ovsdb {

enum class CommitStatus : uint8_t {
  unchanged,   // there was nothing to send: as good as success
  success,
  try_again,   // what verify() checked has changed, or the connection broke: look at the new state and compose again
  not_locked,  // the lock of assert_lock() is not ours
  failed,      // the server refuses: error_text says why
};
std::string_view commit_status_name(CommitStatus s);  // "success"

struct CommitOutcome {
  CommitStatus status = CommitStatus::unchanged;
  std::string error_text;  // JSON of the server's error object, or what happened to the connection
  bool ok() const { return status == CommitStatus::success || status == CommitStatus::unchanged; }
};

class ClientTransaction {
 public:
  /// The value of a column before this transaction; nothing if the row or the column's value is not known.
  using Lookup = std::function<std::optional<DatumRef>(const TableSchema&, const Uuid&, const ColumnSchema&)>;

  ClientTransaction(std::shared_ptr<const DatabaseSchema> schema, Lookup lookup, UuidSource& uuids);
  const DatabaseSchema& schema() const { return *schema_; }

  /// A new row with defaults.  Returns its provisional uuid.
  Uuid insert(const TableSchema& t);
  /// The same with a provisional uuid that the caller has chosen and may have used as a reference already.
  void insert(const TableSchema& t, const Uuid& provisional) { change(t, provisional).inserted = true; }
  /// A new row whose real uuid is this one; the server refuses if there is such a row.
  void insert_chosen(const TableSchema& t, const Uuid& uuid) {
    insert(t, uuid);
    change(t, uuid).chosen = true;
  }
  /// Of a table that is no root the row is only taken as gone here: the server removes it when nothing refers to it any more.
  void erase(const TableSchema& t, const Uuid& row);
  /// Replaces a column.
  void set(const TableSchema& t, const Uuid& row, const ColumnSchema& c, DatumRef value);
  /// Puts elements into a set or pairs into a map (of an existing key the value is replaced), whatever else is or will be in it.
  void add(const TableSchema& t, const Uuid& row, const ColumnSchema& c, DatumRef elements);
  /// Takes elements out of a set, or keys (or exact pairs) out of a map.
  void remove(const TableSchema& t, const Uuid& row, const ColumnSchema& c, DatumRef elements);
  /// column += 1, and read back: incremented() after success.
  void increment(const TableSchema& t, const Uuid& row, const ColumnSchema& c);
  /// Success only if the column is then still what get() said before this transaction.  Of rows this transaction made: nothing to check.
  void verify(const TableSchema& t, const Uuid& row, const ColumnSchema& c);
  /// A line for the journal.
  void comment(std::string_view text);
  /// Tables and columns (nullptr: the table as a whole) that the server has; writes to others are dropped.  Not set: all.
  using Supported = std::function<bool(const TableSchema&, const ColumnSchema*)>;
  void set_supported(Supported supported) { supported_ = std::move(supported); }
  void assert_lock(std::string name) { lock_ = std::move(name); }
  /// An operation of the caller's own, sent after the checks and before the changes: a "wait", a "select".
  void add_operation(Json op) { extra_.push_back(std::move(op)); }

  /// As it is after this transaction; a default if the row is not known.
  Datum get(const TableSchema& t, const Uuid& row, const ColumnSchema& c) const;
  bool is_inserted(const Uuid& row) const;
  bool is_erased(const Uuid& row) const;
  /// Rows made so far and not erased again, in the order of insert().
  std::vector<Uuid> inserted(const TableSchema& t) const;
  /// Whether this transaction changes that column of that row; rows of which it does so (new rows: all columns count).
  bool touches(const Uuid& row, const ColumnSchema& c) const;
  std::vector<Uuid> touched(const TableSchema& t, const ColumnSchema& c) const;
  /// Whether a value that this transaction writes refers to the row: 0 no, 1 only weakly, 2 strongly.
  int references_to(const Uuid& row) const;
  /// Nothing to send: no changes (checks and comments alone are not worth it).
  bool empty() const;
  void clear();

  /// Parameters of "transact".
  Json params() const;
  /// `result` or `error` of the reply, whichever is not null.
  CommitOutcome decode(const Json& result, const Json& error);
  /// After success.
  std::optional<Uuid> real_uuid(const Uuid& provisional) const;
  std::optional<int64_t> incremented() const { return incremented_; }

 private:
  struct Change {
    uint16_t table = 0;
    bool inserted = false, erased = false;
    bool chosen = false;                                     // inserted, and not only provisionally of this uuid
    std::map<uint16_t, Datum> sets;                          // column -> whole value
    std::map<uint16_t, Datum> adds, removes;                 // column -> elements
    std::vector<uint16_t> verifies;
  };
  Change& change(const TableSchema& t, const Uuid& row);
  const Change* find(const Uuid& row) const;
  bool supported(const TableSchema& t, const ColumnSchema* c) const { return !supported_ || supported_(t, c); }
  Json value_json(DatumRef d) const;
  Json atom_json(AtomRef a) const;
  Json where(const Uuid& row) const;
  Json operation(std::string_view op, const TableSchema& t, const Uuid& row) const;
  void encode_check(Json& out, const Uuid& row, const Change& ch) const;
  void encode_row(Json& out, const Uuid& row, const Change& ch) const;
  Json mutations(const TableSchema& t, const Change& ch) const;
  void decode_success(const Json& result);

  std::shared_ptr<const DatabaseSchema> schema_;
  Lookup lookup_;
  Supported supported_;
  UuidSource* uuids_;
  boost::unordered_flat_map<Uuid, Change, UuidHash> changes_;
  std::vector<Uuid> order_;  // of first mention
  std::vector<Json> extra_;
  std::string comment_, lock_;
  struct Increment {
    uint16_t table, column;
    Uuid row;
  };
  std::optional<Increment> increment_;
  mutable std::vector<Uuid> insert_order_;        // rows that params() inserts
  mutable std::vector<size_t> insert_at_;         // and their positions among the results
  mutable size_t increment_at_ = 0;
  boost::unordered_flat_map<Uuid, Uuid, UuidHash> real_;
  std::optional<int64_t> incremented_;
};

}  // namespace sluice::ovsdb
