// SPDX-License-Identifier: Apache-2.0
// One row an action: its name, how its payload is read as text, and how text is read.
#include "datapath/odp_other.h"

#include <linux/openvswitch.h>

#include <algorithm>
#include <cstring>

#include "datapath/odp_arguments.h"
#include "lib/text.h"

namespace sluice {
namespace {

constexpr uint16_t kPsample = 25, kPsampleGroup = 1, kPsampleCookie = 2;   // OVS_ACTION_ATTR_PSAMPLE of Linux 6.11
constexpr size_t kMaxPsampleCookie = 16;   // bytes

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

Text psample_text(ByteView payload) {
  auto group_bytes = attribute(payload, kPsampleGroup), cookie = attribute(payload, kPsampleCookie);
  auto group = group_bytes ? whole<uint32_t>(*group_bytes) : std::nullopt;
  if (!group) return std::nullopt;
  return fmt::format("psample(group={}{})", *group, cookie ? ",cookie=0x" + hex(*cookie) : "");
}
Payload psample(std::string_view body) {
  auto a = parse_arguments(body, {"group", "cookie"});
  auto group = a && a->contains("group") ? number_argument(*a, "group", 0, UINT32_MAX) : std::nullopt;
  auto cookie = a && a->contains("cookie") ? parse_bytes((*a)["cookie"]) : Bytes{};
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
    OdpArguments one;
    if (size_t equals = word.find('='); equals != word.npos) one.emplace(word.substr(0, equals), word.substr(equals + 1));
    auto is_number = [&](std::string_view name, uint16_t type) {
      auto v = one.contains(name) ? number_argument(one, name, 0, UINT32_MAX) : std::nullopt;
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
