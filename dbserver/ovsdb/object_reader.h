// SPDX-License-Identifier: Apache-2.0
// Takes the members of a JSON object one by one, notes the first thing that is wrong, and complains about members that nobody took:
// "Parsing WHAT failed: Required 'x' member is missing."
#pragma once

#include <string>
#include <string_view>

#include "dbserver/ovsdb/error.h"
#include "lib/json.h"

namespace sluice::ovsdb {

class ObjectReader {
 public:
  // What a member may be: bits.
  static constexpr unsigned kNull = 1, kBoolean = 2, kInteger = 4, kReal = 8, kString = 16, kArray = 32, kObject = 64, kId = 128;
  static constexpr unsigned kNumber = kInteger | kReal, kAny = 127;

  explicit ObjectReader(const Json& j);
  /// nullptr if missing or wrong.
  const Json* required(std::string_view name, unsigned types);
  const Json* optional(std::string_view name, unsigned types) { return take(name, types, true); }
  /// No error so far.
  bool ok() const { return problem_.empty(); }
  void fail(std::string problem) {
    if (ok()) problem_ = std::move(problem);
  }
  /// Checks for members that were not taken.  True if all is well.
  bool done();
  /// Calls done(); the error as OVS words it.
  Status finish(std::string_view what);

 private:
  const Json* take(std::string_view name, unsigned types, bool optional);
  const Json& json_;
  const Json* taken_[12];  // members' values
  size_t taken_count_ = 0;
  std::string problem_;
};

}  // namespace sluice::ovsdb
