// SPDX-License-Identifier: Apache-2.0
// From text to Json by RapidJSON's SAX reader, in place in a copy of the text, so that strings are views of it.  Numbers come as strings (the reader's own
// number code aborts on 0.0000000001e-2147483639).  The reader recurses, but no deeper than kJsonMaxDepth: the handler stops it (the iterative mode of
// the reader costs three times the instructions).  UTF-8 is checked beforehand, eight bytes at a time.
#define RAPIDJSON_SSE2
#include <rapidjson/error/error.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "lib/json.h"

namespace sluice {
namespace {

constexpr size_t kFirstBlock = 4096;
constexpr size_t kKeepBlocks = 1 << 20;  // an arena keeps at most this many bytes for the next text

/// Bump allocator whose blocks are kept from one parse to the next.
class Blocks {
 public:
  void* allocate(size_t bytes) {
    bytes = (bytes + 7) & ~size_t{7};
    if (used_ + bytes > size_) more(bytes);
    void* p = current_ + used_;
    used_ += bytes;
    return p;
  }
  void reset() {
    if (blocks_.size() > 1) {  // one block as big as all together, within reason
      size_t total = std::min(bytes(), kKeepBlocks);
      blocks_.clear();
      size_ = used_ = 0;
      more(total);
    }
    used_ = 0;
  }
  size_t bytes() const {
    size_t n = 0;
    for (const Block& b : blocks_) n += b.size;
    return n;
  }

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    size_t size;
  };
  void more(size_t bytes) {
    size_t want = std::max({bytes, kFirstBlock, size_ * 2});
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(want), want});
    current_ = blocks_.back().memory.get();
    size_ = want;
    used_ = 0;
  }
  std::vector<Block> blocks_;
  char* current_ = nullptr;
  size_t size_ = 0, used_ = 0;
};

}  // namespace

/// SAX handler.  Unfinished arrays and objects lie on one stack; when they end their parts move to the arena.  Values that borrow own nothing and are
/// moved as bytes.
struct JsonBuilder {
  std::vector<Json>& stack;
  Blocks& blocks;
  bool has_unicode_escapes = false;  // of which one surrogate alone may have made bad UTF-8
  const char* problem = nullptr;
  unsigned depth = 0;

  bool put(Json::Type type, uint64_t bits, uint32_t size = 0) {
    Json& v = stack.emplace_back();
    v.type_ = type;
    v.borrowed_ = true;
    v.size_ = size;
    v.u_.i = static_cast<int64_t>(bits);
    return true;
  }
  bool Null() { return put(Json::Type::null, 0); }
  bool Bool(bool b) { return put(Json::Type::boolean, b); }
  bool Int(int i) { return Int64(i); }
  bool Uint(unsigned i) { return Int64(i); }
  bool Int64(int64_t i) { return put(Json::Type::integer, static_cast<uint64_t>(i)); }
  bool Uint64(uint64_t i) { return put(Json::Type::integer, i); }
  bool Double(double d) { return put(Json::Type::real, std::bit_cast<uint64_t>(d)); }
  bool RawNumber(const char* s, rapidjson::SizeType n, bool) {
    Json v = parse_json_number({s, n});
    if (v.is_integer()) return Int64(v.u_.i);
    if (v.is_null()) return fail("number outside valid range");
    return Double(v.u_.d);
  }
  bool String(const char* s, rapidjson::SizeType n, bool) {
    if (std::memchr(s, 0, n)) return fail("null bytes not supported in quoted string");
    if (has_unicode_escapes && !is_valid_utf8({s, n})) return fail("malformed escaped surrogate pair");
    return put(Json::Type::string, std::bit_cast<uint64_t>(s), n);
  }
  bool Key(const char* s, rapidjson::SizeType n, bool copy) { return String(s, n, copy); }
  bool StartArray() { return ++depth <= kJsonMaxDepth || fail("input exceeds maximum nesting depth 1000"); }
  bool StartObject() { return StartArray(); }

