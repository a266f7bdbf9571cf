// SPDX-License-Identifier: Apache-2.0
#include "ofproto/openflow/port.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "lib/log.h"
#include "lib/text.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {
namespace {

Log log_port("ofp_port");
LogLimit limit(1, 5), once(1, 1);

struct Reserved {
  OfpPort port;
  std::string_view name;
};
constexpr Reserved kReserved[] = {
    {OFPP_IN_PORT, "IN_PORT"}, {OFPP_TABLE, "TABLE"}, {OFPP_NORMAL, "NORMAL"}, {OFPP_FLOOD, "FLOOD"}, {OFPP_ALL, "ALL"},
    {OFPP_CONTROLLER, "CONTROLLER"}, {OFPP_LOCAL, "LOCAL"}, {OFPP_NONE, "ANY"}, {OFPP_UNSET, "UNSET"},
};

}  // namespace

Result<OfpPort> port_from_of11(uint32_t n) {
  OfpPort p{n};
  if (!is_port_valid(p)) return fail(Error::OFPBAC_BAD_OUT_PORT);
  return p;
}

std::string_view reserved_port_name(OfpPort p) {
  for (const Reserved& r : kReserved)
    if (r.port == p) return r.name;
  return {};
}

void format_port(OfpPort p, std::string& out, const NameMap* names) {
  if (std::string_view r = reserved_port_name(p); !r.empty()) {
    out += r;
  } else if (std::string_view n = names ? names->name(p.value) : std::string_view(); !n.empty()) {
    append_name(n, out);
  } else {
    append(out, "{}", p.value);
  }
}

std::string format_port(OfpPort p, const NameMap* names) {
  std::string out;
  format_port(p, out, names);
  return out;
}

std::optional<OfpPort> parse_port(std::string_view text, const NameMap* names) {
  if (auto n = parse_number(text)) {
    if (*n > UINT32_MAX) return std::nullopt;
    uint32_t v = static_cast<uint32_t>(*n);
    if (is_port_valid(OfpPort{v})) return OfpPort{v};
    auto of10 = v <= UINT16_MAX ? port_from_of10(static_cast<uint16_t>(v)) : std::nullopt;
    if (of10) log_port.warn(once, "referring to port {} as {} is deprecated for compatibility with OpenFlow 1.1 and later", format_port(*of10), v);
    else log_port.warn(limit, "port {} is outside the supported range 0 through ffff or 0x{:x} through 0xffffffff", v, OFPP_MAX);
    return of10;
  }
  for (const Reserved& r : kReserved)
    if (equal_ignoring_case(text, r.name)) return r.port;
  if (equal_ignoring_case(text, "none")) return OFPP_NONE;
  if (!names) return std::nullopt;
  auto name = unquote_name(text);
  if (!name) return std::nullopt;
  auto n = names->number(*name);
  return n ? std::optional(OfpPort{*n}) : std::nullopt;
}

}  // namespace sluice::ofp
