// SPDX-License-Identifier: Apache-2.0
// Parsing of meters and of TLV maps.
#include <fmt/core.h>

#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {
namespace {

using Checked = std::expected<void, std::string>;
TextError bad(std::string text) { return TextError(std::move(text)); }

TextResult<uint32_t> parse_u32(std::string_view s) {
  auto n = parse_number(s);
  if (!n) return bad(fmt::format("invalid numeric format {}", s));
  if (*n > UINT32_MAX) return bad(fmt::format("{}: value too large for a 32-bit number", s));
  return static_cast<uint32_t>(*n);
}

TextResult<uint32_t> meter_number(std::string_view s) {
  if (s == "all") return OFPM_ALL;
  if (s == "controller") return OFPM_CONTROLLER;
  if (s == "slowpath") return OFPM_SLOWPATH;
  auto n = parse_u32(s);
  if (!n) return n;
  if (*n == 0 || *n > OFPM_MAX) return bad(fmt::format("invalid value for meter: {} (1 to {})", s, OFPM_MAX));
  return n;
}

struct BandState { bool rate = false, burst = false; };

Checked check_band(const MeterConfig& m, const BandState& seen) {
  if (m.bands.empty()) return {};
  if (!seen.rate) return bad("band must have 'rate'");
  if ((m.flags & OFPMF_BURST) && !seen.burst) return bad("band must have 'burst_size' when 'burst' flag is set");
  if (!(m.flags & OFPMF_BURST) && seen.burst) return bad("band may have 'burst_size' only when 'burst' flag is set");
  return {};
}

Checked parse_bands(std::string_view text, MeterConfig& m) {
  BandState seen;
  Said said;   // of the band
  for (;;) {
    auto item = next_item(text);
    if (!item) return bad(item.error());
    if (!*item) break;
    const KeyValue& kv = **item;
    if (kv.key == "type") said = {};
    if (auto once = said.add(kv); !once) return once;
    if (kv.key == "type") {
      if (auto ok = check_band(m, seen); !ok) return ok;
      MeterBand& b = m.bands.emplace_back();
      if (kv.value == "dscp_remark") b.type = MeterBandType::kDscpRemark;
      else if (kv.value != "drop") return bad(fmt::format("field type unknown value {}", kv.value));
      seen = {};
      continue;
    }
    if (m.bands.empty()) return bad("band must start with the 'type' keyword");
    auto n = parse_u32(kv.value);
    if (kv.key == "rate" || kv.key == "burst_size" || kv.key == "prec_level") {
      if (!n) return bad(n.error());
    }
    if (kv.key == "rate") {
      m.bands.back().rate = *n;
      seen.rate = true;
    } else if (kv.key == "burst_size") {
      m.bands.back().burst_size = *n;
      seen.burst = true;
    } else if (kv.key == "prec_level") {
      if (m.bands.back().type != MeterBandType::kDscpRemark) return bad("Only 'dscp_remark' band may have 'prec_level'");
      if (*n > UINT8_MAX) return bad(fmt::format("invalid prec_level \"{}\"", kv.value));
      m.bands.back().prec_level = static_cast<uint8_t>(*n);
    } else {
      return bad(fmt::format("unknown keyword {}", kv.key));
    }
  }
  if (m.bands.empty()) return bad("meter must have bands");
  return check_band(m, seen);
}

uint16_t flag_of(std::string_view word) {
  if (word == "kbps") return OFPMF_KBPS;
  if (word == "pktps") return OFPMF_PKTPS;
  if (word == "burst") return OFPMF_BURST;
  if (word == "stats") return OFPMF_STATS;
  return 0;
}

/// Where the band list begins, or npos.
size_t find_bands(std::string_view text, size_t& word_size) {
  for (std::string_view word : {"bands=", "band="}) {
    size_t at = text.find(word);
    word_size = word.size();
    if (at != std::string_view::npos) return at;
  }
  return std::string_view::npos;
}

}  // namespace

std::expected<MeterMod, std::string> parse_meter(std::string_view text, MeterCommand command) {
  MeterMod m{.command = command};
  bool defines = command != MeterCommand::kDelete, has_id = false;
  size_t word_size = 0, bands_at = defines ? find_bands(text, word_size) : std::string_view::npos;
  std::string_view head = text.substr(0, bands_at);
  Said said;
  for (;;) {
    auto item = next_item(head);
    if (!item) return bad(item.error());
    if (!*item) break;
    const KeyValue& kv = **item;
    uint16_t flag = defines && !kv.has_value() ? flag_of(kv.key) : 0;
    if (flag) {
      m.meter.flags |= flag;
    } else if (auto once = said.add(kv); !once) {
      return bad(once.error());
    } else if (kv.key == "meter") {
      auto n = meter_number(kv.value);
      if (!n) return bad(n.error());
      m.meter.meter_id = *n;
      has_id = true;
    } else {
      return bad(fmt::format("unknown keyword {}", kv.key));
    }
  }
  if (!has_id) return bad("must specify 'meter'");
  if (!defines) return m;
  if (bands_at == std::string_view::npos) return bad("must specify bands");
  uint16_t unit = m.meter.flags & (OFPMF_KBPS | OFPMF_PKTPS);
  if (!unit) return bad("meter must specify either 'kbps' or 'pktps'");
  if (auto ok = parse_bands(text.substr(bands_at + word_size), m.meter); !ok) return bad(ok.error());
  return m;
}

std::expected<uint32_t, std::string> parse_meter_id(std::string_view text) {
  auto m = parse_meter(text, MeterCommand::kDelete);
  if (!m) return bad(m.error());
  return m->meter.meter_id;
}

std::expected<TlvTableMod, std::string> parse_tlv_maps(std::string_view text, TlvTableCommand command) {
  TlvTableMod m{.command = command};
  std::string_view rest = trim(text);
  if (rest.empty()) {
    m.command = TlvTableCommand::kClear;
    return m;
  }
  while (!rest.empty()) {
    size_t close = rest.find('}');
    constexpr std::string_view kArrow = "->tun_metadata";
    if (rest.front() != '{' || close == std::string_view::npos || !rest.substr(close + 1).starts_with(kArrow)) return bad("invalid tlv mapping");
    TlvMap& map = m.maps.emplace_back();
    std::string_view inside = rest.substr(1, close - 1);
    for (;;) {
      auto item = next_item(inside);
      if (!item) return bad(item.error());
      if (!*item) break;
      auto n = parse_number((*item)->value);
      bool fits = n && *n <= ((*item)->key == "class" ? UINT16_MAX : UINT8_MAX);
      if (!fits) return bad(fmt::format("invalid {} \"{}\"", (*item)->key, (*item)->value));
      if ((*item)->key == "class") map.option_class = static_cast<uint16_t>(*n);
      else if ((*item)->key == "type") map.option_type = static_cast<uint8_t>(*n);
      else if ((*item)->key == "len") map.option_len = static_cast<uint8_t>(*n);
      else return bad("invalid tlv mapping");
    }
    rest = rest.substr(close + 1 + kArrow.size());
    size_t digits = rest.find_first_not_of("0123456789");
    auto index = parse_number(rest.substr(0, digits));
    if (!index || *index > UINT16_MAX) return bad("invalid tlv mapping");
    map.index = static_cast<uint16_t>(*index);
    rest = digits == std::string_view::npos ? std::string_view{} : rest.substr(digits);
    while (!rest.empty() && (rest.front() == ',' || rest.front() == ' ')) rest.remove_prefix(1);
  }
  return m;
}

}  // namespace sluice::ofp
