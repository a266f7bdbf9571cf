// SPDX-License-Identifier: Apache-2.0
// See commands.h: the commands of every switch daemon.
#include "vswitchd/commands.h"

#include <fmt/core.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <map>
#include <memory>

#include "vswitchd/dp_features.h"

namespace sluice {
namespace {

/// Takes the switches (-m, --names...) out of the words.
bool take_flag(std::vector<std::string>& words, std::initializer_list<std::string_view> names) {
  return std::erase_if(words, [&](const std::string& w) { return std::ranges::find(names, w) != names.end(); }) > 0;
}

void add_fdb(UnixctlServer& server, CommandContext c) {
  auto with = [c](std::string_view name, auto fn) -> UnixctlText {
    Bridge* b = c.datapaths.find_bridge(std::string(name));
    return b ? UnixctlText(fn(*b)) : std::unexpected("no such bridge");
  };
  server.add_text("fdb/show", "bridge", 0, INT_MAX, [=](UnixctlArgs args) -> UnixctlText {
    if (args.size() == 1) return with(args[0], [&](Bridge& b) { return b.fdb_show(c.loop.now()); });
    std::string all;
    for (Switch* s : c.datapaths.all())
      for (Bridge* b : s->bridges())
        if (args.empty() || std::ranges::find(args, b->name()) != args.end()) all += fmt::format("{}:\n{}", b->name(), b->fdb_show(c.loop.now()));
    return all;
  });
  server.add_text("fdb/flush", "[bridge]", 0, 1, [=](UnixctlArgs args) -> UnixctlText {
    auto flush = [&](Bridge& b) {
      b.fdb_flush(c.loop.now());
      return std::string("table successfully flushed");
    };
    if (!args.empty()) return with(args[0], flush);
    for (Switch* s : c.datapaths.all())
      for (Bridge* b : s->bridges()) flush(*b);
    return "table successfully flushed";
  });
}

void add_bridges(UnixctlServer& server, CommandContext c) {
  server.add_text("bridge/dump-flows", "[--offload-stats] bridge", 1, 2, [=](UnixctlArgs args) -> UnixctlText {
    Bridge* b = c.datapaths.find_bridge(args.back());
    return b ? UnixctlText(b->dump_flows(c.loop.now())) : std::unexpected("Unknown bridge");
  });
  server.add_text("bridge/reconnect", "[bridge]", 0, 1, [=](UnixctlArgs args) -> UnixctlText {
    return c.vswitchd.reconnect(args.empty() ? "" : args[0]) ? UnixctlText("") : std::unexpected("Unknown bridge");
  });
  server.add_text("ofproto/list", "", 0, 0, [=](UnixctlArgs) -> UnixctlText {
    std::string names;
    for (Switch* s : c.datapaths.all())
      for (Bridge* b : s->bridges()) names += b->name() + "\n";
    return names;
  });
  server.add_text("ofproto/trace", "{[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet]", 1, INT_MAX, [=](UnixctlArgs args) -> UnixctlText {
    return trace_command(c.datapaths.all(), {args.begin(), args.end()}, c.loop.now());
  });
  server.add_text("sluice/plan", "", 0, 0, [=](UnixctlArgs) -> UnixctlText { return c.vswitchd.dry_run(); });
}

void add_datapaths(UnixctlServer& server, CommandContext c) {
  server.add_text("dpif/show", "", 0, 0, [=](UnixctlArgs) -> UnixctlText {
    std::string all;
    for (Switch* s : c.datapaths.all()) all += s->dpif_show();
    return all;
  });
  server.add_text("dpif/show-dp-features", "bridge", 1, 1, [=](UnixctlArgs args) -> UnixctlText {
    for (Switch* s : c.datapaths.all()) {
      if (!s->find(args[0])) continue;
      std::string text;
      for (auto& [feature, value] : s->features()) text += fmt::format("{}: {}\n", feature, value);
      return text;
    }
    return std::unexpected("no such bridge");
  });
  server.add_text("dpif/set-dp-features", "bridge", 1, 3, [=](UnixctlArgs args) -> UnixctlText {
    for (Switch* s : c.datapaths.all()) {
      if (!s->find(args[0])) continue;
      if (args.size() == 3) return set_datapath_feature(*s, args[1], args[2], c.loop.now());
      auto text = list_datapath_features(*s, args.size() == 2 ? args[1] : "");
      return text ? *text : text.error();   // as Open vSwitch has it: no error
    }
    return std::unexpected("no such bridge");
  });
  server.add_text("dpif/dump-flows", "[-m] [--names | --no-names] bridge", 1, 3, [=](UnixctlArgs args) -> UnixctlText {
    std::vector<std::string> words(args.begin(), args.end());
    bool more = take_flag(words, {"-m"}), names = take_flag(words, {"--names"});
    if (take_flag(words, {"--no-names"})) names = false;
    else names |= more;
    for (Switch* s : c.datapaths.all())
      if (!words.empty() && s->find(words[0])) return s->dpif_dump_flows(words[0], more, names, c.loop.now());
    return std::unexpected("no such bridge");
  });
  server.add_text("dpif/dump-dps", "", 0, 0, [=](UnixctlArgs) -> UnixctlText {
    std::string all;
    for (Switch* s : c.datapaths.all())
      for (Bridge* b : s->bridges()) all += fmt::format("{}@{}\n", s->dpif().type(), b->name());
    return all;
  });
}

void add_upcalls(UnixctlServer& server, CommandContext c) {
  server.add_text("ofproto/list-tunnels", "", 0, 0, [=](UnixctlArgs) -> UnixctlText {
    std::string all;
    for (Switch* s : c.datapaths.all()) all += s->list_tunnels();
    return all;
  });
  // Answers only: translation makes no OdpTunnelPush that it could turn on or off.
  server.add_text("ofproto/tnl-push-pop", "[on]|[off]", 1, 1, [](UnixctlArgs args) -> UnixctlText {
    return fmt::format("Tunnel push-pop {}", args[0] == "on" ? "on" : "off");
  });
  server.add_text("upcall/show", "", 0, 0, [=](UnixctlArgs) -> UnixctlText {
    std::string all;
    for (Switch* s : c.datapaths.all()) all += s->upcall_show();
    return all;
  });
  server.add_text("revalidator/wait", "", 0, 0, [=](UnixctlArgs) -> UnixctlText {
    for (Switch* s : c.datapaths.all()) s->revalidate_now(c.loop.now());
    return "";
  });
  auto for_all = [=](auto fn) {
    return [=](UnixctlArgs) -> UnixctlText {
      for (Switch* s : c.datapaths.all()) fn(*s);
      return "";
    };
  };
  server.add_text("revalidator/pause", "", 0, 0, for_all([](Switch& s) { s.pause_revalidation(true); }));
  server.add_text("revalidator/resume", "", 0, 0, for_all([](Switch& s) { s.pause_revalidation(false); }));
  struct Megaflows { const char* name; bool enabled; };
  for (Megaflows m : {Megaflows{"upcall/enable-megaflows", true}, {"upcall/disable-megaflows", false}})
    server.add_text(m.name, "", 0, 0, [=](UnixctlArgs) -> UnixctlText {
      for (Switch* s : c.datapaths.all()) s->enable_megaflows(m.enabled, c.loop.now());
      return m.enabled ? "megaflows enabled" : "megaflows disabled";
    });
  // Dumps here are of a form of their own, which has the ufid and no key already.
  server.add_text("upcall/enable-ufid", "", 0, 0, [](UnixctlArgs) -> UnixctlText { return "Datapath dumping tersely using UFID enabled for supported datapaths"; });
  server.add_text("upcall/disable-ufid", "", 0, 0, [](UnixctlArgs) -> UnixctlText { return "Datapath dumping tersely using UFID disabled"; });
  server.add_text("upcall/set-flow-limit", "flow-limit-number", 1, 1, [=](UnixctlArgs args) -> UnixctlText {
    unsigned long limit = strtoul(args[0].c_str(), nullptr, 10);
    for (Switch* s : c.datapaths.all()) s->set_flow_limit(limit);
    return fmt::format("set flow_limit to {}\n", limit);
  });
  server.add_text("revalidator/purge", "", 0, 0, [=](UnixctlArgs) -> UnixctlText {
    for (Switch* s : c.datapaths.all()) s->purge(c.loop.now());
    return "";
  });
  server.add_text("gen/stats", "[port]", 0, 1, [=](UnixctlArgs args) -> UnixctlText { return c.gens.stats_text(args.empty() ? "" : args[0], c.loop.now()); });
}

/// "pmd-stats-show" of a datapath that is polled by one thread.
std::string poll_statistics(const DpifStats& s) {
  uint64_t packets = s.hit + s.missed, megaflow_hits = s.hit - std::min(s.hit, s.cache_hit);
  auto per = [](uint64_t n, uint64_t of) { return of ? static_cast<double>(n) / static_cast<double>(of) : 0.0; };
  return fmt::format("main thread:\n  packets received: {}\n  packet recirculations: 0\n  avg. datapath passes per packet: {:.2f}\n  phwol hits: 0\n  mfex opt hits: 0\n"
                     "  simple match hits: 0\n  emc hits: {}\n  smc hits: 0\n  megaflow hits: {}\n  avg. subtable lookups per megaflow hit: {:.2f}\n"
                     "  miss with success upcall: {}\n  miss with failed upcall: {}\n  avg. packets per output batch: 0.00\n",
                     packets, packets ? 1.0 : 0.0, s.cache_hit, megaflow_hits, per(s.mask_hit, megaflow_hits), s.missed - std::min(s.missed, s.lost), s.lost);
}

/// The userspace datapath's own.  There is one thread, so nothing is to be moved between threads.
void add_polling(UnixctlServer& server, CommandContext c) {
  auto cleared = std::make_shared<std::map<Dpif*, DpifStats>>();
  auto since = [cleared](Dpif& dpif) {
    DpifStats s = dpif.stats();
    const DpifStats& then = (*cleared)[&dpif];
    s.hit -= then.hit, s.missed -= then.missed, s.lost -= then.lost, s.cache_hit -= then.cache_hit, s.mask_hit -= then.mask_hit;
    return s;
  };
  auto each = [=](auto fn) {
    for (Switch* s : c.datapaths.all())
      if (!s->dpif().is_kernel()) fn(s->dpif());
  };
  server.add_text("dpif-netdev/pmd-stats-show", "[-pmd core] [dp]", 0, 3, [=](UnixctlArgs) -> UnixctlText {
    std::string all;
    each([&](Dpif& dpif) { all += poll_statistics(since(dpif)); });
    return all;
  });
  server.add_text("dpif-netdev/pmd-stats-clear", "[-pmd core] [dp]", 0, 3, [=](UnixctlArgs) -> UnixctlText {
    each([&](Dpif& dpif) { (*cleared)[&dpif] = dpif.stats(); });
    return "";
  });
  struct Fixed { const char *name, *usage, *text; };
  for (Fixed f : {Fixed{"dpif-netdev/pmd-rxq-show", "[-pmd core] [-secs secs] [dp]", "Displaying last 60 seconds pmd usage %\n"},
                  {"dpif-netdev/pmd-rxq-rebalance", "[dp]", "pmd rxq rebalance requested.\n"}, {"dpif-netdev/bond-show", "[dp]", ""},
                  {"dpif-netdev/pmd-perf-show", "[-nh] [-it iter-history-len] [-ms ms-history-len] [-pmd core] [dp]", ""}})
    server.add_text(f.name, f.usage, 0, 10, [text = f.text](UnixctlArgs) -> UnixctlText { return text; });
}

}  // namespace

void add_switch_commands(UnixctlServer& server, CommandContext context) {
  add_fdb(server, context);
  add_bridges(server, context);
  add_datapaths(server, context);
  add_upcalls(server, context);
  add_polling(server, context);
  server.add_text("exit", "[--cleanup]", 0, INT_MAX, [=](UnixctlArgs args) -> UnixctlText {
    if (std::ranges::find(args, "--cleanup") != args.end()) context.vswitchd.remove_all();
    context.loop.stop();
    return "";
  });
}

}  // namespace sluice
