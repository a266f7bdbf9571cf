// SPDX-License-Identifier: Apache-2.0
// monitor and snoop: print what a switch sends, until the connection or the program ends.  Controlled through a unix control socket:
// exit, ofctl/send, ofctl/packet-out, ofctl/barrier, ofctl/set-output-file, ofctl/block, ofctl/unblock.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "lib/clock.h"
#include "lib/daemon.h"
#include "lib/date.h"
#include "lib/loop.h"
#include "lib/program.h"
#include "lib/text.h"
#include "lib/unixctl.h"
#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/text.h"
#include "utilities/ofctl/ofctl.h"

namespace sluice::ofctl {
namespace {

using namespace ofp;  // NOLINT

constexpr int kMonitorVerbosity = 2;

class Monitor {
 public:
  Monitor(const Settings& s, Client& c, const TextNames& names, bool resumes = false) : settings_(s), client_(c), names_(names), resumes_(resumes), loop_(clock_), control_(loop_) {
    add_commands();
  }

  void run() {
    // The daemon's parent leaves once the connection is set up and the control socket is there.
    Daemon daemon(settings_.daemon, settings_.directories);
    daemon.keep_stderr();
    daemon.start();
    if (auto path = daemon.unixctl_path(); path && settings_.daemon.unixctl.value_or("") != "none")
      if (auto ok = control_.listen(*path); !ok) fatal("{}", ok.error());
    daemon.ready();
    drain();
    Watch watch = loop_.watch(client_.fd(), true, false, [this](bool, bool) { drain(); }, "switch");
    watch_ = &watch;
    loop_.run();
    daemon.finish();
  }

 private:
  void drain() {
    while (!blocked_) {
      Bytes m = client_.try_receive();
      if (m.empty()) return;
      show(m);
    }
  }

  void show(ByteView message) {
    std::string out;
    if (settings_.timestamps) out = format_date(Clock().wall_ms(), true) + ": ";
    out += format_wire(message, {.names = names_, .verbosity = settings_.verbosity + kMonitorVerbosity}, {.tlv = names_.tlv});
    std::fwrite(out.data(), 1, out.size(), stderr);
    std::fflush(stderr);
    auto type = decode_type(message);
    if (type && *type == MessageType::OFPT_BARRIER_REPLY && barrier_ && peek_header(message)->xid == barrier_xid_) {
      barrier_->ok("");
      barrier_.reset();
    }
    if (resumes_ && type == MessageType::NXT_PACKET_IN2) resume(message);
  }

  /// A packet that waits goes on, as it is.
  void resume(ByteView message) {
    auto m = decode(message, {.tlv = names_.tlv});
    auto* packet = m ? std::get_if<PacketIn>(&m->body) : nullptr;
    if (packet && !packet->continuation.empty()) send(encode_or_die(client_.make(MessageType::NXT_RESUME, *packet), {.tlv = names_.tlv}));
  }

  void set_blocked(bool blocked) {
    blocked_ = blocked;
    if (watch_) watch_->set(!blocked, false);
    if (!blocked) drain();
  }

  UnixctlText send_hex(UnixctlArgs args) {
    std::string reply;
    for (std::string digits : args) {
      std::erase(digits, ' ');
      auto message = parse_hex(digits);
      if (!message || message->size() < kHeaderSize) return std::unexpected(reply + "bad hex data: " + digits);
      send(*message);
    }
    return reply;
  }

  /// Says what it sends; of packets only with -m what is in them.
  void send(const Bytes& message) {
    std::string text = "send: " + format_wire(message, {.names = names_, .verbosity = settings_.verbosity - 1}, {.tlv = names_.tlv});
    std::fwrite(text.data(), 1, text.size(), stderr);
    client_.send(message);
  }

  UnixctlText send_packet(UnixctlArgs args) {
    auto parsed = parse_packet_out(args[0], names_);
    if (!parsed) return std::unexpected(parsed.error());
    send(encode_or_die(client_.make(MessageType::OFPT_PACKET_OUT, parsed->out), {.tlv = names_.tlv}));
    return "";
  }

