// SPDX-License-Identifier: Apache-2.0
// From text to Json in one pass over a copy of the text, in which strings stay: values are views of it.  No recursion: open arrays and objects are a list.
// Sixteen bytes of a string are looked at at once.  UTF-8 is checked beforehand.  (A general SAX reader costs three times the
// instructions, and the one at hand aborts on 0.0000000001e-2147483639.)
#include <emmintrin.h>
#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "lib/json_document.h"

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

/// Values one behind another, as bytes: they borrow, so they need no destruction.
class ValueStack {
 public:
  ~ValueStack() { std::free(values_); }
  ValueStack() = default;
  ValueStack(const ValueStack&) = delete;
  ValueStack& operator=(const ValueStack&) = delete;
  void clear() { size_ = 0; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  Json* data() { return values_; }
  /// Room for one more; not initialised.
  void* push() {
    if (size_ == capacity_) grow();
    return values_ + size_++;
  }
  void cut(size_t size) { size_ = size; }

 private:
  void grow() {
    constexpr size_t kFirst = 256;
    capacity_ = capacity_ ? capacity_ * 2 : kFirst;
    values_ = static_cast<Json*>(std::realloc(static_cast<void*>(values_), capacity_ * sizeof(Json)));
    if (!values_) std::abort();
  }
  Json* values_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

/// What the parser found so far.  Unfinished arrays and objects lie on one stack; when they end their parts move to the arena.  Values that borrow own
/// nothing and are moved as bytes.
struct JsonBuilder {
  ValueStack& stack;
  Blocks& blocks;

  void put(Json::Type type, uint64_t bits, uint32_t size = 0) {
    Json& v = *new (stack.push()) Json;
    v.type_ = type;
    v.borrowed_ = true;
    v.size_ = size;
    v.u_.i = static_cast<int64_t>(bits);
  }
  void put_string(const char* s, size_t n) { put(Json::Type::string, std::bit_cast<uint64_t>(s), static_cast<uint32_t>(n)); }
  /// False if it is out of range.
  bool put_number(std::string_view text) {
    Json v = parse_json_number(text);
    if (v.is_null()) return false;
    put(v.type_, static_cast<uint64_t>(v.u_.i));
    return true;
  }
  /// What lies on the stack from `start` becomes one value.
  void close_array(size_t start) {
    size_t n = stack.size() - start;
    close(Json::Type::array, n, n);
  }
  void close_object(size_t start) {
    size_t values = stack.size() - start;
    close(Json::Type::object, values, sort_members(reinterpret_cast<Member*>(stack.data() + start), values / 2));
  }

 private:
  struct Member {  // two values as bytes: same layout as JsonMember
    alignas(Json) char bytes[2 * sizeof(Json)];
    std::string_view name() const { return std::launder(reinterpret_cast<const Json*>(bytes))->string(); }
  };
  static_assert(sizeof(Member) == sizeof(JsonMember));

  /// Moves the last `values` values of the stack into the arena, and leaves what they make up in their place.
  void close(Json::Type type, size_t values, size_t size) {
    size_t bytes = size * (type == Json::Type::object ? sizeof(JsonMember) : sizeof(Json));
    void* to = bytes ? blocks.allocate(bytes) : nullptr;
    if (bytes) std::memcpy(to, static_cast<const void*>(stack.data() + stack.size() - values), bytes);
    stack.cut(stack.size() - values);
    put(type, std::bit_cast<uint64_t>(to), static_cast<uint32_t>(size));
  }

  /// Names differ in the first eight bytes mostly.  They lie in the copy of the text, which is longer than its last string.
  static uint64_t prefix(std::string_view s) {
    uint64_t bytes;
    std::memcpy(&bytes, s.data(), sizeof bytes);
    unsigned beyond = s.size() >= sizeof bytes ? 0 : static_cast<unsigned>(8 * (sizeof bytes - s.size()));
    return s.empty() ? 0 : std::byteswap(bytes) >> beyond << beyond;
  }

  /// Sorts by name and, of members with the same name, keeps the last.  Returns how many are left.
  static size_t sort_members(Member* m, size_t n) {
    constexpr size_t kInsertion = 16;
    bool equal = false;
    if (n <= kInsertion) {
      uint64_t prefixes[kInsertion];
      for (size_t i = 0; i < n; i++) {
        const uint64_t p = prefix(m[i].name());
        size_t at = i;
        for (; at > 0 && p <= prefixes[at - 1]; at--) {
          int order = p < prefixes[at - 1] ? -1 : m[i].name().compare(m[at - 1].name());
          equal |= order == 0;
          if (order >= 0) break;
        }
        Member moved = m[i];
        for (size_t k = i; k > at; k--) m[k] = m[k - 1], prefixes[k] = prefixes[k - 1];
        m[at] = moved;
        prefixes[at] = p;
      }
    } else {
      std::stable_sort(m, m + n, [](const Member& a, const Member& b) { return a.name() < b.name(); });
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

/// Why a text is refused.  Those before `out_of_place` name their place; the others are about the token that stands there.
enum class Problem : uint8_t {
  none, depth, hex, surrogate, escape, quotation, control, null_in_string, number_range, no_fraction, no_exponent, out_of_place,
  empty = out_of_place, trailing, value, name, colon, object_comma, array_comma,
};

const char* describe(Problem p) {
  switch (p) {
    case Problem::none: break;
    case Problem::depth: return "input exceeds maximum nesting depth 1000";
    case Problem::hex: return "malformed \\u escape";
    case Problem::surrogate: return "malformed escaped surrogate pair";
    case Problem::escape: return "bad escape";
    case Problem::quotation: return "unexpected end of input in quoted string";
    case Problem::control: return "control character must be escaped in quoted string";
    case Problem::null_in_string: return "null bytes not supported in quoted string";
    case Problem::number_range: return "number outside valid range";
    case Problem::no_fraction: return "decimal point must be followed by digit";
    case Problem::no_exponent: return "exponent must contain at least one digit";
    case Problem::empty: return "empty input stream";
    case Problem::trailing: return "trailing garbage at end of input";
    case Problem::value: return "syntax error expecting value";
    case Problem::name: return "syntax error parsing object expecting string";
    case Problem::colon: return "syntax error parsing object expecting ':'";
    case Problem::object_comma: return "syntax error expecting '}' or ','";
    case Problem::array_comma: return "syntax error expecting ']' or ','";
  }
  return "syntax error";
}

JsonError error_at(std::string_view text, size_t offset, const char* what) {
  offset = std::min(offset, text.size());
  std::string_view before = text.substr(0, offset);
  size_t line = static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  size_t newline = before.rfind('\n');
  size_t column = newline == before.npos ? offset : offset - newline - 1;
  return {"line " + std::to_string(line) + ", column " + std::to_string(column) + ", byte " + std::to_string(offset) + ": " + what};
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
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
  if (start < at && is_lower(text[start])) at = start;
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n')) at++;
  if (at > 0 && text[at - 1] == '-') return error_at(text, at, "'-' must be followed by digit");
  if (at == text.size()) return error_at(text, at, "unexpected end of input");
  size_t end = token_end(text, at);
  if (is_lower(text[at])) {
    std::string word(text.substr(at, end - at));
    bool known = word == "true" || word == "false" || word == "null";
    return error_at(text, end, known ? what : ("invalid keyword '" + word + "'").c_str());
  }
  if (is_digit(text[at]) && at > 0 && text[at - 1] == '0') return error_at(text, end, "leading zeros not allowed");
  if (text[at] == '"') return error_at(text, end - 1, what);  // its last byte ends a string; what ends a number or a word is behind it
  if (is_digit(text[at]) || text[at] == '-') return error_at(text, end, what);
  if (std::string_view("[]{}:,").find(text[at]) != std::string_view::npos) return error_at(text, at, what);
  return error_at(text, at, json_invalid_character(text[at]).c_str());
}

constexpr size_t kVector = 16;  // bytes that are looked at at once, and zeros behind the text

/// The scanner and the grammar.  Threads: none of its own.
class Parser {
 public:
  Parser(char* text, size_t size, JsonBuilder builder, std::vector<size_t>& open) : begin_(text), end_(text + size), p_(text), out_(builder), open_(open) {}

  Problem run() {
    skip_space();
    if (p_ == end_) return Problem::empty;
    do {
      if (!value()) return problem_;
    } while (!open_.empty());
    skip_space();
    return p_ == end_ ? Problem::none : Problem::trailing;
  }
  size_t offset() const { return static_cast<size_t>(p_ - begin_); }

 private:
  // An open array or object: where its parts begin on the stack, and which of the two.
  static constexpr size_t kObject = 1;

  bool fail(Problem p) {
    problem_ = p;
    return false;
  }
  bool fail_at(char* where, Problem p) {
    p_ = where;
    return fail(p);
  }
  void skip_space() {
    if (*p_ > ' ') return;  // as mostly
    while (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t') p_++;
  }

  /// One value, or the beginning of one, and all that closes behind it.
  bool value() {
    switch (*p_) {
      case '"':
        if (!string()) return false;
        break;
      case '{':
      case '[': {
        bool object = *p_ == '{';
        p_++;
        if (open_.size() >= kJsonMaxDepth) return fail(Problem::depth);
        open_.push_back(out_.stack.size() << 1 | object);
        skip_space();
        if (*p_ == (object ? '}' : ']')) break;  // next() closes it
        return object ? name() : true;
      }
      case 't':
        if (!literal("true", Json::Type::boolean, 1)) return false;
        break;
      case 'f':
        if (!literal("false", Json::Type::boolean, 0)) return false;
        break;
      case 'n':
        if (!literal("null", Json::Type::null, 0)) return false;
        break;
      default:
        if (!number()) return false;
    }
    return next();
  }

  /// Behind a value: to the next one, out of what ends here.
  bool next() {
    while (!open_.empty()) {
      size_t top = open_.back();
      skip_space();
      if (*p_ == ',') {
        p_++;
        skip_space();
        return top & kObject ? name() : true;
      }
      if (top & kObject) {
        if (*p_ != '}') return fail(Problem::object_comma);
        out_.close_object(top >> 1);
      } else {
        if (*p_ != ']') return fail(Problem::array_comma);
        out_.close_array(top >> 1);
      }
      p_++;
      open_.pop_back();
    }
    return true;
  }

  bool name() {
    if (*p_ != '"') return fail(Problem::name);
    if (!string()) return false;
    skip_space();
    if (*p_ != ':') return fail(Problem::colon);
    p_++;
    skip_space();
    return true;
  }

  bool literal(std::string_view word, Json::Type type, uint64_t bits) {
    if (std::memcmp(p_, word.data(), word.size()) != 0) return fail(Problem::value);
    p_ += word.size();
    out_.put(type, bits);
    return true;
  }

  bool is_digit_here() const { return *p_ >= '0' && *p_ <= '9'; }
  void skip_digits() {
    while (is_digit_here()) p_++;
  }

  bool number() {
    constexpr ptrdiff_t kSafeDigits = 18;  // of an integer that fits for sure
    char* start = p_;
    bool negative = *p_ == '-';
    if (negative) p_++;
    if (!is_digit_here()) return fail(Problem::value);
    char* digits = p_;
    int64_t n = 0;
    if (*p_ == '0') p_++;
    else
      for (; is_digit_here() && p_ - digits < kSafeDigits; p_++) n = n * 10 + (*p_ - '0');
    bool long_number = is_digit_here() && *digits != '0';
    if (!long_number && *p_ != '.' && *p_ != 'e' && *p_ != 'E') {
      out_.put(Json::Type::integer, static_cast<uint64_t>(negative ? -n : n));
      return true;
    }
    if (long_number) skip_digits();
    if (*p_ == '.') {
      p_++;
      if (!is_digit_here()) return fail(Problem::no_fraction);
      skip_digits();
    }
    if (*p_ == 'e' || *p_ == 'E') {
      p_++;
      if (*p_ == '+' || *p_ == '-') p_++;
      if (!is_digit_here()) return fail(Problem::no_exponent);
      skip_digits();
    }
    return out_.put_number({start, static_cast<size_t>(p_ - start)}) || fail_at(start, Problem::number_range);
  }

  /// To the next quotation mark, backslash or control character.
  void skip_plain() {
    for (;; p_ += kVector) {
      __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p_));
      auto equal = [&](char c) { return _mm_cmpeq_epi8(block, _mm_set1_epi8(c)); };
      __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
      int marks = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(equal('"'), equal('\\')), control));
      if (!marks) continue;
      p_ += std::countr_zero(static_cast<unsigned>(marks));
      return;
    }
  }

  bool string() {
    char* start = ++p_;
    skip_plain();
    if (*p_ == '"') {
      out_.put_string(start, static_cast<size_t>(p_ - start));
      p_++;
      return true;
    }
    return escaped_string(start, p_);
  }

  /// From the first special character on; `to`: where the text goes that escapes make shorter.
  [[gnu::noinline]] bool escaped_string(char* start, char* to) {
    bool null = false, lone = false;
    while (*p_ != '"') {
      if (*p_ == '\\') {
        if (!escape(to, null, lone)) return false;
      } else if (*p_ == '\0') {
        return fail(Problem::quotation);
      } else {
        return fail(Problem::control);
      }
      char* from = p_;
      skip_plain();
      std::memmove(to, from, static_cast<size_t>(p_ - from));
      to += p_ - from;
    }
    p_++;
    if (null) return fail(Problem::null_in_string);
    if (lone) return fail(Problem::surrogate);
    out_.put_string(start, static_cast<size_t>(to - start));
    return true;
  }

  bool escape(char*& to, bool& null, bool& lone) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    char* start = p_++;
    if (*p_ != 'u') {
      size_t i = *p_ ? kNames.find(*p_) : kNames.npos;
      if (i == kNames.npos) return fail_at(start, Problem::escape);
      *to++ = kMeanings[i];
      p_++;
      return true;
    }
    p_++;
    unsigned code = 0, low = 0;
    if (!hex4(code)) return fail_at(start, Problem::hex);
    if (code >= 0xd800 && code <= 0xdbff) {
      if (p_[0] != '\\' || p_[1] != 'u') return fail_at(start, Problem::surrogate);
      p_ += 2;
      if (!hex4(low)) return fail_at(start, Problem::hex);
      if (low < 0xdc00 || low > 0xdfff) return fail_at(start, Problem::surrogate);
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    null |= code == 0;
    lone |= code >= 0xdc00 && code <= 0xdfff;
    put_utf8(to, code);
    return true;
  }

  bool hex4(unsigned& code) {
    for (int i = 0; i < 4; i++, p_++) {
      char c = *p_;
      unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
      if (digit > 15) return false;
      code = code << 4 | digit;
    }
    return true;
  }

  static void put_utf8(char*& to, unsigned code) {
    auto put = [&](unsigned byte) { *to++ = static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
      put(0xc0 | code >> 6);
    } else {
      if (code < 0x10000) {
        put(0xe0 | code >> 12);
      } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
      }
      put(0x80 | (code >> 6 & 0x3f));
    }
    put(0x80 | (code & 0x3f));
  }

  char *begin_, *end_, *p_;
  JsonBuilder out_;
  std::vector<size_t>& open_;
  Problem problem_ = Problem::none;
};

}  // namespace

