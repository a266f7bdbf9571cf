// SPDX-License-Identifier: Apache-2.0
// Mirrors: copies of what a Port receives (as it came in) and sends (as it goes out), for an observer at another Port or in a VLAN of its own.
// A packet goes to each mirror once, on whichever of its ways it is met first.
#include <algorithm>

#include "lib/log.h"
#include "ofproto/bridge_ports.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/translator.h"

namespace sluice {
namespace {

constexpr be16 kVidBits{0x0fff}, kPresent{kVlanPresent};

Log log("mirror");

bool names(const std::vector<std::string>& list, const std::string& name) { return std::ranges::find(list, name) != list.end(); }

/// A filter that can't be used ends the mirror.
bool read_filter(const MirrorSettings& s, std::optional<ofp::Match>& filter) {
  if (s.filter.empty()) return true;
  auto parsed = ofp::parse_flow_filter(s.filter);
  if (parsed && !parsed->filter.match.mask.in_port) return filter = parsed->filter.match, true;
  log.warn("filter \"{}\" is invalid, the mirror is off: {}", s.filter, parsed ? "it may not name in_port" : parsed.error());
  return false;
}

bool fits(const ofp::Match& filter, const Flow& flow, Flow& mask) {
  auto bits = filter.mask.words();
  auto seen = mask.words();
  for (size_t i = 0; i < kFlowWords; i++) seen[i] |= bits[i];
  return equal_under(filter.value, flow, filter.mask);
}

}  // namespace

/// Gives each Port the mirrors that it feeds.  Ports that a mirror names may come later.
void resolve_mirrors(BridgeView& v) {
  v.mirrors.clear();
  for (auto& [id, port] : v.l2_ports) port.mirrors_in = port.mirrors_out = 0, port.is_mirror_output = false;
  for (const MirrorSettings& s : v.settings.mirrors) {
    if (v.mirrors.size() == kMaxMirrors) break;
    uint32_t bit = 1u << v.mirrors.size();
    Mirror m{.settings = s, .output = kNoPort, .filter = {}};
    if (!read_filter(s, m.filter)) continue;
    for (auto& [id, port] : v.l2_ports) {
      const std::string& name = port.settings.name;
      if (name == s.output_port) m.output = id, port.is_mirror_output = true;
      if (s.select_all || names(s.in_ports, name)) port.mirrors_in |= bit;
      if (s.select_all || names(s.out_ports, name)) port.mirrors_out |= bit;
    }
    v.mirrors.push_back(std::move(m));
  }
}

/// REQUIRES: the bridge has mirrors.  `mirrors`: those that the port feeds in this direction.
void Translator::mirror(const L2Port& port, uint32_t mirrors) {
  mirrors &= ~mirrored_;
  if (!mirrors) return;
  Tags tags;
  if (!tags_of(port, tags)) return;
  const Flow saved = flow_;
  const bool was_freezing = std::exchange(freezing_, false), was_exit = std::exchange(exit_, false);
  const uint32_t outer_snaplen = snaplen_;
  for (size_t i = 0; i < bridge_->mirrors.size(); i++) {
    const uint32_t bit = 1u << i;
    if (!(mirrors & bit) || (mirrored_ & bit)) continue;
    const Mirror& m = bridge_->mirrors[i];
    if (m.settings.vlans.any()) {
      p_.get_bits<&Flow::vlan_tci>(kVidBits | kPresent);
      if (!m.settings.vlans[tags.vlan]) continue;
    }
    if (m.filter && !fits(*m.filter, flow_, out_.mask)) continue;
    mirrored_ |= bit;
    snaplen_ = m.settings.snaplen;
    send_mirrored(m, tags);
    effect(Mirrored{bridge_->id, m.settings.id});
    flow_ = saved;
  }
  snaplen_ = outer_snaplen;
  freezing_ = was_freezing;
  exit_ = was_exit;
}

void Translator::send_mirrored(const Mirror& m, const Tags& tags) {
  // What goes out as it came in needs no look at its tag.
  auto read_tag = [&] {
    p_.mark<&Flow::vlan_tci>();
    p_.mark<&Flow::vlan_tpid>();
  };
  if (const L2Port* out = bridge_->l2_port(m.output)) {
    if (out->settings.vlan_mode != VlanMode::kTrunk) read_tag();
    normal_output(*out, tags);
  } else if (m.settings.output_vlan && m.settings.output_vlan != tags.vlan && !is_reserved(flow_.eth_dst)) {
    read_tag();
    p_.mark<&Flow::eth_dst>();
    Tags other = tags;
    other.vlan = m.settings.output_vlan;
    for (const auto& [id, port] : bridge_->l2_ports)
      if (!port.is_mirror_output && carries(port.settings, other.vlan)) normal_output(port, other);
  }
}

}  // namespace sluice
