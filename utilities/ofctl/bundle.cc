// SPDX-License-Identifier: Apache-2.0
// Changes as one bundle (OF1.4.0 6.9; ONF's extension in 1.3): open, add, barrier, commit.
#include <map>

#include "lib/program.h"
#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/text.h"
#include "utilities/ofctl/flows.h"

namespace sluice::ofctl {

using namespace ofp;  // NOLINT

namespace {

constexpr ProtocolSet kBundleProtocols = kOxm13 | kOxm14 | kOxm15;
constexpr uint16_t kFlags = OFPBF_ATOMIC | OFPBF_ORDERED;

/// Sends the bundle's messages and keeps them, to say which one an error is about.
class BundleRun {
 public:
  explicit BundleRun(Client& c) : client_(c), onf_(c.version() == Version::k13) {}

  void control(BundleControlType type) {
    Message m = client_.make(onf_ ? MessageType::ONFT_BUNDLE_CONTROL : MessageType::OFPT_BUNDLE_CONTROL, BundleControl{0, type, kFlags});
    Bytes request = encode_or_die(m);
    sent_[m.xid] = request;
    client_.send(request);
    wait_for(m.xid);
  }
  void add(const Message& inner, const CodecOptions& codec) {
    Bytes bytes = encode_or_die(inner, codec);
    Message outer = {.type = onf_ ? MessageType::ONFT_BUNDLE_ADD_MESSAGE : MessageType::OFPT_BUNDLE_ADD_MESSAGE, .version = client_.version(),
                     .xid = inner.xid, .body = BundleAdd{0, kFlags, bytes}};
    sent_[inner.xid] = std::move(bytes);
    client_.send(encode_or_die(outer));
  }
  void barrier() {
    Message m = client_.make(MessageType::OFPT_BARRIER_REQUEST, Empty{});
    client_.send(encode_or_die(m));
    wait_for(m.xid);
  }
  bool failed() const { return failed_; }

 private:
  /// Reads up to the reply (or the error) of this xid; prints errors on the way.
  void wait_for(uint32_t xid) {
    for (;;) {
      Bytes reply = client_.receive();
      auto h = *peek_header(reply);
      auto m = decode(reply);
      const auto* error = m ? std::get_if<ErrorReport>(&m->body) : nullptr;
      if (error) report(h.xid, *error);
      if (h.xid == xid) return;
    }
  }
  void report(uint32_t xid, const ErrorReport& error) {
    failed_ = true;
    auto about = sent_.find(xid);
    std::string text = about == sent_.end() ? format_wire(error.data) : format_wire(about->second);
    std::string name = error.error ? std::string(error_name(*error.error)) : fmt::format("type {} code {}", error.numbers.type, error.numbers.code);
    std::fprintf(stderr, "Error %s for: %s", name.c_str(), text.c_str());
  }

  Client& client_;
  bool onf_;
  bool failed_ = false;
  std::map<uint32_t, Bytes> sent_;
};

MessageType type_of(const BundleItem& item) {
  if (std::holds_alternative<FlowMod>(item.body)) return MessageType::OFPT_FLOW_MOD;
  return std::holds_alternative<GroupMod>(item.body) ? MessageType::OFPT_GROUP_MOD : MessageType::OFPT_PACKET_OUT;
}

BundleItem parse_bundle_line(const std::string& path, const Line& line, const TextNames& names) {
  std::string_view text = line.text;
  size_t end = text.find_first_of(", \t");
  std::string_view word = text.substr(0, end), rest = end == std::string_view::npos ? std::string_view{} : trim(text.substr(end));
  auto die = [&](const std::string& why) { fatal("{}:{}: {}", path, line.number, why); };
  BundleItem item;
  if (word == "flow") {
    auto flow = parse_flow(rest, std::nullopt, names);
    if (!flow) die(flow.error());
    item = {std::move(flow->flow), flow->usable};
  } else if (word == "group") {
    auto group = parse_group(rest, std::nullopt, names);
    if (!group) die(group.error());
    item = {std::move(group->mod), group->usable};
  } else if (word == "packet-out") {
    auto p = parse_packet_out(rest, names);
    if (!p) die(p.error());
    item = {std::move(p->out), p->usable};
  } else {
    die(fmt::format("Unsupported bundle message type: {}", word));
  }
  return item;
}

}  // namespace

VersionSet bundle_versions(VersionSet asked) {
  constexpr VersionSet k14 = version_bit(Version::k14), kFrom13 = version_bit(Version::k13) | k14 | version_bit(Version::k15);
  if (!(asked & kFrom13)) asked |= k14;
  return asked & kFrom13;
}

void run_bundle(const Settings& s, const std::string& bridge, const std::vector<BundleItem>& items, ProtocolSet usable, const TlvTable* tlv,
                std::unique_ptr<Client> open) {
  Settings wide = s;
  wide.bundle = true;
  wide.versions = bundle_versions(s.versions);
  wide.protocols &= versions_protocols(wide.versions);
  if (!wide.protocols) wide.protocols = versions_protocols(wide.versions);
  FlowSession session = open_for_flow_mods(wide, bridge, usable & kBundleProtocols, std::move(open));
  BundleRun run(*session.client);
  run.control(BundleControlType::kOpenRequest);
  if (!run.failed()) {
    for (const BundleItem& item : items) {
      if (auto* group = std::get_if<GroupMod>(&item.body)) need_bucket_commands(version_bit(session.client->version()), group->command);
      Message inner = std::visit([&](const auto& body) { return session.client->make(type_of(item), body); }, item.body);
      run.add(inner, {.tlv = tlv});
    }
    run.barrier();
    run.control(run.failed() ? BundleControlType::kDiscardRequest : BundleControlType::kCommitRequest);
  }
  if (run.failed()) fatal("talking to {} (Protocol error)", session.client->name());
}

void bundle_file(const Settings& s, const std::string& bridge, const std::string& path) {
  auto c = open_bridge(s, bridge);
  Names names(s);
  std::vector<Line> lines = read_lines(path);
  TextNames read = names.for_reading(*c, lines);
  std::vector<BundleItem> items;
  ProtocolSet usable = kAllProtocols;
  for (const Line& line : lines) {
    items.push_back(parse_bundle_line(path, line, read));
    usable &= items.back().usable;
  }
  run_bundle(s, bridge, items, usable, read.tlv, std::move(c));
}

}  // namespace sluice::ofctl
