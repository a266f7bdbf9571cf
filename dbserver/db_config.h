// SPDX-License-Identifier: Apache-2.0
// Configuration of the server that lies in its own databases: remotes and TLS files given as db:DB,TABLE,COLUMN, and the status that is written back
// to the remotes' rows.  One thread.
#pragma once

#include <string>
#include <vector>

#include "dbserver/remotes.h"
#include "dbserver/server.h"

namespace sluice::ovsdb {

bool is_db_reference(std::string_view text);  // "db:..."

/// db:DB,TABLE,COLUMN looked up.  Pointers are good until the databases change.
struct ColumnReference {
  HostedDatabase* db;
  Table* table;
  const ColumnSchema* column;
};
/// The error is what the peer says: `"db:X,a,b": no database named X`.
std::expected<ColumnReference, std::string> find_column(Server& server, const std::string& text);

/// The first string in the column of any row; "" if there is none, or no such column.
std::string read_db_string(Server& server, const std::string& text);

/// Adds to `out` what the column names: strings, or rows of a table with "target" and options.
void read_db_remotes(Server& server, const std::string& text, RemoteMap& out);

/// Writes is_connected and status into the rows of the remotes that a db: reference names.  Only what changed.
void write_remote_status(Server& server, const std::string& text, const Remotes& remotes, Time now, int64_t wall_ms);

}  // namespace sluice::ovsdb
