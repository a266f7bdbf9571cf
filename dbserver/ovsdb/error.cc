// SPDX-License-Identifier: Apache-2.0
// Database errors as JSON and as one line of text.
#include "dbserver/ovsdb/error.h"

namespace sluice::ovsdb {

Json DbError::to_json() const {
  Json j = Json::object({{"error", tag}});
  if (!details.empty()) j.set("details", details);
  if (!syntax.empty()) j.set("syntax", syntax);
  if (!io_error.empty()) j.set("io-error", io_error);
  return j;
}

std::string DbError::to_string() const {
  std::string s;
  if (!syntax.empty()) s = "syntax \"" + syntax + "\": ";
  s += tag;
  if (!details.empty()) s += ": " + details;
  if (!io_error.empty()) s += " (" + io_error + ")";
  return s;
}

std::unexpected<DbError> syntax_error(std::string details) { return fail("syntax error", std::move(details)); }

std::unexpected<DbError> syntax_error(const Json& json, std::string details) {
  return std::unexpected(DbError{"syntax error", std::move(details), json.to_error_text(), {}});
}

std::unexpected<DbError> constraint_violation(std::string details) { return fail("constraint violation", std::move(details)); }

}  // namespace sluice::ovsdb