std::expected<Json, JsonError> Json::parse(std::string_view text) {
  JsonArena arena;
  auto borrowed = arena.parse(text);
  if (!borrowed) return std::unexpected(borrowed.error());
  return Json(**borrowed);
}

std::string json_invalid_character(char c) {
  bool shown = c >= ' ' && c <= '~';
  return shown ? fmt::format("invalid character '{}'", c) : fmt::format("invalid character U+{:04x}", static_cast<unsigned char>(c));
}

std::expected<Json, JsonError> parse_json_document(std::string_view text) {
  size_t at = text.find_first_not_of(" \t\r\n");
  if (at != text.npos && text[at] != '{' && text[at] != '[') return std::unexpected(token_error(text, at, "syntax error at beginning of input"));
  return Json::parse(text);
}

struct JsonArena::Impl {
  Blocks blocks;
  ValueStack stack;
  std::vector<size_t> open;
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
  impl_->open.clear();
  impl_->blocks.reset();
  char* copy = static_cast<char*>(impl_->blocks.allocate(text.size() + kVector));
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  std::memset(copy + text.size(), 0, kVector);
  Parser parser(copy, text.size(), {impl_->stack, impl_->blocks}, impl_->open);
  Problem problem = parser.run();
  if (problem == Problem::none) return impl_->stack.data();
  if (text.empty()) return std::unexpected(error_at(text, 0, describe(problem)));
  if (problem == Problem::trailing && text[parser.offset()] == '\0') return std::unexpected(error_at(text, parser.offset(), "null byte"));
  // The copy has changed where escapes were; the text has not.
  auto here = static_cast<unsigned char>(text[std::min(parser.offset(), text.size() - 1)]);
  if (problem == Problem::control) return std::unexpected(error_at(text, parser.offset(), fmt::format("U+{:04X} must be escaped in quoted string", here).c_str()));
  if (problem == Problem::escape) return std::unexpected(error_at(text, parser.offset(), ("bad escape " + std::string(text.substr(parser.offset(), 2))).c_str()));
  if (problem > Problem::out_of_place) return std::unexpected(token_error(text, parser.offset(), describe(problem)));
  return std::unexpected(error_at(text, parser.offset(), describe(problem)));
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
  constexpr ptrdiff_t kAscii = 16;  // bytes that are looked at at once
  const auto* p = reinterpret_cast<const unsigned char*>(s.data());
  const auto* end = p + s.size();
  while (p < end) {
    auto is_ascii = [](const unsigned char* at) { return _mm_movemask_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))) == 0; };
    while (end - p >= 2 * kAscii && is_ascii(p) && is_ascii(p + kAscii)) p += 2 * kAscii;
    while (end - p >= kAscii && is_ascii(p)) p += kAscii;
    if (p == end || (end - p < kAscii && std::ssize(s) >= kAscii && is_ascii(end - kAscii))) break;
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
