// SPDX-License-Identifier: Apache-2.0
// Transactions of the usual forms, from the text of their request without a JSON value between (engine/transact_scan.cc).
#include "dbserver/server.h"
#include "dbserver/session.h"
#include "lib/json_scanner.h"

namespace sluice::ovsdb {
namespace {

bool scan_id(JsonScanner& s, Json& id) {
  if (!id.is_null()) return false;  // it is there twice
  std::string_view text;
  int64_t number = 0;
  bool is_text = s.at('"');
  if (is_text ? !s.string(text) : !s.integer(number)) return false;
  id = is_text ? Json(text) : Json(number);
  return true;
}

}  // namespace

bool Session::transact_text(std::string_view text, Time now) {
  constexpr size_t kMost = 1u << 20;  // bytes: of longer messages no memory is kept
  if (text.size() > kMost || !options_.role.empty() || options_.read_only || server_.is_read_only()) return false;
  JsonScanner s(text, server_.spare());
  HostedDatabase* db = nullptr;
  std::string_view name;
  Json id;
  bool is_transact = false;
  if (!s.take('{')) return false;
  do {
    if (s.literal("\"method\":")) {
      if (std::exchange(is_transact, true) || !s.literal("\"transact\"")) return false;
    } else if (s.literal("\"id\":")) {
      if (!scan_id(s, id)) return false;
    } else if (s.literal("\"params\":[")) {
      if (db || !s.string(name)) return false;
      db = server_.find(name);
      if (!db || !db->runs_at_once() || !db->runner().scan(db->db(), s)) return false;
    } else {
      return false;
    }
  } while (s.take(','));
  if (!s.take('}') || !s.at_end() || !is_transact || !db || id.is_null() || db->is_waiting(*this, id)) return false;
  db->transact_scanned(*this, id, now);
  return true;
}

}  // namespace sluice::ovsdb
