// SPDX-License-Identifier: Apache-2.0
// Text of ports and queues.
#include <algorithm>

#include "ofproto/openflow/port.h"
#include "ofproto/openflow/text_body.h"

namespace sluice::ofp {
namespace {

constexpr BitName kConfig[] = {
    {OFPPC_PORT_DOWN, "PORT_DOWN"}, {OFPPC_NO_STP, "NO_STP"}, {OFPPC_NO_RECV, "NO_RECV"}, {OFPPC_NO_RECV_STP, "NO_RECV_STP"},
    {OFPPC_NO_FLOOD, "NO_FLOOD"}, {OFPPC_NO_FWD, "NO_FWD"}, {OFPPC_NO_PACKET_IN, "NO_PACKET_IN"},
};
constexpr BitName kState[] = {{OFPPS_LINK_DOWN, "LINK_DOWN"}, {OFPPS_BLOCKED, "BLOCKED"}, {OFPPS_LIVE, "LIVE"}};
constexpr BitName kFeatures[] = {
    {OFPPF_10MB_HD, "10MB-HD"}, {OFPPF_10MB_FD, "10MB-FD"}, {OFPPF_100MB_HD, "100MB-HD"}, {OFPPF_100MB_FD, "100MB-FD"}, {OFPPF_1GB_HD, "1GB-HD"},
    {OFPPF_1GB_FD, "1GB-FD"}, {OFPPF_10GB_FD, "10GB-FD"}, {OFPPF_40GB_FD, "40GB-FD"}, {OFPPF_100GB_FD, "100GB-FD"}, {OFPPF_1TB_FD, "1TB-FD"},
    {OFPPF_OTHER, "OTHER"}, {OFPPF_COPPER, "COPPER"}, {OFPPF_FIBER, "FIBER"}, {OFPPF_AUTONEG, "AUTO_NEG"}, {OFPPF_PAUSE, "AUTO_PAUSE"},
    {OFPPF_PAUSE_ASYM, "AUTO_PAUSE_ASYM"},
};

void add_state(std::string& out, uint32_t state) {
  constexpr std::string_view kStp[] = {"STP_LISTEN", "STP_LEARN", "STP_FORWARD", "STP_BLOCK"};
  uint32_t stp = state & OFPPS_STP_MASK, other = state & ~OFPPS_STP_MASK;
  if (stp) out += kStp[stp >> 8];
  if (other || !stp) add_bits(out, other, kState);
}

void add_features(std::string& out, std::string_view label, uint32_t features) {
  if (!features) return;
  append(out, "     {:<12}", label);
  add_bits(out, features, kFeatures);
  out += '\n';
}

constexpr std::string_view kRfc2819[21] = {
    "1_to_64_packets", "65_to_127_packets", "128_to_255_packets", "256_to_511_packets", "512_to_1023_packets", "1024_to_1522_packets",
    "1523_to_max_packets", "1_to_64_packets", "65_to_127_packets", "128_to_255_packets", "256_to_511_packets", "512_to_1023_packets",
    "1024_to_1522_packets", "1523_to_max_packets", "multicast_packets", "broadcast_packets", "broadcast_packets", "undersized_errors",
    "oversize_errors", "rx_fragmented_errors", "rx_jabber_errors",
};
constexpr unsigned kRfc2819Rx[] = {0, 1, 2, 3, 4, 5, 6, 15, 17, 18, 19, 20}, kRfc2819Tx[] = {7, 8, 9, 10, 11, 12, 13, 14, 16};

void add_rfc2819(std::string& out, std::string_view side, std::span<const unsigned> which, const std::vector<uint64_t>& counters) {
  append(out, "           {} rfc2819 ", side);
  for (unsigned i : which)
    if (counters[i] != kUnknownCounter) append(out, "{}={}, ", kRfc2819[i], counters[i]);
  out += '\n';
}

void add_custom(std::string& out, const std::vector<CustomStat>& custom) {
  constexpr size_t kPerLine = 3;
  out += "           CUSTOM Statistics";
  size_t n = 0;
  for (const CustomStat& c : custom) {
    if (c.value == kUnknownCounter) continue;
    out += n++ % kPerLine ? " " : "\n                      ";
    append(out, "{}={},", c.name, c.value);
  }
  out += '\n';
}

void add_rates(std::string& out, const QueueDesc& q) {
  append(out, "queue {}:", q.queue_id);
  for (auto [name, rate] : {std::pair{"min_rate", q.min_rate}, std::pair{"max_rate", q.max_rate}})
    if (rate <= 1000) append(out, " {}:{}.{}%", name, rate / 10, rate % 10);
  out += '\n';
}

}  // namespace

void format_port(const PortDesc& p, std::string& out, const TextNames& names) {
  append(out, " {}(", format_port(p.port_no));
  for (char c : p.name) {  // names come from the switch: what is no text ends them
    if (c < 0x20 || c >= 0x7f) break;
    out += c;
  }
  (void)names;
  append(out, "): addr:{}\n     config:     ", sluice::format(p.hw_addr));
  add_bits(out, p.config, kConfig);
  out += "\n     state:      ";
  add_state(out, p.state);
  out += '\n';
  add_features(out, "current:", p.curr);
  add_features(out, "advertised:", p.advertised);
  add_features(out, "supported:", p.supported);
  add_features(out, "peer:", p.peer);
  append(out, "     speed: {} Mbps now, {} Mbps max\n", p.curr_speed_kbps / 1000, p.max_speed_kbps / 1000);
}

void format_body(std::string& out, const TextContext& ctx, const PortStatus& m) {
  constexpr std::string_view kReasons[] = {"ADD", "DEL", "MOD"};
  append(out, " {}:", kReasons[static_cast<size_t>(m.reason)]);
  format_port(m.port, out, ctx.names());
}

void format_body(std::string& out, const TextContext& ctx, const PortMod& m) {
  append(out, " port: {}: addr:{}\n     config: ", format_port(m.port_no, ctx.names().ports), sluice::format(m.hw_addr));
  add_bits(out, m.config, kConfig);
  out += "\n     mask:   ";
  add_bits(out, m.mask, kConfig);
  out += "\n     advertise: ";
  if (m.advertise) add_bits(out, m.advertise, kFeatures);
  else out += "UNCHANGED";
}

void format_body(std::string& out, const TextContext& ctx, const PortRequest& m) {
  bool description = ctx.type() == MessageType::OFPST_PORT_DESC_REQUEST;
  append(out, " {}={}", description ? "port" : "port_no", format_port(m.port_no, ctx.names().ports));
}

void format_body(std::string& out, const TextContext& ctx, const PortDescReply& m) {
  if (!out.ends_with('\n')) out += '\n';
  std::vector<const PortDesc*> ports;
  for (const PortDesc& p : m.ports) ports.push_back(&p);
  std::ranges::sort(ports, {}, [](const PortDesc* p) { return p->port_no; });
  for (const PortDesc* p : ports) format_port(*p, out, ctx.names());
}

void format_body(std::string& out, const TextContext& ctx, const PortStatsReply& m) {
  append(out, " {} ports\n", m.ports.size());
  for (const PortStats& p : m.ports) {
    bool narrow = p.port_no.value < 10;  // room for a second digit, before names too
    append(out, "  port {}{}: rx pkts={}, bytes={}, drop={}, errs={}, frame={}, over={}, crc={}\n", narrow ? " " : "", format_port(p.port_no, ctx.names().ports),
        counter(p.rx_packets), counter(p.rx_bytes), counter(p.rx_dropped), counter(p.rx_errors), counter(p.rx_frame_err), counter(p.rx_over_err),
        counter(p.rx_crc_err));
    append(out, "           tx pkts={}, bytes={}, drop={}, errs={}, coll={}\n", counter(p.tx_packets), counter(p.tx_bytes), counter(p.tx_dropped),
        counter(p.tx_errors), counter(p.collisions));
    if (p.duration_sec != UINT32_MAX) {
      out += "           duration=";
      add_duration(out, p.duration_sec, p.duration_nsec);
      out += '\n';
    }
    bool any_rfc2819 = std::ranges::any_of(p.rfc2819, [](uint64_t c) { return c != kUnknownCounter; });
    if (any_rfc2819 && p.rfc2819.size() == std::size(kRfc2819)) {
      add_rfc2819(out, "rx", kRfc2819Rx, p.rfc2819);
      add_rfc2819(out, "tx", kRfc2819Tx, p.rfc2819);
    }
    if (!p.custom.empty()) add_custom(out, p.custom);
  }
}

void format_body(std::string& out, const TextContext& ctx, const QueueRequest& m) {
  append(out, " port={}", format_port(m.port_no, ctx.names().ports));
  if (ctx.type() == MessageType::OFPT_QUEUE_GET_CONFIG_REQUEST) return;
  bool statistics = ctx.type() == MessageType::OFPST_QUEUE_REQUEST;
  if (m.queue_id != OFPQ_ALL) append(out, " queue={}", m.queue_id);
  else if (statistics) out += " queue=ALL";
}

void format_body(std::string& out, const TextContext& ctx, const QueueStatsReply& m) {
  append(out, " {} queues\n", m.queues.size());
  for (const QueueStats& q : m.queues) {
    append(out, "  port {} queue {}: bytes={}, pkts={}, errors={}, duration=", format_port(q.port_no, ctx.names().ports), q.queue_id, counter(q.tx_bytes),
        counter(q.tx_packets), counter(q.tx_errors));
    if (q.duration_sec == UINT32_MAX) out += '?';
    else add_duration(out, q.duration_sec, q.duration_nsec);
    out += '\n';
  }
}

void format_body(std::string& out, const TextContext& ctx, const QueueDescReply& m) {
  bool old = ctx.type() == MessageType::OFPT_QUEUE_GET_CONFIG_REPLY;
  if (old) {
    if (!m.queues.empty()) append(out, " port={}", format_port(m.port_no, ctx.names().ports));
    out += '\n';
  } else {
    out += ' ';
  }
  std::vector<QueueDesc> queues = m.queues;
  std::ranges::stable_sort(queues, {}, [&](const QueueDesc& q) { return std::pair(old ? OfpPort{} : q.port_no, q.queue_id); });
  std::optional<OfpPort> last;
  for (const QueueDesc& q : queues) {
    if (!old && last != q.port_no) append(out, "port={}\n", format_port(q.port_no, ctx.names().ports));
    last = q.port_no;
    add_rates(out, q);
  }
}

}  // namespace sluice::ofp
