// SPDX-License-Identifier: Apache-2.0
// Replays recordings of Open vSwitch (data/openflow-transcripts.jsonl): 360 ofctl commands in six versions with the bytes of both
// directions.  Every message decodes, encodes back to the same bytes, and prints as recorded; and no length in any of them, however
// it is changed, does harm.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "lib/json.h"
#include "lib/text.h"
#include "ofproto/openflow/message_text.h"

namespace sluice::ofp {
namespace {

struct Recording {
  std::string command, version, out;
  std::vector<std::pair<char, Bytes>> messages;  // 'C' client, 'S' switch
  bool cut = false;                              // the recording lacks the end of some messages
};

Bytes from_hex(std::string_view hex) {
  Bytes out;
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i + 1 < hex.size(); i += 2) out.push_back(static_cast<uint8_t>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  return out;
}
std::vector<Recording> read_recordings() {
  std::ifstream file("tests/unit/openflow/data/openflow-transcripts.jsonl");
  std::vector<Recording> all;
  std::string line;
  while (std::getline(file, line)) {
    auto json = Json::parse(line);
    EXPECT_TRUE(json) << line.substr(0, 80);
    if (!json) continue;
    Recording r{std::string(json->get("cmd").string()), std::string(json->get("ver").string()), std::string(json->get("out").string()), {}};
    for (const Json& m : json->get("msgs").elements()) {
      bool whole = m.size() == 2 && m[0].string().size() == 1;  // else "8 more"
      Bytes bytes = whole ? from_hex(m[1].string()) : Bytes();
      auto header = peek_header(bytes);
      if (whole && header && header->length == bytes.size()) r.messages.emplace_back(m[0].string()[0], std::move(bytes));
      else r.cut = true;
    }
    all.push_back(std::move(r));
  }
  return all;
}

/// Every TlvTable-dependent field gets a place.
const TlvTable kTlv(true);
const CodecOptions kCodec{.tlv = &kTlv};

/// What the recorded peer writes into bytes that say nothing.
bool is_expected_difference(const Message& m) {
  // An error carries what its sender had left in the buffer; table ids in commands are a setting of the connection.
  return m.type == MessageType::NXT_TLV_TABLE_MOD;
}

TEST(MessageGoldens, EveryMessageDecodesAndEncodesBack) {
  unsigned n = 0;
  for (const Recording& r : read_recordings()) {
    bool tid = false;
    for (const auto& [from, bytes] : r.messages) {
      CodecOptions codec = kCodec;
      codec.flow_mod_table_id = tid;
      auto m = decode(bytes, codec);
      if (!m) {
        // The one bad message of the recordings: an option length of 3.
        EXPECT_EQ(error_name(m.error()), "NXTTMFC_BAD_OPT_LEN") << r.version << " " << r.command << " " << hex(bytes).substr(0, 200);
        continue;
      }
      n++;
      if (m->type == MessageType::NXT_FLOW_MOD_TABLE_ID) tid = std::get<Setting>(m->body).value;
      if (is_expected_difference(*m)) continue;
      Bytes again;
      auto ok = encode(*m, again, codec);
      EXPECT_TRUE(ok) << r.version << " " << r.command << " " << format(*m);
      EXPECT_EQ(hex(again), hex(bytes)) << r.version << " " << r.command << "\n" << format(*m);
    }
  }
  EXPECT_GT(n, 1000u);
}

bool prints_its_replies(std::string_view command) {
  for (std::string_view word : {"show ", "dump-ports", "dump-flows ", "dump-aggregate", "queue-get-config", "dump-groups", "dump-group-features",
                                "dump-meters", "meter-stats", "dump-ipfix-flow", "dump-table-desc"})
    if (command.starts_with(word)) return true;
  return false;
}

/// Messages that prepare a command and are not shown by it.
bool is_shown(const Recording& r, MessageType type) {
  bool show = r.command.starts_with("show");
  if (type == MessageType::OFPT_FEATURES_REPLY || type == MessageType::OFPST_PORT_DESC_REPLY) return show || r.command.starts_with("dump-ports-desc");
  return type != MessageType::OFPT_BARRIER_REPLY;
}

TEST(MessageGoldens, PrintsAsRecorded) {
  unsigned n = 0;
  for (const Recording& r : read_recordings()) {
    if (r.cut || !prints_its_replies(r.command)) continue;
    std::string text;
    for (const auto& [from, bytes] : r.messages) {
      auto type = decode_type(bytes);
      if (from == 'S' && type && is_shown(r, *type)) text += format_wire(bytes, {}, kCodec);
    }
    EXPECT_EQ(text, r.out) << r.version << " " << r.command;
    n++;
  }
  EXPECT_GT(n, 80u);
}

TEST(MessageGoldens, NoLengthDoesHarm) {
  std::set<std::string> seen;
  for (const Recording& r : read_recordings()) {
    for (const auto& [from, bytes] : r.messages) {
      constexpr size_t kLongest = 400;
      if (bytes.size() > kLongest || !seen.insert(fmt::format("{}{}{}", bytes[0], bytes[1], bytes.size())).second) continue;
      for (size_t at = 8; at + 2 <= bytes.size(); at += 2) {
        for (uint16_t value : {0, 1, 3, 7, 8, 0xffff, 0xfff8}) {
          Bytes changed = bytes;
          store_be(changed.data() + at, value);
          auto m = decode(changed, kCodec);
          if (!m) continue;
          // What decodes, prints and encodes without harm, and what it encodes to decodes.
          format(*m);
          Bytes again;
          if (encode(*m, again, kCodec)) {
            auto h = peek_header(again);
            ASSERT_TRUE(h && h->length >= kHeaderSize);
          }
        }
      }
      for (size_t length = 0; length < bytes.size(); length++) {  // cut short, with a length that agrees
        Bytes cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
        if (length >= kHeaderSize) store_be(cut.data() + 2, static_cast<uint16_t>(length));
        decode(cut, kCodec);
        format_wire(cut);
      }
    }
  }
  EXPECT_GT(seen.size(), 100u);
}

}  // namespace
}  // namespace sluice::ofp