  void add_commands() {
    control_.add_text("exit", "", 0, 0, [this](UnixctlArgs) -> UnixctlText {
      loop_.stop();
      return "";
    });
    control_.add_text("ofctl/send", "OFMSG...", 1, INT_MAX, [this](UnixctlArgs args) { return send_hex(args); });
    control_.add_text("ofctl/packet-out", "\"in_port=<port> packet=<hex data> actions=...\"", 1, 1, [this](UnixctlArgs args) { return send_packet(args); });
    control_.add("ofctl/barrier", "", 0, 0, [this](UnixctlArgs, UnixctlReply reply) {
      if (barrier_) return reply.error("already have blocked unixctl_conn");
      Message m = client_.make(MessageType::OFPT_BARRIER_REQUEST, Empty{});
      barrier_xid_ = m.xid;
      barrier_.emplace(std::move(reply));
      client_.send(encode_or_die(m));
    });
    control_.add_text("ofctl/block", "", 0, 0, [this](UnixctlArgs) -> UnixctlText {
      if (blocked_) return std::unexpected("already blocking");
      set_blocked(true);
      return "";
    });
    control_.add_text("ofctl/unblock", "", 0, 0, [this](UnixctlArgs) -> UnixctlText {
      if (!blocked_) return std::unexpected("already unblocked");
      set_blocked(false);
      return "";
    });
    control_.add_text("ofctl/set-output-file", "FILE", 1, 1, [](UnixctlArgs args) -> UnixctlText {
      int fd = ::open(args[0].c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
      if (fd < 0) return std::unexpected(errno_text(errno));
      std::fflush(stderr);
      ::dup2(fd, STDERR_FILENO);
      ::close(fd);
      return "";
    });
  }

  const Settings& settings_;
  Client& client_;
  TextNames names_;
  bool resumes_;
  Clock clock_;
  Loop loop_;
  UnixctlServer control_;
  Watch* watch_ = nullptr;
  bool blocked_ = false;
  std::optional<UnixctlReply> barrier_;
  uint32_t barrier_xid_ = 0;
};

void set_packet_in_format(const Settings& s, Client& c) {
  bool asked = s.packet_in_format.has_value();
  if (!asked && c.version() > Version::k11) return;
  PacketInFormat format = s.packet_in_format.value_or(PacketInFormat::kNxm2);
  Bytes error = c.transact_noreply(encode_or_die(c.make(MessageType::NXT_SET_PACKET_IN_FORMAT, Setting{static_cast<uint32_t>(format)})));
  if (error.empty() || !asked) return;
  print_error(s, error);
  std::exit(1);
}

void set_miss_send_len(const Settings& s, Client& c, std::optional<uint16_t> length, bool invalid_ttl) {
  auto m = decode(c.transact(encode_or_die(c.make(MessageType::OFPT_GET_CONFIG_REQUEST, Empty{}))));
  auto* config = m ? std::get_if<SwitchConfig>(&m->body) : nullptr;
  if (!config) fatal("{}: bad reply to config request", c.name());
  if (length) config->miss_send_len = *length;
  if (invalid_ttl) config->invalid_ttl_to_controller = true;
  transact_noreply(s, c, encode_or_die(c.make(MessageType::OFPT_SET_CONFIG, *config)));
  constexpr uint32_t kAllReasons = 0x3f;
  if (!invalid_ttl || c.version() < Version::k13) return;
  AsyncConfig async;
  async.primary = {kAllReasons, 7, 0x3f, 0, 0, 0};
  async.secondary = {0, 7, 0, 0, 0, 0};
  async.primary_set = async.secondary_set = 7;
  transact_noreply(s, c, encode_or_die(c.make(MessageType::OFPT_SET_ASYNC, async)));
}

void add_watch(const Settings& s, Client& c, std::string_view text, const TextNames& names, uint32_t id) {
  auto parsed = parse_flow_monitor(text, names);
  if (!parsed) fatal("{}: {}", text, parsed.error());
  (void)s;
  parsed->monitor.monitor_id = id;
  MessageType type = c.version() >= Version::k14   ? MessageType::OFPST_FLOW_MONITOR_REQUEST
                     : c.version() == Version::k13 ? MessageType::ONFST_FLOW_MONITOR_REQUEST
                                                   : MessageType::NXST_FLOW_MONITOR_REQUEST;
  c.send(encode_or_die(c.make(type, FlowMonitorRequest{{parsed->monitor}}), {.tlv = names.tlv}));
}

void monitor(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  Names names(s);
  TextNames print_names = names.for_printing(*c);
  std::optional<uint16_t> miss_len;
  bool invalid_ttl = false, resumes = false;
  std::vector<std::string_view> watches;
  constexpr std::string_view kWatch = "watch:";
  for (const std::string& word : w.subspan(1)) {
    if (auto n = parse_number(word); n && *n <= UINT16_MAX) miss_len = static_cast<uint16_t>(*n);
    else if (word == "invalid_ttl") invalid_ttl = true;
    else if (word.starts_with(kWatch)) watches.push_back(std::string_view(word).substr(kWatch.size()));
    else if (word == "resume") resumes = true, miss_len = UINT16_MAX;   // else packets that are to be resumed do not come
    else fatal("{}: unsupported \"monitor\" argument", word);
  }
  if (miss_len || invalid_ttl) set_miss_send_len(s, *c, miss_len, invalid_ttl);
  set_packet_in_format(s, *c);
  if (!watches.empty()) {
    TextNames read = names.for_reading(*c);
    for (uint32_t i = 0; i < watches.size(); i++) add_watch(s, *c, watches[i], read, i);
  }
  Monitor(s, *c, print_names, resumes).run();
}

void snoop(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0], "snoop");
  Monitor(s, *c, {}).run();
}

constexpr Command kCommands[] = {
    {"monitor", "switch [misslen] [invalid_ttl] [resume] [watch:[...]]", 1, 4, kReads, monitor, "print packets received from SWITCH"},
    {"snoop", "switch", 1, 1, kReads, snoop, "snoop on SWITCH and its controller"},
};

}  // namespace

std::span<const Command> monitor_commands() { return kCommands; }

}  // namespace sluice::ofctl
