// SPDX-License-Identifier: Apache-2.0
// The value type: ownership, comparison, hashing and printing.  Parsing is in json_parse.cc, stream splitting in json_splitter.cc.
#include "lib/json.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "lib/integer_text.h"
#include "lib/json_writer.h"

namespace sluice {
namespace {

const Json kNull;

}  // namespace

Json::Json(double d) {
  // 2^63 itself does not fit.
  if (d >= -9223372036854775808.0 && d < 9223372036854775808.0 && d == std::trunc(d)) {
    type_ = Type::integer;
    u_.i = static_cast<int64_t>(d);
  } else {
    type_ = Type::real;
    u_.d = d;
  }
}

Json Json::real(double d) {
  Json j;
  j.type_ = Type::real;
  j.u_.d = d;
  return j;
}

Json::Json(std::string_view s) : size_(static_cast<uint32_t>(s.size())), type_(Type::string) {
  if (s.empty()) {
    u_.s = nullptr;
    return;
  }
  u_.s = std::allocator<char>().allocate(s.size());
  std::memcpy(u_.s, s.data(), s.size());
}

Json Json::array(std::initializer_list<Json> elements) {
  Json j;
  j.type_ = Type::array;
  j.u_.a = nullptr;
  for (const Json& e : elements) j.push_back(e);
  return j;
}

Json Json::array(std::vector<Json> elements) {
  Json j = array();
  for (Json& e : elements) j.push_back(std::move(e));
  return j;
}

Json Json::object(std::initializer_list<std::pair<std::string_view, Json>> members) {
  Json j;
  j.type_ = Type::object;
  j.u_.o = nullptr;
  for (const auto& [name, value] : members) j.set(name, value);
  return j;
}

Json Json::object(std::vector<std::pair<std::string, Json>> members) {
  std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Json j = object();
  for (auto& [name, value] : members) j.set(name, std::move(value));  // always at the end: cheap
  return j;
}

Json::Json(const Json& other) : size_(other.size_), type_(other.type_) {
  switch (type_) {
    case Type::string:
      *this = Json(other.string());
      break;
    case Type::array:
      size_ = 0;
      u_.a = nullptr;
      for (const Json& e : other.elements()) push_back(e);
      break;
    case Type::object:
      size_ = 0;
      u_.o = nullptr;
      for (const JsonMember& m : other.members()) {
        grow();
        new (u_.o + size_++) JsonMember(m);
      }
      break;
    default:
      u_ = other.u_;
  }
}

Json& Json::operator=(const Json& other) {
  if (this != &other) {
    Json copy(other);
    *this = std::move(copy);
  }
  return *this;
}

Json& Json::operator=(Json&& other) noexcept {
  if (this != &other) {
    if (!borrowed_ && type_ >= Type::string) release();
    steal(other);
  }
  return *this;
}

void Json::steal(Json& other) noexcept {
  u_ = other.u_;
  size_ = other.size_;
  type_ = other.type_;
  borrowed_ = other.borrowed_;
  capacity_ = other.capacity_;
  other.type_ = Type::null;
  other.borrowed_ = false;
  other.capacity_ = 0;
  other.size_ = 0;
}

void Json::release() {
  if (type_ == Type::string) {
    if (u_.s) std::allocator<char>().deallocate(u_.s, size_);
    return;
  }
  if (!capacity_) return;
  size_t capacity = size_t{1} << (capacity_ - 1);
  if (type_ == Type::array) {
    std::destroy_n(u_.a, size_);
    std::allocator<Json>().deallocate(u_.a, capacity);
  } else {
    std::destroy_n(u_.o, size_);
    std::allocator<JsonMember>().deallocate(u_.o, capacity);
  }
}

/// Makes room for one more element or member.
void Json::grow() {
  size_t old = capacity_ ? size_t{1} << (capacity_ - 1) : 0;
  if (size_ < old) return;
  size_t fresh = old ? old * 2 : 1;
  if (type_ == Type::array) {
    Json* p = std::allocator<Json>().allocate(fresh);
    std::uninitialized_move_n(u_.a, size_, p);
    if (old) std::allocator<Json>().deallocate(u_.a, old);
    u_.a = p;
  } else {
    JsonMember* p = std::allocator<JsonMember>().allocate(fresh);
    std::uninitialized_move_n(u_.o, size_, p);
    if (old) std::allocator<JsonMember>().deallocate(u_.o, old);
    u_.o = p;
  }
  capacity_++;
  if (!old) capacity_ = 1;
}

std::span<const Json> Json::elements() const {
  if (!is_array()) return {};
  return {u_.a, size_};
}

std::span<const JsonMember> Json::members() const {
  if (!is_object()) return {};
  return {u_.o, size_};
}

const Json& Json::operator[](size_t i) const { return is_array() && i < size_ ? u_.a[i] : kNull; }

const Json* Json::find(std::string_view name) const {
  std::span<const JsonMember> all = members();
  if (all.size() <= 8) {
    for (const JsonMember& m : all)
      if (m.key.size_ == name.size() && std::char_traits<char>::compare(m.key.u_.s, name.data(), name.size()) == 0) return &m.value;
    return nullptr;
  }
  auto it = std::lower_bound(all.begin(), all.end(), name, [](const JsonMember& m, std::string_view n) { return m.name() < n; });
  return it != all.end() && it->name() == name ? &it->value : nullptr;
}

const Json& Json::get(std::string_view name) const {
  const Json* v = find(name);
  return v ? *v : kNull;
}

void Json::push_back(Json element) {
  grow();
  new (u_.a + size_++) Json(std::move(element));
}

void Json::set(std::string_view name, Json value) {
  if (!size_ || u_.o[size_ - 1].name() < name) {
    grow();
    new (u_.o + size_++) JsonMember{Json(name), std::move(value)};
    return;
  }
  JsonMember* it = std::lower_bound(u_.o, u_.o + size_, name, [](const JsonMember& m, std::string_view n) { return m.name() < n; });
  if (it->name() == name) {
    it->value = std::move(value);
    return;
  }
  ptrdiff_t at = it - u_.o;
  grow();
  new (u_.o + size_) JsonMember{Json(name), std::move(value)};
  std::rotate(u_.o + at, u_.o + size_, u_.o + size_ + 1);
  size_++;
}

bool operator==(const Json& a, const Json& b) {
  if (a.type_ != b.type_) return false;
  switch (a.type_) {
    case Json::Type::null: return true;
    case Json::Type::boolean: return a.u_.b == b.u_.b;
    case Json::Type::integer: return a.u_.i == b.u_.i;
    case Json::Type::real: return a.u_.d == b.u_.d;
    case Json::Type::string: return a.string() == b.string();
    case Json::Type::array: return std::equal(a.u_.a, a.u_.a + a.size_, b.u_.a, b.u_.a + b.size_);
    case Json::Type::object:
      return std::equal(a.u_.o, a.u_.o + a.size_, b.u_.o, b.u_.o + b.size_,
                        [](const JsonMember& x, const JsonMember& y) { return x.key == y.key && x.value == y.value; });
  }
  return false;
}

size_t Json::hash() const {
  size_t h = static_cast<size_t>(type_) * 0x9e3779b97f4a7c15u;
  switch (type_) {
    case Type::null: break;
    case Type::boolean: h ^= u_.b; break;
    case Type::integer: h ^= static_cast<size_t>(u_.i) * 0xff51afd7ed558ccdu; break;
    case Type::real: h ^= std::bit_cast<uint64_t>(u_.d); break;
    case Type::string: h ^= XXH3_64bits(u_.s, size_); break;
    case Type::array:
      for (const Json& e : elements()) h = std::rotl(h, 7) * 31 + e.hash();
      break;
    case Type::object:
      for (const JsonMember& m : members()) h = std::rotl(h, 7) * 31 + m.key.hash() * 3 + m.value.hash();
      break;
  }
  return h;
}

namespace {

void append_pretty(std::string& out, const Json& j, size_t indent) {
  auto line = [&](size_t level) { out += '\n', out.append(level * 2, ' '); };
  if (j.size() == 0) return j.append_to(out);
  bool first = true;
  out += j.is_array() ? '[' : '{';
  for (const Json& e : j.elements()) {
    if (!std::exchange(first, false)) out += ',';
    line(indent + 1);
    append_pretty(out, e, indent + 1);
  }
  for (const JsonMember& m : j.members()) {
    if (!std::exchange(first, false)) out += ',';
    line(indent + 1);
    append_json_string(out, m.name());
    out += ": ";
    append_pretty(out, m.value, indent + 1);
  }
  out += j.is_array() ? ']' : '}';
}

}  // namespace

void append_json_string(std::string& out, std::string_view s) { JsonWriter(out).string(s); }

void append_json_integer(std::string& out, int64_t i) {
  char text[kIntegerRoom];
  out.append(text, static_cast<size_t>(format_integer(text, i) - text));
}

void append_json_real(std::string& out, double d, bool always_15) { JsonWriter(out).real(d, always_15); }

void Json::write(JsonWriter& out, bool short_reals) const {
  switch (type_) {
    case Type::null: out.put("null"); break;
    case Type::boolean: out.boolean(u_.b); break;
    case Type::integer: out.integer(u_.i); break;
    case Type::real: out.real(u_.d, short_reals); break;
    case Type::string: out.string(string()); break;
    case Type::array: {
      out.put('[');
      bool first = true;
      for (const Json& e : elements()) {
        if (!std::exchange(first, false)) out.put(',');
        e.write(out, short_reals);
      }
      out.put(']');
      break;
    }
    case Type::object: {
      out.put('{');
      bool first = true;
      for (const JsonMember& m : members()) {
        if (!std::exchange(first, false)) out.put(',');
        out.string(m.name());
        out.put(':');
        m.value.write(out, short_reals);
      }
      out.put('}');
      break;
    }
  }
}

void Json::append_to(std::string& out, bool short_reals) const {
  JsonWriter writer(out);
  write(writer, short_reals);
}

std::string Json::to_string() const {
  std::string out;
  append_to(out);
  return out;
}

std::string Json::to_error_text() const {
  std::string out;
  append_to(out, true);
  return out;
}

std::string Json::to_pretty_string() const {
  std::string out;
  append_pretty(out, *this, 0);
  return out;
}

}  // namespace sluice
