// SPDX-License-Identifier: Apache-2.0
// JSON values, 16 bytes each, with the limits and number rules of OVSDB (spec/ovsdb-protocol.md section 1).
//
// Invariants: object members are sorted by name and unique; strings are UTF-8 without NUL; nesting <= kJsonMaxDepth when it came from a parser.
// Memory: a value either owns what it points to, or borrows it from a JsonArena (then it dies with the arena's next parse: take a copy
// to keep it; a copy always owns).  Parsing into an arena that is reused allocates nothing.  No thread rules: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

inline constexpr unsigned kJsonMaxDepth = 1000;
inline constexpr size_t kJsonMaxMessage = 64u << 20;  // bytes of one top-level value, by default

struct JsonError {
  std::string text;  // "line 0, column 5, byte 5: invalid keyword 'hello'"
};

struct JsonMember;
class JsonArena;
class JsonWriter;

class Json {
 public:
  enum class Type : uint8_t { null, boolean, integer, real, string, array, object };

  Json() = default;
  Json(std::nullptr_t) {}
  Json(bool b) : type_(Type::boolean) { u_.b = b; }
  Json(int i) : Json(static_cast<int64_t>(i)) {}
  Json(unsigned i) : Json(static_cast<int64_t>(i)) {}
  Json(int64_t i) : type_(Type::integer) { u_.i = i; }
  Json(long long i) : Json(static_cast<int64_t>(i)) {}
  Json(uint64_t i) : Json(static_cast<int64_t>(i)) {}
  Json(double d);  // becomes an integer if it is one exactly
  static Json real(double d);  // a real even then, as in a column of reals: 1e18 prints as 1e+18
  Json(std::string_view s);
  Json(const std::string& s) : Json(std::string_view(s)) {}
  Json(const char* s) : Json(std::string_view(s)) {}
  static Json array(std::initializer_list<Json> elements = {});
  static Json array(std::vector<Json> elements);
  static Json object(std::initializer_list<std::pair<std::string_view, Json>> members = {});
  /// Sorts; of members with the same name the last wins.
  static Json object(std::vector<std::pair<std::string, Json>> members);

  Json(const Json& other);
  Json(Json&& other) noexcept { steal(other); }
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json() {
    if (!borrowed_ && type_ >= Type::string) release();
  }

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::null; }
  bool is_bool() const { return type_ == Type::boolean; }
  bool is_integer() const { return type_ == Type::integer; }
  bool is_real() const { return type_ == Type::real; }
  bool is_number() const { return is_integer() || is_real(); }
  bool is_string() const { return type_ == Type::string; }
  bool is_array() const { return type_ == Type::array; }
  bool is_object() const { return type_ == Type::object; }

  // Accessors never fail: of a value of another type they give false, 0, "" or nothing.
  bool boolean() const { return is_bool() && u_.b; }
  int64_t integer() const { return is_integer() ? u_.i : 0; }
  double number() const { return is_integer() ? static_cast<double>(u_.i) : is_real() ? u_.d : 0; }
  std::string_view string() const { return is_string() ? std::string_view(u_.s, size_) : std::string_view(); }
  std::span<const Json> elements() const;
  std::span<const JsonMember> members() const;
  size_t size() const { return is_array() || is_object() ? size_ : 0; }
  const Json& operator[](size_t i) const;               // null if there is none
  const Json* find(std::string_view name) const;         // nullptr if there is none
  const Json& get(std::string_view name) const;          // null if there is none

  void push_back(Json element);                          // REQUIRES: an array that is not borrowed
  void set(std::string_view name, Json value);           // REQUIRES: an object that is not borrowed; replaces a member of that name

  friend bool operator==(const Json& a, const Json& b);
  size_t hash() const;

  /// Compact, members sorted: the text that OVSDB files and checksums use.
  std::string to_string() const;
  void append_to(std::string& out) const { append_to(out, false); }
  void write(JsonWriter& out, bool short_reals = false) const;
  /// The same with reals at 15 digits, as the peer shows values in error texts (it also stores them so, and loses digits; we do not).
  std::string to_error_text() const;
  /// Indented by two blanks a level.
  std::string to_pretty_string() const;

  static std::expected<Json, JsonError> parse(std::string_view text);

 private:
  friend class JsonArena;
  friend struct JsonBuilder;
  friend Json parse_json_number(std::string_view text);
  void steal(Json& other) noexcept;
  void release();
  void grow();
  void append_to(std::string& out, bool short_reals) const;

  union {
    bool b;
    int64_t i;
    double d;
    char* s;
    Json* a;
    JsonMember* o;
  } u_{.i = 0};
  uint32_t size_ = 0;      // bytes, elements or members
  Type type_ = Type::null;
  bool borrowed_ = false;
  uint8_t capacity_ = 0;   // of array and object: 1 << (capacity_ - 1); 0 = none
};
static_assert(sizeof(Json) == 16);

struct JsonMember {
  Json key;  // a string
  Json value;
  std::string_view name() const { return key.string(); }
};

/// Memory for one parsed text at a time.  parse() frees what the call before it returned.
class JsonArena {
 public:
  JsonArena();
  ~JsonArena();
  JsonArena(JsonArena&&) noexcept;
  JsonArena& operator=(JsonArena&&) noexcept;
  /// The value borrows from this arena.
  std::expected<const Json*, JsonError> parse(std::string_view text);
  size_t bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Appends s as a JSON string with quotes and escapes.
void append_json_string(std::string& out, std::string_view s);
/// 15 significant digits, as the peer prints reals; 17 if 15 do not give the same number back.
void append_json_real(std::string& out, double d, bool always_15 = false);
void append_json_integer(std::string& out, int64_t i);
bool is_valid_utf8(std::string_view s);
/// Number text by the rules of OVSDB: an integer if it is integral and fits, else a double; null if out of range.
Json parse_json_number(std::string_view text);

/// Cuts a byte stream into top-level values.  Only objects and arrays may stand there.  feed() bytes, then next() until it gives nothing.
class JsonSplitter {
 public:
  explicit JsonSplitter(size_t max_message = kJsonMaxMessage) : max_message_(max_message) {}
  void feed(std::string_view bytes);
  /// A whole value's text (valid until the next feed() or next()), or an empty view if more bytes are needed or after an error.
  std::string_view next();
  bool failed() const { return failed_; }
  bool too_long() const { return too_long_; }  // failed, because of max_message
  const JsonError& error() const { return error_; }
  size_t buffered() const { return buffer_.size() - begin_; }
  bool empty() const { return buffered() == 0; }
  /// Gives the memory back if nothing is buffered: for sessions that go idle.
  void shrink() {
    if (!empty()) return;
    stream_bytes_ += begin_;
    std::string().swap(buffer_);
    begin_ = scan_ = 0;
  }

 private:
  void fail(std::string text);
  bool skip_space();
  bool step(char c);

  size_t max_message_;
  std::string buffer_;
  size_t begin_ = 0;  // of the value being scanned
  size_t scan_ = 0;   // next byte to look at
  unsigned depth_ = 0;
  bool in_string_ = false, escaped_ = false, failed_ = false, too_long_ = false;
  uint64_t stream_bytes_ = 0;  // before buffer_[0], for error texts
  JsonError error_;
};

}  // namespace sluice
