// SPDX-License-Identifier: Apache-2.0
// One row an action: its name, how its payload is read as text, and how text is read.
#include "datapath/odp_other.h"

#include <linux/openvswitch.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "lib/address.h"
#include "lib/text.h"

namespace sluice {
namespace {

constexpr uint16_t kPsample = 25, kPsampleGroup = 1, kPsampleCookie = 2;   // OVS_ACTION_ATTR_PSAMPLE of Linux 6.11
constexpr size_t kMaxPsampleCookie = 16, kMaxNshContext = 248;             // bytes
constexpr uint8_t kNshMd1 = 1, kNshMd2 = 2;

/// "name=value,name=value"; nothing if something is not of that form, or not one of `names`.
using Arguments = std::map<std::string, std::string, std::less<>>;
std::optional<Arguments> arguments(std::string_view body, std::initializer_list<std::string_view> names) {
  Arguments out;
  while (!body.empty()) {
    std::string_view word = body.substr(0, body.find(','));
    body.remove_prefix(std::min(body.size(), word.size() + 1));
    size_t equals = word.find('=');
    if (equals == word.npos || std::ranges::find(names, word.substr(0, equals)) == names.end()) return std::nullopt;
    out.emplace(word.substr(0, equals), word.substr(equals + 1));
  }
  return out;
}

/// The value, or `usual` if there is none; nothing if it is no number or larger than `most`.
std::optional<uint32_t> number(const Arguments& a, std::string_view name, uint32_t usual, uint32_t most) {
  auto found = a.find(name);
  if (found == a.end()) return usual;
  std::string_view text = found->second;
  bool is_hex = text.starts_with("0x");
  uint32_t v = 0;
  auto [end, error] = std::from_chars(text.data() + (is_hex ? 2 : 0), text.data() + text.size(), v, is_hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size() || v > most) return std::nullopt;
  return v;
}

/// "0x0a0b", "0".
std::optional<Bytes> bytes(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  if (text == "0") return Bytes{};
  return parse_hex(text.size() % 2 ? "0" + std::string(text) : std::string(text));
}

template <typename T>
void append_bytes(Bytes& out, const T& v) {
  auto* p = reinterpret_cast<const uint8_t*>(&v);
  out.insert(out.end(), p, p + sizeof v);
}

template <typename T>
std::optional<T> whole(ByteView payload) {
  T v;
  if (payload.size() != sizeof v) return std::nullopt;
  std::memcpy(&v, payload.data(), sizeof v);
  return v;
}

void append_attribute(Bytes& out, uint16_t type, ByteView payload) {
  append_bytes(out, static_cast<uint16_t>(4 + payload.size()));
  append_bytes(out, type);
  out.insert(out.end(), payload.begin(), payload.end());
  out.resize((out.size() + 3) & ~size_t{3});
}

std::optional<ByteView> attribute(ByteView all, uint16_t wanted) {
  while (all.size() >= 4) {
    uint16_t length, type;
    std::memcpy(&length, all.data(), 2), std::memcpy(&type, all.data() + 2, 2);
    if (length < 4 || length > all.size()) return std::nullopt;
    if (type == wanted) return all.subspan(4, length - 4u);
    all = all.subspan(std::min<size_t>(all.size(), (length + 3u) & ~3u));
  }
  return std::nullopt;
}

// --- the actions: text of a payload, nothing if it is malformed; payload of a text ---

using Text = std::optional<std::string>;
using Payload = std::optional<Bytes>;

Text push_eth_text(ByteView payload) {
  auto a = whole<ovs_action_push_eth>(payload);
  if (!a) return std::nullopt;
  MacAddr src, dst;
  std::copy_n(a->addresses.eth_src, 6, src.b.begin());
  std::copy_n(a->addresses.eth_dst, 6, dst.b.begin());
  return fmt::format("push_eth(src={},dst={})", format(src), format(dst));
}
Payload push_eth(std::string_view body) {
  auto a = arguments(body, {"src", "dst"});
  auto src = a && a->contains("src") ? parse_mac((*a)["src"]) : std::nullopt, dst = a && a->contains("dst") ? parse_mac((*a)["dst"]) : std::nullopt;
  if (!src || !dst) return std::nullopt;
  ovs_action_push_eth push{};
  std::copy_n(src->b.begin(), 6, push.addresses.eth_src);
  std::copy_n(dst->b.begin(), 6, push.addresses.eth_dst);
  Bytes out;
  append_bytes(out, push);
  return out;
}

Text flag_text(ByteView payload, const char* text) { return payload.empty() ? Text(text) : std::nullopt; }
Payload flag(std::string_view body) { return body.empty() ? Payload(Bytes{}) : std::nullopt; }

Text add_mpls_text(ByteView payload) {
  auto a = whole<ovs_action_add_mpls>(payload);
  if (!a) return std::nullopt;
  uint32_t lse = be32::from_raw(a->mpls_lse).host();
  return fmt::format("add_mpls(label={},tc={},ttl={},bos={},eth_type={:#x})", lse >> 12, lse >> 9 & 7, lse & 0xff, lse >> 8 & 1, be16::from_raw(a->mpls_ethertype).host());
}
Payload add_mpls(std::string_view body) {
  auto a = arguments(body, {"label", "tc", "ttl", "bos", "eth_type"});
  if (!a) return std::nullopt;
  auto label = number(*a, "label", 0, 0xfffff), tc = number(*a, "tc", 0, 7), ttl = number(*a, "ttl", 64, 255), bos = number(*a, "bos", 1, 1);
  auto type = number(*a, "eth_type", 0x8847, UINT16_MAX);
  if (!label || !tc || !ttl || !bos || !type) return std::nullopt;
  Bytes out;
  // In front of a packet with labels of its own; else it starts a tunnel for what is inside.
  append_bytes(out, ovs_action_add_mpls{.mpls_lse = be32(*label << 12 | *tc << 9 | *bos << 8 | *ttl).raw(), .mpls_ethertype = be16(static_cast<uint16_t>(*type)).raw(), .tun_flags = 0});
  return out;
}

Text push_nsh_text(ByteView payload) {
  auto base_bytes = attribute(payload, OVS_NSH_KEY_ATTR_BASE);
  auto base = base_bytes ? whole<ovs_nsh_key_base>(*base_bytes) : std::nullopt;
  if (!base) return std::nullopt;
  uint32_t path = be32::from_raw(base->path_hdr).host();
  std::string out = fmt::format("push_nsh(flags={},ttl={},mdtype={},np={},spi={:#x},si={}", base->flags, base->ttl, base->mdtype, base->np, path >> 8, path & 0xff);
  if (base->mdtype == kNshMd1) {
    auto context_bytes = attribute(payload, OVS_NSH_KEY_ATTR_MD1);
    auto context = context_bytes ? whole<ovs_nsh_key_md1>(*context_bytes) : std::nullopt;
    if (!context) return std::nullopt;
    for (int i = 0; i < NSH_MD1_CONTEXT_SIZE; i++) append(out, ",c{}={:#x}", i + 1, be32::from_raw(context->context[i]).host());
  } else if (base->mdtype == kNshMd2) {
    auto metadata = attribute(payload, OVS_NSH_KEY_ATTR_MD2);
    append(out, ",md2={}", metadata && !metadata->empty() ? "0x" + hex(*metadata) : "0");
  }
  return out + ")";
}
Payload push_nsh(std::string_view body) {
  auto a = arguments(body, {"flags", "ttl", "mdtype", "np", "spi", "si", "c1", "c2", "c3", "c4", "md2"});
  if (!a) return std::nullopt;
  auto flags = number(*a, "flags", 0, 3), ttl = number(*a, "ttl", 63, 63), mdtype = number(*a, "mdtype", kNshMd1, UINT8_MAX), np = number(*a, "np", 3, UINT8_MAX);
  auto spi = number(*a, "spi", 0, 0xffffff), si = number(*a, "si", 255, 255);
  if (!flags || !ttl || !mdtype || !np || !spi || !si || (*mdtype != kNshMd1 && *mdtype != kNshMd2)) return std::nullopt;
  ovs_nsh_key_base base{.flags = static_cast<uint8_t>(*flags), .ttl = static_cast<uint8_t>(*ttl), .mdtype = static_cast<uint8_t>(*mdtype), .np = static_cast<uint8_t>(*np),
                        .path_hdr = be32(*spi << 8 | *si).raw()};
  Bytes out, inner;
  append_bytes(inner, base);
  append_attribute(out, OVS_NSH_KEY_ATTR_BASE, inner);
  inner.clear();
  if (*mdtype == kNshMd1) {
    for (const char* name : {"c1", "c2", "c3", "c4"}) {
      auto c = number(*a, name, 0, UINT32_MAX);
      if (!c) return std::nullopt;
      append_bytes(inner, be32(*c).raw());
    }
    append_attribute(out, OVS_NSH_KEY_ATTR_MD1, inner);
    return out;
  }
  auto metadata = a->contains("md2") ? bytes((*a)["md2"]) : Bytes{};
  if (!metadata || metadata->size() > kMaxNshContext) return std::nullopt;
  metadata->resize((metadata->size() + 3) & ~size_t{3});   // of words
  append_attribute(out, OVS_NSH_KEY_ATTR_MD2, *metadata);
  return out;
}

Text psample_text(ByteView payload) {
  auto group_bytes = attribute(payload, kPsampleGroup), cookie = attribute(payload, kPsampleCookie);
  auto group = group_bytes ? whole<uint32_t>(*group_bytes) : std::nullopt;
  if (!group) return std::nullopt;
  return fmt::format("psample(group={}{})", *group, cookie ? ",cookie=0x" + hex(*cookie) : "");
}
Payload psample(std::string_view body) {
  auto a = arguments(body, {"group", "cookie"});
  auto group = a && a->contains("group") ? number(*a, "group", 0, UINT32_MAX) : std::nullopt;
  auto cookie = a && a->contains("cookie") ? bytes((*a)["cookie"]) : Bytes{};
  if (!group || !cookie || cookie->size() > kMaxPsampleCookie) return std::nullopt;
  Bytes out, inner;
  append_bytes(inner, *group);
  append_attribute(out, kPsampleGroup, inner);
  if (!cookie->empty()) append_attribute(out, kPsampleCookie, *cookie);
  return out;
}

/// To a program that is not ours, or with what only that program understands.
Text userspace_text(ByteView payload) {
  auto pid_bytes = attribute(payload, OVS_USERSPACE_ATTR_PID), userdata = attribute(payload, OVS_USERSPACE_ATTR_USERDATA);
  auto port_bytes = attribute(payload, OVS_USERSPACE_ATTR_EGRESS_TUN_PORT);
  auto pid = pid_bytes ? whole<uint32_t>(*pid_bytes) : std::nullopt, port = port_bytes ? whole<uint32_t>(*port_bytes) : std::nullopt;
  if (!pid) return std::nullopt;
  return fmt::format("userspace(pid={}{}{}{})", *pid, userdata ? fmt::format(",userdata({})", hex(*userdata)) : "", attribute(payload, OVS_USERSPACE_ATTR_ACTIONS) ? ",actions" : "",
                     port ? fmt::format(",tunnel_out_port={}", *port) : "");
}
Payload userspace(std::string_view body) {
  Bytes out, inner;
  bool has_pid = false;
  while (!body.empty()) {
    std::string_view word = body.substr(0, body.find(','));
    body.remove_prefix(std::min(body.size(), word.size() + 1));
    Arguments one;
    if (size_t equals = word.find('='); equals != word.npos) one.emplace(word.substr(0, equals), word.substr(equals + 1));
    auto is_number = [&](std::string_view name, uint16_t type) {
      auto v = one.contains(name) ? number(one, name, 0, UINT32_MAX) : std::nullopt;
      if (v) inner.clear(), append_bytes(inner, *v), append_attribute(out, type, inner);
      return v.has_value();
    };
    if (!has_pid && is_number("pid", OVS_USERSPACE_ATTR_PID)) {
      has_pid = true;
    } else if (word.starts_with("userdata(") && word.ends_with(')')) {
      auto data = parse_hex(std::string(word.substr(9, word.size() - 10)));
      if (!data) return std::nullopt;
      append_attribute(out, OVS_USERSPACE_ATTR_USERDATA, *data);
    } else if (word == "actions") {
      append_attribute(out, OVS_USERSPACE_ATTR_ACTIONS, {});
    } else if (!is_number("tunnel_out_port", OVS_USERSPACE_ATTR_EGRESS_TUN_PORT)) {
      return std::nullopt;
    }
  }
  return has_pid ? Payload(std::move(out)) : std::nullopt;
}

struct Row {
  uint16_t type;
  std::string_view name;
  Text (*text)(ByteView);
  Payload (*payload)(std::string_view);
};
constexpr Row kRows[] = {
    {OVS_ACTION_ATTR_PUSH_ETH, "push_eth", push_eth_text, push_eth},
    {OVS_ACTION_ATTR_POP_ETH, "pop_eth", [](ByteView p) { return flag_text(p, "pop_eth"); }, flag},
    {OVS_ACTION_ATTR_PUSH_NSH, "push_nsh", push_nsh_text, push_nsh},
    {OVS_ACTION_ATTR_POP_NSH, "pop_nsh", [](ByteView p) { return flag_text(p, "pop_nsh()"); }, flag},
    {OVS_ACTION_ATTR_ADD_MPLS, "add_mpls", add_mpls_text, add_mpls},
    {kPsample, "psample", psample_text, psample},
    {OVS_ACTION_ATTR_USERSPACE, "userspace", userspace_text, userspace},
};

}  // namespace

std::string format_other_action(const OdpOther& action) {
  auto* row = std::ranges::find(kRows, action.type, &Row::type);
  Text text = row == std::end(kRows) ? std::nullopt : row->text(action.payload);
  return text ? *text : fmt::format("action{}({})", action.type, hex(action.payload));
}

std::optional<OdpOther> parse_other_action(std::string_view name, std::string_view body) {
  auto* row = std::ranges::find(kRows, name, &Row::name);
  Payload payload = row == std::end(kRows) ? std::nullopt : row->payload(body);
  return payload ? std::optional(OdpOther{row->type, std::move(*payload)}) : std::nullopt;
}

bool is_known_other(uint16_t type) { return std::ranges::find(kRows, type, &Row::type) != std::end(kRows); }

}  // namespace sluice
