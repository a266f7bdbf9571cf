// SPDX-License-Identifier: Apache-2.0
// See commands.h: the commands for tests.  A command answers when everything that it caused has happened, so that a test's next command sees it.
#include <fmt/core.h>

#include <climits>

#include "datapath/odp_text.h"
#include "lib/decimal.h"
#include "lib/text.h"
#include "vswitchd/commands.h"

namespace sluice {
namespace {

constexpr size_t kMaxRecorded = 100'000;  // frames that wait for netdev-dummy/sent; later ones are lost
constexpr int kSettleRounds = 1000;  // of the datapaths, for one command

void settle(CommandContext c) {
  for (int i = 0; i < kSettleRounds && c.datapaths.run(c.loop.now()); i++) {
  }
}

/// NAME [--qid N] PACKET|FLOW [--len N]...
UnixctlText receive(CommandContext c, DummyDevices& dummies, UnixctlArgs args) {
  std::vector<Packet> packets;
  for (size_t i = 1; i < args.size(); i++) {
    if (args[i] == "--qid") {
      i++;
      continue;
    }
    size_t size = 0;
    if (i + 2 < args.size() && args[i + 1] == "--len") size = static_cast<size_t>(parse_decimal<int64_t>(args[i + 2]).value_or(0));
    auto packet = parse_packet(args[i], size);
    if (!packet) return std::unexpected(packet.error());
    packets.push_back(std::move(*packet));
    if (size) i += 2;
  }
  DummyDevice* device = dummies.find(args[0]);
  if (!device) return std::unexpected(fmt::format("no such dummy netdev"));
  for (Packet& p : packets) {
    device->inject(std::move(p));
    settle(c);
  }
  return "";
}

UnixctlText set_admin_state(CommandContext c, DummyDevices& dummies, UnixctlArgs args) {
  const std::string& state = args.back();
  if (state != "up" && state != "down") return std::unexpected("Invalid Admin State");
  auto set = [&](DummyDevice& d) { d.set_admin_up(state == "up"); };
  if (args.size() == 2) {
    DummyDevice* device = dummies.find(args[0]);
    if (!device) return std::unexpected("Unknown Dummy Interface");
    set(*device);
  } else {
    for (DummyDevice* d : dummies.all()) set(*d);
  }
  c.vswitchd.devices_changed();
  return "OK";
}

void warp(CommandContext c, UnixctlArgs args, UnixctlReply reply) {
  auto total = parse_decimal<int64_t>(args[0]), step = args.size() > 1 ? parse_decimal<int64_t>(args[1]) : total;
  if (!total || !step || *total <= 0 || *step <= 0) return reply.error("invalid MSECS");
  c.loop.warp(milliseconds(*total), milliseconds(*step), [reply = std::make_shared<UnixctlReply>(std::move(reply))] { reply->ok("warped"); });
}

/// "DEVICE HEX" for each frame sent since the last call; recording begins with the first.
UnixctlText sent(DummyDevices& dummies, std::shared_ptr<std::vector<std::string>> frames) {
  std::string text;
  for (const std::string& f : *frames) text += f + "\n";
  frames->clear();
  dummies.on_sent([frames](const std::string& device, ByteView frame) {
    if (frames->size() < kMaxRecorded) frames->push_back(device + " " + hex(frame));
  });
  return text;
}

}  // namespace

void add_dummy_commands(UnixctlServer& server, CommandContext c, DummyDevices& dummies) {
  server.add_text("netdev-dummy/receive", "name [--qid queue_id] packet|flow [--len packet_len]", 2, INT_MAX,
                  [c, &dummies](UnixctlArgs args) { return receive(c, dummies, args); });
  server.add_text("netdev-dummy/set-admin-state", "[netdev] up|down", 1, 2, [c, &dummies](UnixctlArgs args) { return set_admin_state(c, dummies, args); });
  server.add_text("netdev-dummy/sent", "", 0, 0, [&dummies, frames = std::make_shared<std::vector<std::string>>()](UnixctlArgs) { return sent(dummies, frames); });
  server.add_text("netdev-dummy/conn-state", "[netdev]", 0, 1, [](UnixctlArgs) -> UnixctlText { return ""; });
  server.add_text("time/stop", "", 0, 0, [c](UnixctlArgs) -> UnixctlText {
    c.loop.clock().stop();
    return "";
  });
  server.add("time/warp", "[large_msecs] msecs", 1, 2, [c](UnixctlArgs args, UnixctlReply reply) { warp(c, args, std::move(reply)); });
}

}  // namespace sluice
