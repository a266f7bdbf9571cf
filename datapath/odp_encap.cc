// SPDX-License-Identifier: Apache-2.0
// See odp_encap.h.
#include "datapath/odp_encap.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "datapath/ethertype.h"
#include "datapath/nsh.h"
#include "datapath/odp_arguments.h"
#include "datapath/odp_fields.h"
#include "lib/address.h"
#include "lib/text.h"

namespace sluice {
namespace {

constexpr uint8_t kUsualNext = 3;   // Ethernet
constexpr const char* kContextNames[] = {"c1", "c2", "c3", "c4"};

std::optional<OdpAction> parse_push_eth(std::string_view body) {
  auto a = parse_arguments(body, {"src", "dst"});
  auto src = a && a->contains("src") ? parse_mac((*a)["src"]) : std::nullopt, dst = a && a->contains("dst") ? parse_mac((*a)["dst"]) : std::nullopt;
  return src && dst ? std::optional(OdpAction{OdpPushEth{*src, *dst}}) : std::nullopt;
}

std::optional<OdpAction> parse_add_mpls(std::string_view body) {
  auto a = parse_arguments(body, {"label", "tc", "ttl", "bos", "eth_type"});
  if (!a) return std::nullopt;
  auto label = number_argument(*a, "label", 0, 0xfffff), tc = number_argument(*a, "tc", 0, 7), ttl = number_argument(*a, "ttl", 64, 255), bos = number_argument(*a, "bos", 1, 1);
  auto type = number_argument(*a, "eth_type", kEthMpls.host(), UINT16_MAX);
  if (!label || !tc || !ttl || !bos || !type) return std::nullopt;
  return OdpAction{OdpAddMpls{be32(*label << 12 | *tc << 9 | *bos << 8 | *ttl), be16(static_cast<uint16_t>(*type))}};
}

std::optional<OdpAction> parse_push_nsh(std::string_view body) {
  auto a = parse_arguments(body, {"flags", "ttl", "mdtype", "np", "spi", "si", "c1", "c2", "c3", "c4", "md2"});
  if (!a) return std::nullopt;
  auto flags = number_argument(*a, "flags", 0, kNshFlagBits), ttl = number_argument(*a, "ttl", kNshMaxTtl, kNshMaxTtl);
  auto mdtype = number_argument(*a, "mdtype", kNshMd1, UINT8_MAX), np = number_argument(*a, "np", kUsualNext, UINT8_MAX);
  auto spi = number_argument(*a, "spi", 0, 0xffffff), si = number_argument(*a, "si", UINT8_MAX, UINT8_MAX);
  if (!flags || !ttl || !mdtype || !np || !spi || !si || (*mdtype != kNshMd1 && *mdtype != kNshMd2)) return std::nullopt;
  OdpPushNsh push{.flags = static_cast<uint8_t>(*flags), .ttl = static_cast<uint8_t>(*ttl), .mdtype = static_cast<uint8_t>(*mdtype), .np = static_cast<uint8_t>(*np),
                  .path = be32(*spi << 8 | *si), .metadata = {}};
  if (*mdtype == kNshMd1) {
    ByteWriter w(push.metadata);
    for (const char* name : kContextNames) {
      auto c = number_argument(*a, name, 0, UINT32_MAX);
      if (!c) return std::nullopt;
      w.u32(*c);
    }
    return OdpAction{std::move(push)};
  }
  auto metadata = a->contains("md2") ? parse_bytes((*a)["md2"]) : Bytes{};
  if (!metadata || metadata->size() > kMaxNshMetadata) return std::nullopt;
  push.metadata = std::move(*metadata);
  push.metadata.resize((push.metadata.size() + 3) & ~size_t{3});
  return OdpAction{std::move(push)};
}

template <typename T>
std::optional<OdpAction> parse_bare(std::string_view body) { return body.empty() ? std::optional(OdpAction{T{}}) : std::nullopt; }

struct Row {
  std::string_view name;
  std::optional<OdpAction> (*parse)(std::string_view);
};
constexpr Row kRows[] = {{"push_eth", parse_push_eth}, {"pop_eth", parse_bare<OdpPopEth>}, {"push_nsh", parse_push_nsh}, {"pop_nsh", parse_bare<OdpPopNsh>}, {"add_mpls", parse_add_mpls}};

}  // namespace

std::string format_encap(const OdpPushEth& a) { return fmt::format("push_eth(src={},dst={})", format(a.src), format(a.dst)); }

std::string format_encap(const OdpAddMpls& a) {
  uint32_t lse = a.lse.host();
  return fmt::format("add_mpls(label={},tc={},ttl={},bos={},eth_type={:#x})", lse >> 12, lse >> 9 & 7, lse & 0xff, lse >> 8 & 1, a.eth_type.host());
}

std::string format_encap(const OdpPushNsh& a) {
  uint32_t path = a.path.host();
  std::string out = fmt::format("push_nsh(flags={},ttl={},mdtype={},np={},spi={:#x},si={}", a.flags, a.ttl, a.mdtype, a.np, path >> 8, path & 0xff);
  if (a.mdtype == kNshMd1)
    for (size_t i = 0; i < std::size(kContextNames) && (i + 1) * 4 <= a.metadata.size(); i++) append(out, ",{}={:#x}", kContextNames[i], load_be<uint32_t>(&a.metadata[i * 4]));
  else if (a.mdtype == kNshMd2)
    append(out, ",md2={}", a.metadata.empty() ? "0" : "0x" + hex(a.metadata));
  return out + ")";
}

std::optional<OdpAction> parse_encap_action(std::string_view name, std::string_view body) {
  auto* row = std::ranges::find(kRows, name, &Row::name);
  return row == std::end(kRows) ? std::nullopt : row->parse(body);
}

std::string format_nsh_key(const Flow& key, const Flow& mask) {
  std::string out;
  for (const OdpPart& part : kNshParts) {
    auto value = get_part(key, part), bits = get_part(mask, part), all = (uint64_t{1} << part.width()) - 1;
    bool is_context = part.offset >= offsetof(Flow, nsh_context);
    if (!bits || (is_context && key.nsh_mdtype > kNshMd1)) continue;   // there is none
    append(out, "{}{}=", out.empty() ? "" : ",", part.name);
    unsigned digits = part.width() / 4 + 2;   // with its "0x"
    if (part.form == kDecimal && bits == all) append(out, "{}", value);
    else if (part.form == kDecimal) append(out, "{:#04x}", value);
    else append(out, "{:#x}", value);
    if (bits != all) append(out, "/{:#0{}x}", bits, digits);
  }
  return out;
}

}  // namespace sluice