  bool EndArray(rapidjson::SizeType n) { return close(Json::Type::array, n, n); }
  bool EndObject(rapidjson::SizeType n) {
    Json* from = stack.data() + stack.size() - 2 * size_t{n};
    size_t kept = sort_members(reinterpret_cast<Member*>(from), n);
    return close(Json::Type::object, 2 * size_t{n}, kept);
  }

  bool fail(const char* text) {
    problem = text;
    return false;
  }

 private:
  struct Member {  // two values as bytes: same layout as JsonMember
    alignas(Json) char bytes[2 * sizeof(Json)];
    std::string_view name() const { return std::launder(reinterpret_cast<const Json*>(bytes))->string(); }
  };
  static_assert(sizeof(Member) == sizeof(JsonMember));

  /// Moves the last `values` values of the stack into the arena, and leaves what they make up in their place.
  bool close(Json::Type type, size_t values, size_t size) {
    depth--;
    size_t bytes = size * (type == Json::Type::object ? sizeof(JsonMember) : sizeof(Json));
    void* to = bytes ? blocks.allocate(bytes) : nullptr;
    if (bytes) std::memcpy(to, static_cast<const void*>(stack.data() + stack.size() - values), bytes);
    stack.resize(stack.size() - values);
    return put(type, std::bit_cast<uint64_t>(to), static_cast<uint32_t>(size));
  }

  /// Sorts by name and, of members with the same name, keeps the last.  Returns how many are left.
  static size_t sort_members(Member* m, size_t n) {
    constexpr size_t kInsertion = 16;
    auto less = [](const Member& a, const Member& b) { return a.name() < b.name(); };
    bool equal = false;
    if (n <= kInsertion) {
      for (size_t i = 1; i < n; i++) {
        std::string_view name = m[i].name();
        size_t at = i;
        int order = 1;
        while (at > 0 && (order = name.compare(m[at - 1].name())) < 0) at--;
        equal |= order == 0;
        if (at == i) continue;
        Member moved = m[i];
        std::memmove(static_cast<void*>(m + at + 1), m + at, (i - at) * sizeof(Member));
        m[at] = moved;
      }
    } else {
      std::stable_sort(m, m + n, less);
      equal = std::adjacent_find(m, m + n, [](const Member& a, const Member& b) { return a.name() == b.name(); }) != m + n;
    }
    if (!equal) return n;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
      if (kept && m[kept - 1].name() == m[i].name()) kept--;
      m[kept++] = m[i];
    }
    return kept;
  }
};

namespace {

constexpr unsigned kParseFlags = rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag;

const char* describe(rapidjson::ParseErrorCode code) {
  switch (code) {
    case rapidjson::kParseErrorDocumentEmpty: return "empty input stream";
    case rapidjson::kParseErrorDocumentRootNotSingular: return "trailing garbage at end of input";
    case rapidjson::kParseErrorValueInvalid: return "syntax error expecting value";
    case rapidjson::kParseErrorObjectMissName: return "syntax error parsing object expecting string";
    case rapidjson::kParseErrorObjectMissColon: return "syntax error parsing object expecting ':'";
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket: return "syntax error expecting '}' or ','";
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket: return "syntax error expecting ']' or ','";
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex: return "malformed \\u escape";
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid: return "malformed escaped surrogate pair";
    case rapidjson::kParseErrorStringEscapeInvalid: return "bad escape in quoted string";
    case rapidjson::kParseErrorStringMissQuotationMark: return "unexpected end of input in quoted string";
    case rapidjson::kParseErrorStringInvalidEncoding: return "invalid UTF-8 sequence or control character in quoted string";
    case rapidjson::kParseErrorNumberTooBig: return "number outside valid range";
    case rapidjson::kParseErrorNumberMissFraction: return "decimal point must be followed by digit";
    case rapidjson::kParseErrorNumberMissExponent: return "exponent must contain at least one digit";
    default: return "syntax error";
  }
}

JsonError error_at(std::string_view text, size_t offset, const char* what) {
  offset = std::min(offset, text.size());
  std::string_view before = text.substr(0, offset);
  size_t line = static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  size_t newline = before.rfind('\n');
  size_t column = newline == before.npos ? offset : offset - newline - 1;
  return {"line " + std::to_string(line) + ", column " + std::to_string(column) + ", byte " + std::to_string(offset) + ": " + what};
}

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_alpha(c) || is_digit(c) || c == '_'; }

