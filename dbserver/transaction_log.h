// SPDX-License-Identifier: Apache-2.0
// What transactions do to the rows of some tables, as lines of the log: "ovsdb-server/tlog-set DB:TABLE on".  Off for all tables at first.  One thread.
#pragma once

#include <set>
#include <string>

#include "dbserver/engine/database.h"

namespace sluice::ovsdb {

class TransactionLog {
 public:
  void set(const std::string& table, bool on);
  bool is_on(const std::string& table) const { return tables_.contains(table); }
  /// Writes a line for each row that the commit has inserted, updated or deleted.
  void note(const DatabaseSchema& schema, const Commit& commit) const;

 private:
  std::set<std::string, std::less<>> tables_;
};

}  // namespace sluice::ovsdb
