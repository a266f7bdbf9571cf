// SPDX-License-Identifier: Apache-2.0
// A database under another schema, with the rows it has: tables and columns that the new schema lacks are lost, new ones get defaults.
#pragma once

#include <memory>

#include "dbserver/engine/database.h"

namespace sluice::ovsdb {

/// Errors as the rows' values, or the commit, give them.
Result<std::unique_ptr<Database>> convert_database(Database& from, std::shared_ptr<const DatabaseSchema> schema, UuidSource& uuids);

}  // namespace sluice::ovsdb
