// SPDX-License-Identifier: Apache-2.0
// A database file as a server or a tool opens it, with the policy for files that are not whole.
//
// A write that was cut off (crash, power cut) leaves an unfinished record at the end.  Nobody was told that it succeeded, so it is set aside, in NAME.torn,
// and the file is cut.  Anything else that is wrong, a flipped bit for example, is damage: the file is left as it is and not opened; or, if the user has asked
// for that, it is kept as NAME.damaged and what is good in front of the damage is served.
#pragma once

#include <memory>
#include <string>

#include "dbserver/engine/journal.h"
#include "dbserver/engine/storage_file.h"

namespace sluice::ovsdb {

struct OpenedDatabase {
  std::unique_ptr<Database> db;
  std::unique_ptr<Journal> journal;
  std::string warning;  // "" = none
};

enum class OnDamage : uint8_t { refuse, salvage };

/// For a server: locked, ready to be written.
Result<OpenedDatabase> open_database(const std::string& name, UuidSource& uuids, int64_t now_ms, OnDamage on_damage = OnDamage::refuse);
/// "I/O error: NAME: read error (Is a directory)"
DbError read_error(const std::string& name, const FileError& error);
/// Reading only, without a lock.  Damage is an error, a torn end a warning.
Result<OpenedJournal> read_database(const std::string& name, UuidSource& uuids);
/// True if what begins at this offset can be explained by a write that was cut off or whose sectors were lost.
bool is_torn_write(std::string_view bytes, uint64_t offset);

}  // namespace sluice::ovsdb
