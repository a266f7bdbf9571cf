// SPDX-License-Identifier: Apache-2.0
// A database error as RFC 7047 3.1 and OVS put it on the wire: a tag that programs match, details for people, the offending JSON.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lib/json.h"

namespace sluice::ovsdb {

struct DbError {
  std::string tag;       // "constraint violation", "syntax error", ...
  std::string details;   // "" = none
  std::string syntax;    // the offending JSON, "" = none
  std::string io_error;  // errno text, "" = none

  Json to_json() const;
  /// "syntax error: TEXT: details" as the tools print it: `TAG: DETAILS (SYNTAX)`-like one line.
  std::string to_string() const;
};

template <typename T>
using Result = std::expected<T, DbError>;
using Status = std::expected<void, DbError>;

inline std::unexpected<DbError> fail(std::string_view tag, std::string details) {
  return std::unexpected(DbError{std::string(tag), std::move(details), {}, {}});
}
std::unexpected<DbError> syntax_error(std::string details);
std::unexpected<DbError> syntax_error(const Json& json, std::string details);
std::unexpected<DbError> constraint_violation(std::string details);

}  // namespace sluice::ovsdb
