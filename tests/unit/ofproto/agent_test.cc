// SPDX-License-Identifier: Apache-2.0
// Sessions share the control thread fairly: nobody waits for another's million flow-mods or for another's long dump.
#include "ofproto/agent.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "ofproto/flow_table.h"
#include "ofproto/openflow/codec.h"
#include "tests/unit/ofproto/switch_fixture.h"

namespace sluice {
namespace {

using ofp::MessageType;

class AgentTest : public SwitchFixture {
 protected:
  struct Client {
    std::unique_ptr<Connection> stream;
    Bytes in;
    std::map<uint8_t, int> replies;          // by type in the header
    std::map<uint64_t, int> cookies;         // of flow statistics
    void received(ByteView bytes) {
      in.insert(in.end(), bytes.begin(), bytes.end());
      size_t at = 0;
      while (auto h = ofp::peek_header(ByteView(in).subspan(at))) {
        if (in.size() - at < h->length) break;
        auto m = ofp::decode(ByteView(in).subspan(at, h->length));
        ASSERT_TRUE(m);
        replies[h->type]++;
        if (auto* stats = std::get_if<ofp::FlowStatsReply>(&m->body))
          for (auto& f : stats->flows) cookies[f.cookie]++;
        at += h->length;
      }
      in.erase(in.begin(), in.begin() + static_cast<ptrdiff_t>(at));
    }
    void send(MessageType type, ofp::Body body = ofp::Empty{}) { stream->send(ofp::encode({.type = type, .version = ofp::Version::k13, .body = std::move(body)})); }
    int echoes() { return replies[3]; }
    int barriers() { return replies[21]; }
  };

  AgentTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice.XXXXXX").string();
    dir = mkdtemp(name.data());
    agent = std::make_unique<Agent>(loop, *br, Controllers::Options{.bridge = "br0", .run_dir = dir, .versions = 1u << 4});
  }
  ~AgentTest() override {
    agent.reset();
    std::filesystem::remove_all(dir);
  }
  std::unique_ptr<Client> connect() {
    auto c = std::make_unique<Client>();
    c->stream = Connection::connect(loop, *parse_target("unix:br0.mgmt", 6653, dir), SocketAddress(), nullptr);
    c->stream->on_data([p = c.get()](ByteView v) { p->received(v); });
    c->send(MessageType::OFPT_HELLO, ofp::Hello{.versions = 1u << 4});
    EXPECT_TRUE(until([&] { return c->replies[0] == 1; }));
    return c;
  }
  /// One turn of everybody.
  void step() {
    bool more = agent->run(loop.now());
    loop.run_once(milliseconds(more ? 0 : 5));
  }
  template <typename F>
  bool until(F done) {
    for (int i = 0; i < 100'000 && !done(); i++) step();
    return done();
  }
  static ofp::FlowMod add(uint32_t n) {
    ofp::FlowMod m;
    m.table_id = 0;
    ofp::Match match;
    match.value.eth_type = be16(0x0800), match.mask.eth_type = ~be16();
    match.value.nw_src = be32(n), match.mask.nw_src = ~be32();
    m.match = ofp::MiniMatch(match);
    m.new_cookie = n;
    m.actions = {ofp::Output{OfpPort{1}}};
    return m;
  }
  void add_flows(uint32_t from, uint32_t to) {
    for (uint32_t n = from; n < to; n++) {
      auto m = add(n);
      ASSERT_TRUE(br->flow_mod(m, ofp::Version::k13, loop.now()));
    }
  }
  size_t flows() { return count("").flow_count; }

  std::string dir;
  Clock clock;
  Loop loop{clock};
  std::unique_ptr<Agent> agent;
};

TEST_F(AgentTest, AnEchoDoesNotWaitForOthersFlowMods) {
  constexpr uint32_t kFlows = 20'000;
  constexpr size_t kWait = 20 * kMessagesPerTurn;   // messages of others that an echo may see handled before its reply: a few turns
  auto busy = connect(), quiet = connect();
  for (uint32_t n = 0; n < kFlows; n++) busy->send(MessageType::OFPT_FLOW_MOD, add(n));
  busy->send(MessageType::OFPT_BARRIER_REQUEST);
  size_t longest = 0, asked_at = 0;
  int asked = 0;
  ASSERT_TRUE(until([&] {
    if (quiet->echoes() == asked) {
      size_t now_there = flows();
      if (asked) longest = std::max(longest, now_there - asked_at);
      asked_at = now_there;
      asked++;
      quiet->send(MessageType::OFPT_ECHO_REQUEST, ofp::Echo{});
    }
    return busy->barriers() == 1;
  }));
  EXPECT_EQ(flows(), kFlows);
  EXPECT_GT(quiet->echoes(), 5);
  EXPECT_LE(longest, kWait);
}

TEST_F(AgentTest, TheLongestMessagesComeInWhole) {
  auto c = connect();
  for (size_t size : {16'000u, 33'000u, 65'527u}) c->send(MessageType::OFPT_ECHO_REQUEST, ofp::Echo{.data = Bytes(size, 7)});
  EXPECT_TRUE(until([&] { return c->echoes() == 3; }));
}

TEST_F(AgentTest, ALongDumpComesInSlices) {
  constexpr uint32_t kOld = 50'000, kGone = 5'000, kNew = 5'000;
  constexpr size_t kSlice = 1 << 20;                // bytes: far more than a slice is
  add_flows(0, kOld);
  auto asking = connect(), other = connect();
  asking->stream->pause_reading(true);
  asking->send(MessageType::OFPST_FLOW_REQUEST, ofp::FlowStatsRequest{});
  asking->send(MessageType::OFPT_BARRIER_REQUEST);
  size_t most_queued = 0;
  auto look = [&] { agent->controllers().for_each([&](OfConnection& c) { most_queued = std::max(most_queued, c.stream().queued()); }); };
  // The one who asks does not read: the dump stops by itself, others are served meanwhile, and change the tables.
  for (uint32_t n = 0; n < kGone; n++) {
    auto gone = add(n * 7);
    gone.command = ofp::FlowModCommand::kDeleteStrict;
    other->send(MessageType::OFPT_FLOW_MOD, gone);
  }
  for (uint32_t n = 0; n < kNew; n++) other->send(MessageType::OFPT_FLOW_MOD, add(kOld + n));
  other->send(MessageType::OFPT_BARRIER_REQUEST);
  ASSERT_TRUE(until([&] { return look(), other->barriers() == 1; }));
  for (int i = 0; i < 100; i++) step(), look();
  EXPECT_GT(most_queued, kReplyHighWater / 2);
  EXPECT_LE(most_queued, kReplyHighWater + kSlice);
  EXPECT_EQ(asking->barriers(), 0);
  asking->stream->pause_reading(false);
  ASSERT_TRUE(until([&] { return asking->barriers() == 1; }));
  for (auto [cookie, times] : asking->cookies) EXPECT_EQ(times, 1) << cookie;
  for (uint32_t n = 0; n < kOld; n++) {
    bool stayed = n % 7 || n >= kGone * 7;
    ASSERT_TRUE(!stayed || asking->cookies.contains(n)) << n;
  }
}

TEST_F(AgentTest, APacketOutInABundleWaitsForTheCommit) {
  add_ports(*br, 3);
  auto c = connect();
  auto bundle = [&](ofp::BundleControlType type) { c->send(MessageType::ONFT_BUNDLE_CONTROL, ofp::BundleControl{.bundle_id = 1, .type = type, .flags = 1}); };
  auto put = [&](MessageType type, ofp::Body body) {
    c->send(MessageType::ONFT_BUNDLE_ADD_MESSAGE,
            ofp::BundleAdd{.bundle_id = 1, .flags = 1, .message = ofp::encode({.type = type, .version = ofp::Version::k13, .body = std::move(body)})});
  };
  ofp::PacketOut out;
  out.metadata.set_in_port(OFPP_NONE);
  out.actions = {ofp::Output{OfpPort{3}}};
  out.data = Bytes(60, 1);
  auto barrier = [&] {
    int before = c->barriers();
    c->send(MessageType::OFPT_BARRIER_REQUEST);
    ASSERT_TRUE(until([&] { return c->barriers() > before; }));
  };
  // A bundle that fails at its last message sends nothing.
  bundle(ofp::BundleControlType::kOpenRequest);
  put(MessageType::OFPT_PACKET_OUT, out);
  auto bad = add(1);
  bad.actions = {ofp::Group{77}};
  put(MessageType::OFPT_FLOW_MOD, bad);
  bundle(ofp::BundleControlType::kCommitRequest);
  barrier();
  EXPECT_EQ(outcome(), "");
  // One that succeeds sends, by the tables as they were where the message stood.
  bundle(ofp::BundleControlType::kOpenRequest);
  put(MessageType::OFPT_FLOW_MOD, add(1));
  put(MessageType::OFPT_PACKET_OUT, out);
  barrier();
  EXPECT_EQ(outcome(), "");
  bundle(ofp::BundleControlType::kCommitRequest);
  barrier();
  EXPECT_EQ(outcome(), "p3*1");
  EXPECT_EQ(flows(), 1u);
}

TEST_F(AgentTest, ABundleThatNothingIsDoneWithEnds) {
  constexpr uint8_t kError = 1;                     // the type of an error message
  auto c = connect();
  agent->set_bundle_idle(milliseconds(1));
  auto control = [&](ofp::BundleControlType type) { c->send(MessageType::ONFT_BUNDLE_CONTROL, ofp::BundleControl{.bundle_id = 1, .type = type, .flags = 1}); };
  control(ofp::BundleControlType::kOpenRequest);
  ASSERT_TRUE(until([&] { return c->replies[kError] == 1; }));
  control(ofp::BundleControlType::kCommitRequest);  // it is not there
  ASSERT_TRUE(until([&] { return c->replies[kError] == 2; }));
}

}  // namespace
}  // namespace sluice
