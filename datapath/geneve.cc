// SPDX-License-Identifier: Apache-2.0
// See geneve.h.
#include "datapath/geneve.h"

#include <algorithm>

#include "lib/decimal.h"
#include "lib/text.h"

namespace sluice {
namespace {

constexpr uint8_t kWords = 0x1f;   // of the header's last byte

std::string number_text(uint64_t v) { return v ? fmt::format("{:#x}", v) : "0"; }

/// "0xa", "0": of any length.
std::string data_text(ByteView data) {
  std::string digits = hex(data);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return digits == "0" ? digits : "0x" + digits;
}

bool all(ByteView bytes, uint8_t b) { return std::ranges::all_of(bytes, [b](uint8_t x) { return x == b; }); }

std::string masked(std::string_view name, uint64_t value, uint64_t mask, uint64_t exact) {
  return fmt::format("{}={}{}", name, number_text(value), mask == exact ? "" : "/" + number_text(mask));
}

/// Right-aligned in `to`.
bool put_digits(std::string_view text, std::span<uint8_t> to) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::string even = (text.size() % 2 ? "0" : "") + std::string(text);
  auto bytes = parse_hex(even);
  while (bytes && bytes->size() > to.size() && !bytes->front()) bytes->erase(bytes->begin());
  if (!bytes || bytes->empty() || bytes->size() > to.size()) return false;
  std::ranges::copy(*bytes, to.end() - static_cast<ptrdiff_t>(bytes->size()));
  return true;
}

struct Part { std::string_view value, mask; bool has_mask = false; };
Part split(std::string_view text) {
  size_t slash = text.find('/');
  return slash == text.npos ? Part{text, {}} : Part{text.substr(0, slash), text.substr(slash + 1), true};
}

bool parse_number(std::string_view text, uint64_t most, uint64_t& value, uint64_t& mask) {
  Part p = split(text);
  auto v = sluice::parse_number(p.value), m = p.has_mask ? sluice::parse_number(p.mask) : most;
  if (!v || !m || *v > most || *m > most) return false;
  value = *v, mask = *m;
  return true;
}

/// "class=0xffff,type=0x80,len=4,0xa/0xf" appended to both, which are of equal length.
bool parse_option(std::string_view text, Bytes& value, Bytes& mask) {
  uint64_t cls = 0, cls_mask = UINT16_MAX, type = 0, type_mask = UINT8_MAX, length = 0, ignored = 0;
  std::optional<std::string_view> data;
  while (!text.empty()) {
    std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    bool ok = item.starts_with("class=") ? parse_number(item.substr(6), UINT16_MAX, cls, cls_mask)
              : item.starts_with("type=") ? parse_number(item.substr(5), UINT8_MAX, type, type_mask)
              : item.starts_with("len=")  ? parse_number(item.substr(4), kMaxGeneveData, length, ignored) && length % 4 == 0
                                          : !data && item.starts_with('0');
    if (!ok) return false;
    if (item.starts_with('0')) data = item;
  }
  size_t at = value.size();
  ByteWriter v(value), m(mask);
  v.u16(static_cast<uint16_t>(cls)), m.u16(static_cast<uint16_t>(cls_mask));
  v.u8(static_cast<uint8_t>(type)), m.u8(static_cast<uint8_t>(type_mask));
  v.u8(static_cast<uint8_t>(length / 4)), m.u8(UINT8_MAX);
  v.zeros(length), m.zeros(length);
  if (!data || !length) return !data;
  Part p = split(*data);
  std::span<uint8_t> value_at = std::span(value).subspan(at + kGeneveOptionHeader), mask_at = std::span(mask).subspan(at + kGeneveOptionHeader);
  if (!p.has_mask) std::ranges::fill(mask_at, UINT8_MAX);
  return put_digits(p.value, value_at) && (!p.has_mask || put_digits(p.mask, mask_at));
}

}  // namespace

std::optional<GeneveOption> next_option(ByteView options, size_t& at) {
  if (options.size() < at + kGeneveOptionHeader) return std::nullopt;
  const uint8_t* p = options.data() + at;
  GeneveOption o{load_be<uint16_t>(p), p[2], at + kGeneveOptionHeader, (p[3] & kWords) * size_t{4}};
  if (options.size() < o.data_at + o.size) return std::nullopt;
  at = o.data_at + o.size;
  return o;
}

std::string format_geneve(const Flow& key, const Flow& mask) {
  std::string out;
  ByteView options = geneve_options(key);
  size_t at = 0;
  while (auto o = next_option(options, at)) {
    const uint8_t* head = mask.tun_metadata + o->data_at - kGeneveOptionHeader;
    ByteView data = options.subspan(o->data_at, o->size), bits(mask.tun_metadata + o->data_at, o->size);
    append(out, "{{{},{},len={}", masked("class", o->option_class, load_be<uint16_t>(head), UINT16_MAX), masked("type", o->type, head[2], UINT8_MAX), o->size);
    if (o->size && !all(bits, 0)) out += "," + data_text(data) + (all(bits, UINT8_MAX) ? "" : "/" + data_text(bits));
    out += '}';
  }
  return out;
}

bool parse_geneve(std::string_view text, Flow& key, Flow& mask) {
  Bytes value, bits;
  while (!text.empty()) {
    size_t close = text.find('}');
    if (text.front() != '{' || close == text.npos || !parse_option(text.substr(1, close - 1), value, bits)) return false;
    text.remove_prefix(close + 1);
    if (text.starts_with(',')) text.remove_prefix(1);
  }
  if (value.size() > kMaxGeneveBytes) return false;
  set_geneve_options(key, value);
  set_geneve_options(mask, bits);
  mask.tun_present = be64(UINT64_MAX);
  return true;
}

}  // namespace sluice
