// SPDX-License-Identifier: Apache-2.0
// The table of messages: every type in every version that has it, from an empty value to bytes and back; splitting of multiparts;
// hello negotiation; errors about broken headers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/message_text.h"

namespace sluice::ofp {
namespace {

Body empty_body(MessageType type) {
  switch (type) {
#define PLAIN(name, body, ...) case MessageType::name: return body{};
#define NICIRA PLAIN
#define ONF PLAIN
#define STATS(name, request, reply, ...) case MessageType::name##_REQUEST: return request{}; case MessageType::name##_REPLY: return reply{};
#define NXSTATS STATS
#define ONFSTATS STATS
#include "ofproto/openflow/messages.def"
    case MessageType::kCount: break;
  }
  return Empty{};
}

/// Bodies that are nothing when empty: give them the least that makes sense.
void fill_in(MessageType type, Version v, Body& body) {
  Bytes barrier = encode({.type = MessageType::OFPT_BARRIER_REQUEST, .version = v, .xid = 5, .body = Empty{}});
  if (auto* b = std::get_if<Hello>(&body)) b->versions = 0x12;
  static Bytes bundled;  // a BundleAdd does not own it
  bundled = encode({.type = MessageType::OFPT_PORT_MOD, .version = v, .xid = 5, .body = PortMod{}});
  if (auto* b = std::get_if<BundleAdd>(&body)) b->message = bundled;
  if (auto* b = std::get_if<RequestForward>(&body)) {
    GroupMod forwarded{};
    forwarded.group_id = 1;
    b->message = encode({.type = v == Version::k10 ? MessageType::NXT_GROUP_MOD : MessageType::OFPT_GROUP_MOD, .version = v, .xid = 5, .body = forwarded});
  }
  if (auto* b = std::get_if<ErrorReport>(&body)) {
    b->error = Error::OFPBRC_BAD_LEN;
    b->data = barrier;
  }
  if (auto* b = std::get_if<TableStatus>(&body)) b->reason = 3;
  if (auto* b = std::get_if<FlowMod>(&body)) {
    b->table_id = 0;
    b->actions.push_back(Output{.port = OfpPort{2}});
  }
  if (auto* b = std::get_if<RoleMessage>(&body)) b->role = Role::kEqual;
  if (auto* b = std::get_if<PacketIn>(&body)) {
    b->data = Bytes(60);
    b->total_len = 60;
    b->metadata.set_in_port(OfpPort{1});
  }
  if (auto* b = std::get_if<PacketOut>(&body)) {
    b->metadata.set_in_port(OfpPort{1});
    b->actions.push_back(Output{.port = OfpPort{2}});
    b->data = Bytes(60);
  }
  (void)type;
}

template <typename Fn>
void for_each_message(Fn fn) {
  for (size_t i = 0; i < kMessageTypes; i++) {
    auto type = static_cast<MessageType>(i);
    for (Version v : kVersions) {
      if (!exists(type, v)) continue;
      Message m{.type = type, .version = v, .xid = 5, .body = empty_body(type)};
      fill_in(type, v, m.body);
      fn(m);
    }
  }
}

TEST(Message, EveryTypeEncodesAndDecodes) {
  for_each_message([](const Message& m) {
    SCOPED_TRACE(std::string(info(m.type).name) + " " + std::string(version_name(m.version)));
    Bytes bytes;
    auto ok = encode(m, bytes);
    ASSERT_TRUE(ok) << error_name(ok.error());
    auto h = peek_header(bytes);
    ASSERT_TRUE(h);
    EXPECT_EQ(h->length, bytes.size());
    EXPECT_EQ(h->xid, 5u);
    auto type = decode_type(bytes);
    ASSERT_TRUE(type) << error_name(type.error());
    EXPECT_EQ(info(*type).name, info(m.type).name);
    auto again = decode(bytes);
    ASSERT_TRUE(again) << error_name(again.error()) << "\n" << hex_dump(bytes);
    EXPECT_EQ(again->body.index(), m.body.index());
    Bytes twice;
    ASSERT_TRUE(encode(*again, twice));
    EXPECT_EQ(hex_dump(twice), hex_dump(bytes));
    EXPECT_TRUE(format(*again).starts_with(std::string(info(m.type).name)));
  });
}

/// What a version has no name for is not said to be there, as Open vSwitch does.
TEST(Message, InstructionsOfTablesAreTheVersions) {
  auto shown = [](Version v) {
    TableStats t;
    t.features.nonmiss.instructions = UINT32_MAX;
    Bytes bytes = encode({.type = MessageType::OFPST_TABLE_REPLY, .version = v, .xid = 5, .body = TableStatsReply{{t}}});
    auto none = encode({.type = MessageType::OFPST_TABLE_REPLY, .version = v, .xid = 5, .body = TableStatsReply{{TableStats{}}}});
    for (size_t i = 0; i < bytes.size(); i++)
      if (bytes[i] != none[i]) bytes[i] = 0xff;   // all the bits that there could be
    return format(decode(bytes).value(), {.verbosity = 3});
  };
  for (Version v : {Version::k11, Version::k12}) {
    EXPECT_NE(shown(v).find("instructions: apply_actions clear_actions write_actions write_metadata goto_table\n"), std::string::npos) << shown(v);
  }
}

TEST(Message, UnknownTableMissesGoToTheController) {
  auto sent = [](TableMiss miss) {
    TableStats t;
    t.features.miss_config = miss;
    return encode({.type = MessageType::OFPST_TABLE_REPLY, .version = Version::k12, .xid = 5, .body = TableStatsReply{{t}}});
  };
  Bytes unknown = sent(TableMiss::kContinue);
  const Bytes other = sent(TableMiss::kDrop);
  *std::ranges::mismatch(unknown, other).in1 = 3;
  auto m = decode(unknown);
  ASSERT_TRUE(m);
  EXPECT_EQ(std::get<TableStatsReply>(m->body).tables[0].features.miss_config, TableMiss::kController);
  EXPECT_EQ(encode(*m), sent(TableMiss::kController));
}

/// The last byte of a text's field is a zero, said or not.
TEST(Message, TextsEndInTheirFields) {
  TableStats t;
  t.features.name = std::string(31, 'a');
  Bytes ended = encode({.type = MessageType::OFPST_TABLE_REPLY, .version = Version::k10, .xid = 5, .body = TableStatsReply{{t}}}), endless = ended;
  *(std::ranges::find_end(endless, t.features.name).end()) = 'a';
  EXPECT_NE(endless, ended);
  auto m = decode(endless);
  ASSERT_TRUE(m);
  EXPECT_EQ(std::get<TableStatsReply>(m->body).tables[0].features.name, t.features.name);
  EXPECT_EQ(encode(*m), ended);
}

TEST(Message, TypeOfAPart) {
  const Bytes features{1, 6, 0xcc, 0xdd, 0, 0, 0, 1};  // the head of a message that is cut off
  EXPECT_FALSE(decode_type(features));
  EXPECT_EQ(decode_type_of_part(features), MessageType::OFPT_FEATURES_REPLY);
  EXPECT_TRUE(format_wire(features).starts_with("OFPT_FEATURES_REPLY (xid=0x1):\n(***truncated to 8 bytes from 52445***)\n")) << format_wire(features);
}

TEST(Message, RoleRequestsKeepTheirGeneration) {
  for (uint8_t role : {0, 1, 2, 3}) {
    const Bytes bytes{3, 24, 0, 24, 0, 0, 0, 5, 0, 0, 0, role, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
    auto m = decode(bytes);
    ASSERT_TRUE(m);
    EXPECT_EQ(encode(*m), bytes);
  }
}

TEST(Message, ForwardedRequestsAreWhole) {
  Bytes bytes{6, 32, 0, 24, 0, 0, 0, 7, 6, 15, 0, 14, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(decode(bytes).error(), Error::OFPBRC_BAD_LEN);
  bytes[11] = 16;
  ASSERT_TRUE(decode(bytes));
  bytes[9] = 20;  // a barrier is not what is forwarded
  bytes[11] = 8;
  EXPECT_EQ(decode(bytes).error(), Error::OFPBFC_MSG_UNSUP);
}

/// As Open vSwitch does it.
TEST(Message, PrintsWhatIsZero) {
  auto shown = [](MessageType type, Version v, Body body) { return format(decode(encode({.type = type, .version = v, .xid = 5, .body = std::move(body)})).value()); };
  EXPECT_EQ(shown(MessageType::OFPT_BUNDLE_CONTROL, Version::k14, BundleControl{}), "OFPT_BUNDLE_CONTROL (OF1.4) (xid=0x5):\n bundle_id=0 type=OPEN_REQUEST flags=0\n");
  EXPECT_EQ(shown(MessageType::OFPT_FEATURES_REPLY, Version::k10, FeaturesReply{}), "OFPT_FEATURES_REPLY (xid=0x5): dpid:0000000000000000\nn_tables:0, n_buffers:0\ncapabilities: 0\n");
  EXPECT_EQ(shown(MessageType::OFPT_QUEUE_GET_CONFIG_REPLY, Version::k13, QueueDescReply{}), "OFPT_QUEUE_GET_CONFIG_REPLY (OF1.3) (xid=0x5):\n");
  EXPECT_EQ(shown(MessageType::OFPT_ROLE_REQUEST, Version::k12, RoleMessage{.role = Role::kEqual}), "OFPT_ROLE_REQUEST (OF1.2) (xid=0x5): role=equal generation_id=0\n");
}

void write(std::ofstream& file, ByteView bytes) { file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())); }

/// For tests/interop: all messages that we can send, in every version, one after the other.
TEST(Message, WritesSamples) {
  const char* path = std::getenv("SLUICE_MESSAGES_OUT");
  if (!path) GTEST_SKIP() << "SLUICE_MESSAGES_OUT is not set";
  std::ofstream file(path, std::ios::binary);
  for_each_message([&](const Message& m) { write(file, encode(m)); });
}

/// For tests/interop: reads the messages of another implementation and writes each as we would send it; one that we refuse becomes the error.
TEST(Message, Rewrites) {
  const char *in = std::getenv("SLUICE_MESSAGES_IN"), *out = std::getenv("SLUICE_MESSAGES_OUT");
  if (!in || !out) GTEST_SKIP() << "SLUICE_MESSAGES_IN and SLUICE_MESSAGES_OUT are not set";
  std::ifstream file(in, std::ios::binary);
  const Bytes all{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::ofstream rewritten(out, std::ios::binary);
  for (ByteView rest = all; !rest.empty();) {
    auto h = peek_header(rest);
    ASSERT_TRUE(h && h->length >= kHeaderSize && h->length <= rest.size());
    ByteView one = rest.first(h->length);
    rest = rest.subspan(h->length);
    Bytes again;
    auto m = decode(one);
    Status ok = m ? encode(*m, again) : std::unexpected(m.error());
    write(rewritten, ok ? again : encode_error(ok.error(), static_cast<Version>(h->version), one));
  }
}

/// What decodes also prints and encodes, and what it encodes to decodes.
void expect_sound(ByteView bytes) {
  auto m = decode(bytes);
  if (!m) return;
  format(*m);
  Bytes again;
  if (!encode(*m, again)) return;
  auto h = peek_header(again);
  ASSERT_TRUE(h && h->length >= kHeaderSize && h->length <= again.size());
  auto decoded = decode(ByteView(again).first(h->length));
  EXPECT_TRUE(decoded) << error_name(decoded.error()) << "\n" << hex_dump(bytes) << hex_dump(again);
}

constexpr uint16_t kLengths[] = {0, 1, 3, 7, 8, 0xffff, 0xfff8};

TEST(Message, NoHeaderLengthDoesHarm) {
  for_each_message([](const Message& m) {
    SCOPED_TRACE(std::string(info(m.type).name) + " " + std::string(version_name(m.version)));
    Bytes whole = encode(m);
    for (uint16_t length : kLengths) {
      Bytes bytes = whole;
      store_be(bytes.data() + 2, length);
      if (length == bytes.size()) continue;
      EXPECT_EQ(decode(bytes).error(), Error::OFPBRC_BAD_LEN);
      // The same with as many bytes as it says.
      bytes.resize(length);
      if (length < kHeaderSize) {
        EXPECT_FALSE(decode(bytes));
        continue;
      }
      expect_sound(bytes);
    }
  });
}

TEST(Message, NoInnerLengthDoesHarm) {
  for_each_message([](const Message& m) {
    SCOPED_TRACE(std::string(info(m.type).name) + " " + std::string(version_name(m.version)));
    Bytes whole = encode(m);
    whole.resize(whole.size() + 64);  // room for what a length may claim
    store_be(whole.data() + 2, static_cast<uint16_t>(whole.size()));
    constexpr size_t kFixedParts = 64;  // where the lengths are; what follows repeats
    for (size_t at = kHeaderSize; at + 2 <= std::min(whole.size(), kHeaderSize + kFixedParts); at += 2) {
      for (uint16_t length : kLengths) {
        Bytes bytes = whole;
        store_be(bytes.data() + at, length);
        expect_sound(bytes);
      }
    }
  });
}

TEST(Message, WrongLengthsAreBadLen) {
  for_each_message([](const Message& m) {
    Bytes bytes = encode(m);
    // The length field and the bytes at hand disagree.
    bytes.push_back(0);
    auto decoded = decode(bytes);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error(), Error::OFPBRC_BAD_LEN);
  });
}

TEST(Message, FixedMessagesTakeNoMore) {
  for (MessageType type : {MessageType::OFPT_FEATURES_REQUEST, MessageType::OFPT_BARRIER_REQUEST, MessageType::OFPT_GET_CONFIG_REQUEST}) {
    Bytes bytes = encode({.type = type, .version = Version::k13, .xid = 1, .body = Empty{}});
    bytes.push_back(0);
    store_be(bytes.data() + 2, static_cast<uint16_t>(bytes.size()));
    EXPECT_EQ(decode(bytes).error(), Error::OFPBRC_BAD_LEN);
  }
}

TEST(Message, UnknownHeaders) {
  auto error_of = [](Bytes b) { return decode(b).error(); };
  EXPECT_EQ(error_of({0, 0, 0, 8, 0, 0, 0, 1}), Error::OFPBRC_BAD_TYPE);
  EXPECT_EQ(error_of({7, 5, 0, 8, 0, 0, 0, 1}), Error::OFPBRC_BAD_TYPE);
  EXPECT_EQ(error_of({4, 99, 0, 8, 0, 0, 0, 1}), Error::OFPBRC_BAD_TYPE);
  EXPECT_EQ(error_of({4, 18, 0, 16, 0, 0, 0, 1, 0, 99, 0, 0, 0, 0, 0, 0}), Error::OFPBRC_BAD_STAT);
  EXPECT_EQ(error_of({4, 4, 0, 16, 0, 0, 0, 1, 0, 0, 0x12, 0x34, 0, 0, 0, 1}), Error::OFPBRC_BAD_VENDOR);
  EXPECT_EQ(error_of({4, 4, 0, 16, 0, 0, 0, 1, 0, 0, 0x23, 0x20, 0, 0, 0x0f, 1}), Error::OFPBRC_BAD_SUBTYPE);
  EXPECT_EQ(error_of({4, 4, 0, 12, 0, 0, 0, 1, 0, 0, 0x23, 0x20}), Error::OFPBRC_BAD_LEN);
}

TEST(Message, HelloOfTheFuture) {
  auto m = decode(Bytes{9, 0, 0, 8, 0, 0, 0, 1});
  ASSERT_TRUE(m);
  EXPECT_EQ(std::get<Hello>(m->body).versions, 0x3feu);
}

TEST(Message, LongRepliesAreSplit) {
  for (Version v : kVersions) {
    FlowStatsReply reply;
    constexpr size_t kFlows = 3000;
    for (size_t i = 0; i < kFlows; i++) {
      FlowStats f;
      f.cookie = i;
      f.match.set_in_port(OfpPort{static_cast<uint32_t>(i % 1000 + 1)});
      f.actions.push_back(Output{.port = OfpPort{2}});
      reply.flows.push_back(std::move(f));
    }
    Bytes bytes;
    ASSERT_TRUE(encode({.type = MessageType::OFPST_FLOW_REPLY, .version = v, .xid = 9, .body = reply}, bytes));
    size_t seen = 0, parts = 0;
    for (ByteView rest = bytes; !rest.empty();) {
      auto h = peek_header(rest);
      ASSERT_TRUE(h && h->length <= rest.size());
      auto m = decode(rest.first(h->length));
      ASSERT_TRUE(m);
      for (const FlowStats& f : std::get<FlowStatsReply>(m->body).flows) EXPECT_EQ(f.cookie, seen++);
      rest = rest.subspan(h->length);
      EXPECT_EQ(m->more, !rest.empty());
      parts++;
    }
    EXPECT_EQ(seen, kFlows);
    EXPECT_GT(parts, 1u);
  }
}

TEST(Message, ErrorsCarryTheRequest) {
  Bytes request = encode({.type = MessageType::OFPT_ECHO_REQUEST, .version = Version::k13, .xid = 77, .body = Echo{Bytes(200)}});
  auto m = decode(encode_error(Error::OFPBRC_EPERM, Version::k13, request));
  ASSERT_TRUE(m);
  EXPECT_EQ(m->xid, 77u);
  const auto& report = std::get<ErrorReport>(m->body);
  EXPECT_EQ(report.error, Error::OFPBRC_EPERM);
  // OF1.3.5 7.5.4 asks for 64 bytes at least; all of it is more use to who wants to know what was wrong.
  EXPECT_EQ(report.data, request);
}

}  // namespace
}  // namespace sluice::ofp
