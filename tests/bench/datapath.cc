// SPDX-License-Identifier: Apache-2.0
// Userspace datapath alone: packets from memory (gen) to a device that recycles them (gen), no kernel, no translation.
//
//   datapath [ROW-PREFIX [PACKETS]]     prints "ROW ns/packet" of the best of some rounds; rows are those of the table in the design
//
// Instructions a packet, the same on every machine: run a row under `valgrind --tool=callgrind` with two values of PACKETS and divide the difference
// (instructions.sh PROGRAM 100000 300000 1 ROW... does).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <string_view>

#include <fmt/core.h>
#include <time.h>
#include <unistd.h>

#include "datapath/checksum.h"
#include "datapath/compose.h"
#include "datapath/ethertype.h"
#include "datapath/netdev/gen_device.h"
#include "datapath/pcap_file.h"
#include "datapath/user/user_datapath.h"

namespace sluice {
namespace {

constexpr size_t kPayload = 22;  // 64-byte frames without FCS: 14 + 20 + 8 + 22

double cpu_ns() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// Answers misses with a megaflow of the mask that `mask_of` gives.
class Brain : public UpcallHandler {
 public:
  Brain(UserDatapath& d, OdpActions a, std::function<Flow(const Flow&)> m) : datapath(d), actions(std::move(a)), mask_of(std::move(m)) { d.set_upcall_handler(this); }
  void upcall(Upcall u, Time now) override {
    datapath.flow_put({u.key, mask_of(u.key), actions, 0, 0}, now);
    datapath.execute(std::move(u.packet), actions, now);
  }
  void flow_removed(const Megaflow&, Time) override {}
  UserDatapath& datapath;
  OdpActions actions;
  std::function<Flow(const Flow&)> mask_of;
};

Flow five_tuple() {
  Flow m{};
  m.in_port = be32(UINT32_MAX);
  m.eth_type = m.tp_src = m.tp_dst = be16(UINT16_MAX);
  m.nw_src = m.nw_dst = be32(UINT32_MAX);
  m.nw_proto = 255;
  m.nw_frag = 3;
  return m;
}

Flow port_only() {
  Flow m{};
  m.in_port = be32(UINT32_MAX);
  m.eth_type = be16(UINT16_MAX);
  m.nw_frag = 3;
  return m;
}

struct Row {
  const char* name;
  size_t microflows;
  std::function<Flow(const Flow&)> mask;
  bool other_megaflow = false;   // one more, never hit, that looks at the 5-tuple: what real tables have
  int outputs = 1;
  bool setup = false;            // measure misses
};

const Row kRows[] = {
    {"port-to-port", 1, [](const Flow&) { return port_only(); }},
    {"1-flow", 1, [](const Flow&) { return five_tuple(); }},
    {"two-outputs", 1, [](const Flow&) { return five_tuple(); }, false, 2},
    {"10k-microflows", 10'000, [](const Flow&) { return port_only(); }, true},
    {"100k-microflows", 100'000, [](const Flow&) { return port_only(); }, true},
    {"1m-microflows", 1'000'000, [](const Flow&) { return port_only(); }, true},
    {"1k-megaflows", 1'000, [](const Flow&) { return five_tuple(); }},
    {"10k-megaflows", 10'000, [](const Flow&) { return five_tuple(); }},
    {"100k-megaflows", 100'000, [](const Flow&) { return five_tuple(); }},
    {"hostile-32-masks", 32, [](const Flow& k) { Flow m = five_tuple(); m.nw_src = be32(~(k.nw_src.host() & 31)); return m; }},
    {"hostile-512-masks", 512, [](const Flow& k) { Flow m = five_tuple(); m.nw_src = be32(~(k.nw_src.host() & 511)); return m; }},
    {"hostile-4096-masks", 4096, [](const Flow& k) { Flow m = five_tuple(); m.nw_src = be32(~(k.nw_src.host() & 4095)); return m; }},
    {"setup", 300'000, [](const Flow&) { return five_tuple(); }, false, 1, true},
};

std::string write_frames(size_t microflows) {
  std::string path = fmt::format("/tmp/sluice-bench-{}-{}.pcap", getpid(), microflows);
  auto writer = PcapWriter::open(path, true);
  Flow f{};
  f.eth_src = MacAddr{{2, 0, 0, 0, 0, 1}};
  f.eth_dst = MacAddr{{2, 0, 0, 0, 0, 2}};
  f.eth_type = kEthIpv4;
  f.nw_proto = 17;
  f.nw_ttl = 64;
  f.tp_dst = be16(53);
  f.nw_dst = be32(0x0a000001);
  std::vector<uint32_t> order(microflows);
  for (uint32_t i = 0; i < microflows; i++) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  const Bytes payload(kPayload);
  for (uint32_t i : order) {
    f.nw_src = be32(0x0b000000 + i);
    f.tp_src = be16(static_cast<uint16_t>(i * 7));
    writer->write(Duration(0), compose(f, payload).view());
  }
  return path;
}

void measure(const Row& row, uint64_t packets) {
  NetdevFactory factory;
  GenDevices gens;
  add_gen_devices(factory, gens);
  UserDatapath datapath({"netdev", "ovs-netdev", 1, false}, factory);
  std::string path = write_frames(row.microflows);
  auto in = datapath.port_add({"in", "gen", {{"pcap", path}}, {}, {}}, OdpPort{1});
  unlink(path.c_str());
  OdpActions actions;
  for (uint32_t i = 0; i < static_cast<uint32_t>(row.outputs); i++) {
    if (!datapath.port_add({fmt::format("out{}", i), "gen", {}, {}, {}}, OdpPort{2 + i})) return;
    actions.push_back({OdpOutput{OdpPort{2 + i}}});
  }
  if (!in) return;
  Brain brain(datapath, actions, row.mask);
  Time now{};
  if (row.other_megaflow) {
    Flow key{}, mask = five_tuple();
    key.in_port = be32(99);
    datapath.flow_put({key, mask, actions, 0, 0}, now);
  }
  auto received = [&] { return datapath.netdev(OdpPort{1})->stats().rx_packets; };
  auto run = [&](uint64_t n) {
    uint64_t until = received() + n;
    double start = cpu_ns();
    while (received() < until) datapath.run(now);
    return (cpu_ns() - start) / static_cast<double>(n);
  };
  if (row.setup) {
    fmt::print("{:20} {:8.1f} ns/flow\n", row.name, run(row.microflows));
    return;
  }
  run(row.microflows * 3);   // everything is cached
  double best = 1e9;
  for (int i = 0; i < 5; i++) best = std::min(best, run(packets / 5));
  fmt::print("{:20} {:8.1f} ns/packet   hit {} cache {} masks {} flows {}\n", row.name, best, datapath.stats().hit, datapath.stats().cache_hit, datapath.stats().masks, datapath.stats().flows);
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  std::string_view prefix = argc > 1 ? argv[1] : "";
  uint64_t packets = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000'000;
  for (const auto& row : sluice::kRows)
    if (std::string_view(row.name).starts_with(prefix)) sluice::measure(row, packets);
}