/// Behind the number, string or punctuation mark at `at`, which is well-formed.
size_t token_end(std::string_view text, size_t at) {
  if (text[at] == '"') {
    for (size_t i = at + 1; i < text.size(); i++) {
      if (text[i] == '\\') i++;
      else if (text[i] == '"') return i + 1;
    }
    return text.size();
  }
  size_t end = at;
  while (end < text.size() && (is_word(text[end]) || text[end] == '-' || text[end] == '+' || text[end] == '.')) end++;
  return std::max(end, at);
}

/// A wrong token, as a scanner of tokens reports it: by name if it is none at all, else as being out of place, from behind it.
JsonError token_error(std::string_view text, size_t offset, const char* what) {
  size_t start = std::min(offset, text.size()), at = start;
  while (start > 0 && is_word(text[start - 1])) start--;
  if (start < at && is_alpha(text[start])) at = start;
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n')) at++;
  if (at > 0 && text[at - 1] == '-') return error_at(text, at, "'-' must be followed by digit");
  if (at == text.size()) return error_at(text, at, "unexpected end of input");
  size_t end = token_end(text, at);
  if (is_alpha(text[at])) {
    std::string word(text.substr(at, end - at));
    bool known = word == "true" || word == "false" || word == "null";
    return error_at(text, end, known ? what : ("invalid keyword '" + word + "'").c_str());
  }
  if (is_digit(text[at]) && at > 0 && text[at - 1] == '0') return error_at(text, end, "leading zeros not allowed");
  if (is_digit(text[at]) || text[at] == '-' || text[at] == '"') return error_at(text, end, what);
  if (std::string_view("[]{}:,").find(text[at]) != std::string_view::npos) return error_at(text, at, what);
  return error_at(text, at, (std::string("invalid character '") + text[at] + "'").c_str());
}

bool is_token_error(rapidjson::ParseErrorCode code) {
  switch (code) {
    case rapidjson::kParseErrorDocumentRootNotSingular:
    case rapidjson::kParseErrorValueInvalid:
    case rapidjson::kParseErrorObjectMissName:
    case rapidjson::kParseErrorObjectMissColon:
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket:
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket: return true;
    default: return false;
  }
}

}  // namespace

std::expected<Json, JsonError> Json::parse(std::string_view text) {
  JsonArena arena;
  auto borrowed = arena.parse(text);
  if (!borrowed) return std::unexpected(borrowed.error());
  return Json(**borrowed);
}

struct JsonArena::Impl {
  Blocks blocks;
  std::vector<Json> stack;
  rapidjson::Reader reader;
};

JsonArena::JsonArena() : impl_(std::make_unique<Impl>()) {}
JsonArena::~JsonArena() = default;
JsonArena::JsonArena(JsonArena&&) noexcept = default;
JsonArena& JsonArena::operator=(JsonArena&&) noexcept = default;
size_t JsonArena::bytes() const { return impl_->blocks.bytes() + impl_->stack.capacity() * sizeof(Json); }

