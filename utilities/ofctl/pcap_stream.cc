// SPDX-License-Identifier: Apache-2.0
// Capture files through libpcap; TCP streams put together from segments in order.
#include "utilities/ofctl/pcap_stream.h"

#include <fmt/core.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <map>
#include <memory>

#include "datapath/packet.h"
#include "lib/address.h"
#include "ofproto/openflow/codec.h"

namespace sluice::ofctl {
namespace {

constexpr uint16_t kOpenFlowPorts[] = {6633, 6653};
constexpr uint8_t kTcp = 6;
constexpr size_t kMaxStream = 4 * 1024 * 1024;  // bytes of a connection that wait for the rest of a message

struct Stream {
  bool synced = false;
  uint32_t next = 0;   // sequence number
  Bytes pending;
};

bool is_openflow(const Flow& f, std::span<const uint16_t> more_ports) {
  auto either = [&](uint16_t port) { return f.tp_src == be16(port) || f.tp_dst == be16(port); };
  return std::ranges::any_of(kOpenFlowPorts, either) || std::ranges::any_of(more_ports, either);
}

void take_segment(Stream& s, uint32_t sequence, bool syn, ByteView payload) {
  if (syn) {
    s = {.synced = true, .next = sequence + 1};
    return;
  }
  if (!s.synced) s = {.synced = true, .next = sequence};
  int32_t ahead = static_cast<int32_t>(s.next - sequence);
  if (ahead < 0) {  // something is missing: begin again here
    s.pending.clear();
    ahead = 0;
  }
  if (static_cast<size_t>(ahead) >= payload.size()) return;  // seen before
  payload = payload.subspan(static_cast<size_t>(ahead));
  s.pending.insert(s.pending.end(), payload.begin(), payload.end());
  s.next = sequence + static_cast<uint32_t>(ahead) + static_cast<uint32_t>(payload.size());
  if (s.pending.size() > kMaxStream) s.pending.clear();
}

std::string direction_of(const Flow& f) {
  auto v6 = f.eth_type == be16(0x86dd);
  return fmt::format("{}.{} > {}.{}:", v6 ? format(f.ipv6_src) : format_ipv4(f.nw_src), f.tp_src.host(), v6 ? format(f.ipv6_dst) : format_ipv4(f.nw_dst),
                     f.tp_dst.host());
}

}  // namespace

std::expected<void, std::string> each_frame(const std::string& path, const std::function<void(ByteView)>& fn) {
  char error[PCAP_ERRBUF_SIZE] = "";
  std::unique_ptr<pcap_t, void (*)(pcap_t*)> file(pcap_open_offline(path.c_str(), error), pcap_close);
  if (!file) {
    std::string_view why = error;
    if (why.starts_with(path + ": ")) why.remove_prefix(path.size() + 2);
    return std::unexpected(std::string(why));
  }
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  while (pcap_next_ex(file.get(), &header, &data) == 1) fn({data, header->caplen});
  return {};
}

std::expected<void, std::string> each_openflow_message(const std::string& path, std::span<const uint16_t> more_ports, const std::function<void(std::string_view, ByteView)>& fn) {
  std::map<std::string, Stream> streams;
  return each_frame(path, [&](ByteView frame) {
    Packet p = Packet::from(frame);
    Flow f{};
    extract(p, f);
    constexpr size_t kTcpHeader = 20;
    if (!f.is_ip() || f.nw_proto != kTcp || p.l4 == kNoOffset || p.l4 + kTcpHeader > p.size() || !is_openflow(f, more_ports)) return;
    const uint8_t* tcp = p.data() + p.l4;
    size_t offset = p.l4 + (tcp[12] >> 4) * 4u;
    if (offset > p.size()) return;
    std::string direction = direction_of(f);
    Stream& s = streams[direction];
    constexpr uint16_t kSyn = 2;
    take_segment(s, load_be<uint32_t>(tcp + 4), (f.tcp_flags.host() & kSyn) != 0, {p.data() + offset, p.size() - offset});
    for (;;) {
      auto h = ofp::peek_header(s.pending);
      if (!h || h->length < ofp::kHeaderSize || h->length > s.pending.size()) break;
      fn(direction, ByteView(s.pending).first(h->length));
      s.pending.erase(s.pending.begin(), s.pending.begin() + h->length);
    }
  });
}

}  // namespace sluice::ofctl
