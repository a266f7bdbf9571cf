// SPDX-License-Identifier: Apache-2.0
// Members of a JSON object, with OVS's complaints.
#include "dbserver/ovsdb/object_reader.h"

#include <fmt/core.h>

#include <algorithm>

#include "dbserver/ovsdb/schema.h"

namespace sluice::ovsdb {
namespace {

unsigned type_bit(const Json& j) {
  switch (j.type()) {
    case Json::Type::null: return ObjectReader::kNull;
    case Json::Type::boolean: return ObjectReader::kBoolean;
    case Json::Type::integer: return ObjectReader::kInteger;
    case Json::Type::real: return ObjectReader::kReal;
    case Json::Type::string: return ObjectReader::kString;
    case Json::Type::array: return ObjectReader::kArray;
    case Json::Type::object: return ObjectReader::kObject;
  }
  return 0;
}

}  // namespace

ObjectReader::ObjectReader(const Json& j) : json_(j) {
  if (!j.is_object()) problem_ = "Object expected.";
}

const Json* ObjectReader::take(std::string_view name, unsigned types, bool optional) {
  const Json* v = json_.find(name);
  if (!v) {
    if (!optional) fail(fmt::format("Required '{}' member is missing.", name));
    return nullptr;
  }
  if (taken_count_ < std::size(taken_)) taken_[taken_count_++] = v;
  bool fits = (type_bit(*v) & types) || ((types & kId) && v->is_string() && is_id(v->string()));
  if (!fits) {
    fail(fmt::format("Type mismatch for member '{}'.", name));
    return nullptr;
  }
  return v;
}

const Json* ObjectReader::required(std::string_view name, unsigned types) { return take(name, types, false); }

bool ObjectReader::done() {
  if (!ok()) return false;
  if (json_.size() == taken_count_) return true;
  size_t others = 0;
  std::string_view first;
  for (const JsonMember& m : json_.members()) {
    if (std::find(taken_, taken_ + taken_count_, &m.value) != taken_ + taken_count_) continue;
    if (!others++) first = m.name();
  }
  if (others == 1) fail(fmt::format("Member '{}' is present but not allowed here.", first));
  if (others > 1)
    fail(fmt::format("Member '{}' and {} other member{} are present but not allowed here.", first, others - 1, others > 2 ? "s" : ""));
  return ok();
}

Status ObjectReader::finish(std::string_view what) {
  if (done()) return {};
  std::string details = fmt::format("Parsing {} failed: {}", what, problem_);
  if (!json_.is_object()) return syntax_error(std::move(details));
  return syntax_error(json_, std::move(details));
}

}  // namespace sluice::ovsdb