std::expected<const Json*, JsonError> JsonArena::parse(std::string_view text) {
  if (text.size() >= std::numeric_limits<uint32_t>::max()) return std::unexpected(JsonError{"input is too long"});
  if (!is_valid_utf8(text)) return std::unexpected(JsonError{"invalid UTF-8 sequence"});
  impl_->stack.clear();
  impl_->blocks.reset();
  // The reader looks at whole vectors of 16 bytes.
  constexpr size_t kPadding = 16;
  char* copy = static_cast<char*>(impl_->blocks.allocate(text.size() + kPadding));
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  std::memset(copy + text.size(), 0, kPadding);
  JsonBuilder builder{impl_->stack, impl_->blocks, text.find("\\u") != text.npos};
  rapidjson::InsituStringStream bytes(copy);
  rapidjson::ParseResult result = impl_->reader.Parse<kParseFlags>(bytes, builder);
  if (result.IsError()) {
    if (!builder.problem && is_token_error(result.Code())) return std::unexpected(token_error(text, result.Offset(), describe(result.Code())));
    return std::unexpected(error_at(text, result.Offset(), builder.problem ? builder.problem : describe(result.Code())));
  }
  // A zero byte looks like the end to the reader.
  if (size_t end = text.find('\0'); end != text.npos) return std::unexpected(error_at(text, end, "null byte"));
  return &impl_->stack.front();
}

/// Integral and within int64 by exact decimal arithmetic, however it is written (1.0, 1e3); else a double; null if the double overflows.
Json parse_json_number(std::string_view text) {
  int64_t integer = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (ec == std::errc() && end == text.data() + text.size()) return integer;

  uint64_t digits = 0;
  int64_t exponent = 0;
  bool negative = false, exact = true, fraction = false;
  size_t i = 0;
  if (i < text.size() && text[i] == '-') negative = true, i++;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; i++) {
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    unsigned digit = static_cast<unsigned>(text[i] - '0');
    if (digits > (std::numeric_limits<uint64_t>::max() - 9) / 10) {
      exact = exact && digit == 0;
      exponent += !fraction;
    } else {
      digits = digits * 10 + digit;
      exponent -= fraction;
    }
  }
  if (i < text.size()) {
    int64_t written = 0;
    size_t from = i + 1 + (i + 1 < text.size() && text[i + 1] == '+');
    auto r = std::from_chars(text.data() + from, text.data() + text.size(), written);
    bool huge = r.ec == std::errc::result_out_of_range || written > 1'000'000 || written < -1'000'000;
    if (huge) written = text[from] == '-' ? -2'000'000 : 2'000'000;
    exponent += written;
  }
  if (digits == 0 && exact) return int64_t{0};
  while (exact && exponent < 0 && digits % 10 == 0) digits /= 10, exponent++;
  while (exact && exponent > 0 && digits <= std::numeric_limits<uint64_t>::max() / 10) digits *= 10, exponent--;
  uint64_t limit = (uint64_t{1} << 63) - !negative;
  if (exact && exponent == 0 && digits <= limit) return static_cast<int64_t>(negative ? 0 - digits : digits);

  double d = 0;
  auto r = std::from_chars(text.data(), text.data() + text.size(), d);
  if (r.ec == std::errc::result_out_of_range) {
    if (exponent > 0) return nullptr;
    d = std::strtod(std::string(text).c_str(), nullptr);  // underflow: zero or denormal
    if (!std::isfinite(d)) return nullptr;
  }
  if (d == 0) return int64_t{0};
  return Json::real(d);
}

bool is_valid_utf8(std::string_view s) {
  const auto* p = reinterpret_cast<const unsigned char*>(s.data());
  const auto* end = p + s.size();
  while (p < end) {
    uint64_t eight;
    while (end - p >= 8 && (std::memcpy(&eight, p, 8), (eight & 0x8080808080808080u) == 0)) p += 8;
    if (p == end) break;
    if (*p < 0x80) {
      p++;
      continue;
    }
    int extra = *p >= 0xf0 && *p <= 0xf4 ? 3 : *p >= 0xe0 && *p < 0xf0 ? 2 : *p >= 0xc2 && *p < 0xe0 ? 1 : 0;
    if (!extra || end - p <= extra) return false;
    for (int i = 1; i <= extra; i++)
      if ((p[i] & 0xc0) != 0x80) return false;
    bool overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
    bool surrogate = *p == 0xed && p[1] >= 0xa0, beyond = *p == 0xf4 && p[1] >= 0x90;
    if (overlong || surrogate || beyond) return false;
    p += extra + 1;
  }
  return true;
}

}  // namespace sluice
