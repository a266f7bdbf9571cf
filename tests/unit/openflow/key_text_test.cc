// SPDX-License-Identifier: Apache-2.0
// Every key of flows, filters, groups, buckets, meters, bands, packet-outs and monitors: from the least to the most that it may be it reads back; beyond that,
// misspelt, without a value, said twice with two values, or where it does not belong, it is an error that names it.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>

#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/message_text.h"
#include "tests/unit/openflow/flow_losses.h"
#include "tests/unit/openflow/refusals.h"

namespace sluice::ofp {
namespace {

/// What is parsed, without the value: "" or the error.
using Parse = std::expected<void, std::string> (*)(const std::string& text);
template <typename T>
std::expected<void, std::string> outcome(const T& parsed) {
  if (parsed) return {};
  return std::unexpected(parsed.error());
}
std::expected<void, std::string> as_flow(const std::string& t) { return outcome(parse_flow(t + ",actions=drop", FlowModCommand::kAdd)); }
std::expected<void, std::string> as_delete(const std::string& t) { return outcome(parse_flow(t, FlowModCommand::kDelete)); }
std::expected<void, std::string> as_filter(const std::string& t) { return outcome(parse_flow_filter(t)); }
std::expected<void, std::string> as_group(const std::string& t) { return outcome(parse_group(t, GroupCommand::kAdd)); }
std::expected<void, std::string> as_insertion(const std::string& t) { return outcome(parse_group(t, GroupCommand::kInsertBucket)); }
std::expected<void, std::string> as_meter(const std::string& t) { return outcome(parse_meter(t, MeterCommand::kAdd)); }
std::expected<void, std::string> as_packet_out(const std::string& t) { return outcome(parse_packet_out(t)); }
std::expected<void, std::string> as_monitor(const std::string& t) { return outcome(parse_flow_monitor(t)); }

/// A key that takes a number, in a text that has {} for it.
struct Key {
  Parse parse;
  std::string_view text, key;
  uint64_t low, high;
  bool required = false;
};
constexpr uint64_t k8 = UINT8_MAX, k16 = UINT16_MAX, k32 = UINT32_MAX, k64 = UINT64_MAX;
constexpr Key kKeys[] = {
    {as_flow, "{}", "priority", 0, k16}, {as_flow, "{}", "cookie", 0, k64 - 1}, {as_flow, "{}", "idle_timeout", 0, k16}, {as_flow, "{}", "hard_timeout", 0, k16}, {as_flow, "{}", "table", 0, k8},
    {as_flow, "{}", "importance", 0, k16}, {as_delete, "{}", "table", 0, k8}, {as_delete, "{}", "out_group", 0, k32}, {as_delete, "{}", "out_port", 0, 65279},
    {as_filter, "{}", "table", 0, k8}, {as_filter, "{}", "out_group", 0, k32}, {as_filter, "{}", "out_port", 0, 65279}, {as_filter, "{}", "priority", 0, k16},
    {as_group, "{},type=all,bucket=output:1", "group_id", 0, OFPG_MAX, true}, {as_group, "group_id=1,type=select,selection_method=hash,{},bucket=output:1", "selection_method_param", 0, k64},
    {as_group, "group_id=1,type=select,bucket={},output:1", "weight", 0, k16}, {as_group, "group_id=1,type=select,bucket={},output:1", "bucket_id", 0, 0xffffff00},
    {as_group, "group_id=1,type=ff,bucket={},output:1", "watch_port", 0, 65279}, {as_group, "group_id=1,type=ff,bucket={},output:1", "watch_group", 0, OFPG_MAX},
    {as_insertion, "group_id=1,{},bucket=output:1", "command_bucket_id", 0, 0xffffff00, true},
    {as_meter, "{} kbps bands=type=drop rate=1", "meter", 1, 0xffff0000, true}, {as_meter, "meter=1 kbps bands=type=drop {}", "rate", 0, k32, true},
    {as_meter, "meter=1 kbps burst bands=type=drop rate=1 {}", "burst_size", 0, k32, true}, {as_meter, "meter=1 kbps bands=type=dscp_remark rate=1 {}", "prec_level", 0, k8},
    {as_packet_out, "{},packet=505400000007505400000005080045,actions=drop", "in_port", 0, 65279}, {as_monitor, "{}", "out_group", 0, k32}, {as_monitor, "{}", "out_port", 0, 65279},
    {as_monitor, "{}", "table", 0, 254},
};

std::string with(const Key& k, std::string_view item) {
  std::string s(k.text);
  return s.replace(s.find("{}"), 2, item);
}
std::string with_value(const Key& k, std::string_view value) { return with(k, fmt::format("{}={}", k.key, value)); }

TEST(KeyText, LimitsAreThoseThatAreSaid) {
  for (const Key& k : kKeys) {
    for (uint64_t n : {k.low, k.high, k.low + (k.high - k.low) / 2})
      for (const std::string& value : {fmt::format("{}", n), fmt::format("0x{:x}", n)}) {
        auto p = k.parse(with_value(k, value));
        EXPECT_TRUE(p) << with_value(k, value) << ": " << p.error();
      }
    std::vector<std::string> bad{"x1", "1x", "-1", "1.5", "18446744073709551616", "0x"};
    if (k.low) bad.push_back(fmt::format("{}", k.low - 1));
    bool reserved_follow = k.key == "out_group";
    if (k.high != k64 && !reserved_follow) bad.push_back(fmt::format("{}", k.high + 1));
    for (const std::string& value : bad) EXPECT_TRUE(names_what_is_wrong(k.parse(with_value(k, value)), value)) << with_value(k, value);
  }
}

TEST(KeyText, MisspeltOrEmptyOrTwiceItIsNamed) {
  std::mt19937_64 random(11);
  for (const Key& k : kKeys) {
    for (unsigned i = 0; i < 8; i++) {
      std::string wrong = misspelt(k.key, random);
      if (wrong == "table" || wrong == "type" || field_by_name(wrong)) continue;
      EXPECT_TRUE(names_what_is_wrong(k.parse(with(k, wrong + "=1")), wrong)) << with(k, wrong + "=1");
    }
    for (std::string item : {std::string(k.key), std::string(k.key) + "="}) EXPECT_TRUE(names_what_is_wrong(k.parse(with(k, item)), k.key)) << with(k, item);
    std::string twice = fmt::format("{}=1{}{}=2", k.key, k.parse == as_meter ? ' ' : ',', k.key);
    EXPECT_TRUE(names_what_is_wrong(k.parse(with(k, twice)), k.key)) << with(k, twice);
    EXPECT_TRUE(names_what_is_wrong(k.parse(with(k, fmt::format("{}(1)zzz", k.key))), "zzz")) << k.key;
    if (!k.required) continue;
    EXPECT_FALSE(k.parse(with(k, ""))) << with(k, "");
  }
}

/// Words that stand alone.
struct Flag {
  Parse parse;
  std::string_view text, word;
};
constexpr Flag kFlags[] = {
    {as_flow, "{}", "send_flow_rem"}, {as_flow, "{}", "check_overlap"}, {as_flow, "{}", "reset_counts"}, {as_flow, "{}", "no_packet_counts"}, {as_flow, "{}", "no_byte_counts"},
    {as_flow, "{}", "allow_hidden_fields"}, {as_flow, "{}", "ip"}, {as_flow, "{}", "tcp6"}, {as_flow, "{}", "mplsm"}, {as_meter, "meter=1 {} bands=type=drop rate=1", "kbps"},
    {as_meter, "meter=1 {} bands=type=drop rate=1", "pktps"}, {as_meter, "meter=1 kbps {} bands=type=drop rate=1 burst_size=2", "burst"}, {as_meter, "meter=1 kbps {} bands=type=drop rate=1", "stats"},
    {as_monitor, "{}", "!initial"}, {as_monitor, "{}", "!add"}, {as_monitor, "{}", "!delete"}, {as_monitor, "{}", "!modify"}, {as_monitor, "{}", "!actions"}, {as_monitor, "{}", "!own"},
};
TEST(KeyText, FlagsHaveNoValuesAndAreSpeltRight) {
  std::mt19937_64 random(12);
  for (const Flag& f : kFlags) {
    auto parse = [&](std::string_view item) {
      std::string s(f.text);
      return f.parse(s.replace(s.find("{}"), 2, item));
    };
    EXPECT_TRUE(parse(f.word)) << f.word;
    EXPECT_TRUE(names_what_is_wrong(parse(fmt::format("{}=1", f.word)), f.word));
    for (unsigned i = 0; i < 4; i++) {
      std::string wrong = misspelt(f.word, random);
      EXPECT_TRUE(wrong == "ip" || names_what_is_wrong(parse(wrong), wrong)) << wrong;
    }
  }
}

struct Word {
  Parse parse;
  std::string_view text;
  std::string_view words;   // "a|b"
};
constexpr Word kWords[] = {
    {as_group, "group_id=1,type={},bucket=weight:1,output:1", "select"}, {as_group, "group_id=1,type={}", "all|select|indirect|ff|fast_failover"}, {as_insertion, "group_id=1,command_bucket_id={},bucket=output:1", "first|last"},
    {as_meter, "meter=1 kbps bands=type={} rate=1", "drop|dscp_remark"}, {as_meter, "meter={} kbps bands=type=drop rate=1", "controller|slowpath"}, {as_delete, "out_group={}", "any"},
    {as_delete, "out_port={}", "LOCAL|CONTROLLER|ANY|none"},
};
TEST(KeyText, WordsAreThoseOfTheirList) {
  std::mt19937_64 random(13);
  for (const Word& w : kWords)
    for (size_t at = 0; at < w.words.size();) {
      size_t end = std::min(w.words.find('|', at), w.words.size());
      std::string_view word = w.words.substr(at, end - at);
      auto parse = [&](std::string_view value) {
        std::string s(w.text);
        return w.parse(s.replace(s.find("{}"), 2, value));
      };
      EXPECT_TRUE(parse(word)) << word;
      std::string wrong = misspelt(word, random);
      EXPECT_TRUE(names_what_is_wrong(parse(wrong), wrong)) << w.text;
      at = end + 1;
    }
}

// --- What is accepted goes whole through each version that has it, and is refused by the others ---

TEST(KeyText, FlowsReadBack) {
  std::mt19937_64 random(14);
  auto number = [&](uint64_t most) { return random() % 4 == 0 ? most : random() % (most + 1); };
  constexpr struct { FlowModCommand command; std::string_view keys; } kCommands[] = {
      {FlowModCommand::kAdd, "priority idle_timeout hard_timeout cookie table importance send_flow_rem check_overlap reset_counts no_packet_counts no_byte_counts"},
      {FlowModCommand::kModify, "priority idle_timeout hard_timeout cookie cookie/ table send_flow_rem reset_counts"}, {FlowModCommand::kModifyStrict, "priority idle_timeout cookie/ table"},
      {FlowModCommand::kDelete, "cookie/ table out_port out_group"}, {FlowModCommand::kDeleteStrict, "priority cookie/ table out_port out_group"}};
  for (const auto& [command, keys] : kCommands)
    for (unsigned i = 0; i < 200; i++) {
      std::string text = "in_port=3";
      for (std::string_view rest = keys; !rest.empty();) {
        size_t end = std::min(rest.find(' '), rest.size());
        std::string_view key = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (random() % 2) continue;
        if (key == "cookie") text += fmt::format(",cookie=0x{:x}", number(UINT64_MAX - 1));
        else if (key == "cookie/") text += fmt::format(",cookie=0x{:x}/0x{:x}", number(k64 - 1), number(k64 - 1) | 1);
        else if (key == "table") text += fmt::format(",table={}", number(254));
        else if (key == "out_port") text += fmt::format(",out_port={}", number(65279));
        else if (key == "out_group") text += fmt::format(",out_group={}", number(OFPG_MAX));
        else if (key.find("timeout") != key.npos || key == "priority" || key == "importance") text += fmt::format(",{}={}", key, number(k16));
        else text += fmt::format(",{}", key);
      }
      bool deletes = command == FlowModCommand::kDelete || command == FlowModCommand::kDeleteStrict;
      if (!deletes) text += ",actions=output:1";
      auto p = parse_flow(text, command);
      ASSERT_TRUE(p) << text << ": " << p.error();
      // (A new cookie of a modification is left out by versions that have none, for --compat=ovs.)
      bool new_cookie = text.find("cookie=") != text.npos && !deletes && command != FlowModCommand::kAdd;
      if (!new_cookie || p->usable == kAllProtocols) {
        EXPECT_EQ(lost_on_the_wire(*p, text, nullptr), "");
      }
    }
}

/// In each version the message is refused, or read back to one that is written the same and says the same.
void expect_whole(MessageType type, MessageType type10, ProtocolSet usable, const Body& body, const std::string& text) {
  std::string said;
  for (Version v : kVersions) {
    Message m{.type = v == Version::k10 ? type10 : type, .version = v, .xid = 1, .body = body};
    Bytes wire, again;
    bool sent = encode(m, wire).has_value();
    EXPECT_TRUE(sent || !(usable & version_protocols(v))) << version_name(v) << " " << text;
    if (!sent || !(usable & version_protocols(v))) continue;
    auto back = decode(wire);
    ASSERT_TRUE(back) << version_name(v) << " " << text << ": " << error_name(back.error());
    ASSERT_TRUE(encode(*back, again)) << text;
    EXPECT_EQ(wire, again) << text;
    std::string shown = format(*back, {});
    shown = shown.substr(std::min(shown.find("ADD"), shown.size()));
    for (size_t at; (at = shown.find("bucket_id:")) != shown.npos;) shown.erase(at, shown.find(',', at) + 1 - at);   // numbers of their own
    if (said.empty()) said = shown;
    EXPECT_EQ(said, shown) << version_name(v) << " " << text;
  }
}

TEST(KeyText, GroupsReadBack) {
  std::mt19937_64 random(15);
  for (unsigned i = 0; i < 200; i++) {
    std::string type = std::array{"all", "select", "indirect", "ff"}[i % 4];
    std::string text = fmt::format("group_id={},type={}", random() % (uint64_t{OFPG_MAX} + 1), type);
    size_t buckets = type == "indirect" ? 1 : random() % 4;
    for (size_t b = 0; b < buckets; b++) {
      text += ",bucket=";
      if (type == "select" && random() % 2) text += fmt::format("weight:{},", random() % 65536);
      if (type == "ff" || (type == "select" && random() % 4 == 0)) text += fmt::format("watch_port:{},", random() % 65280);
      if (type == "ff" && random() % 2) text += fmt::format("watch_group:{},", random() % (uint64_t{OFPG_MAX} + 1));
      text += fmt::format("output:{}", random() % 65280);
    }
    auto p = parse_group(text, GroupCommand::kAdd);
    ASSERT_TRUE(p) << text << ": " << p.error();
    expect_whole(MessageType::OFPT_GROUP_MOD, MessageType::NXT_GROUP_MOD, p->usable, p->mod, text);
  }
}

TEST(KeyText, MetersReadBack) {
  std::mt19937_64 random(16);
  for (unsigned i = 0; i < 200; i++) {
    bool burst = random() % 2;
    std::string text = fmt::format("meter={} {}{}{} bands=", 1 + random() % 0xffff0000, random() % 2 ? "kbps" : "pktps", burst ? " burst" : "", random() % 2 ? " stats" : "");
    for (size_t b = 0; b <= random() % 3; b++) {
      bool remark = random() % 2;
      text += fmt::format("{}type={} rate={}", b ? " " : "", remark ? "dscp_remark" : "drop", random() & k32);
      if (burst) text += fmt::format(" burst_size={}", random() & k32);
      if (remark) text += fmt::format(" prec_level={}", random() & k8);
    }
    auto p = parse_meter(text, MeterCommand::kAdd);
    ASSERT_TRUE(p) << text << ": " << p.error();
    expect_whole(MessageType::OFPT_METER_MOD, MessageType::OFPT_METER_MOD, kMeterProtocols, *p, text);
  }
}

/// Each field may be one that a group's hash looks at.
TEST(KeyText, FieldsOfGroupsReadBack) {
  TlvTable tlv(true);
  for (const Field& f : all_fields()) {
    if (is_tun_metadata(f.id)) continue;
    std::string text = fmt::format("group_id=1,type=select,selection_method=hash,fields({}),bucket=output:1", f.name);
    auto p = parse_group(text, GroupCommand::kAdd);
    if (!wire_id_of(f.id, Version::k15)) {
      EXPECT_TRUE(names_what_is_wrong(p, f.name)) << text;
      continue;
    }
    ASSERT_TRUE(p) << text << ": " << p.error();
    expect_whole(MessageType::OFPT_GROUP_MOD, MessageType::NXT_GROUP_MOD, p->usable, p->mod, text);
  }
}

/// A group's selection method and buckets' ids belong to 1.5 and Nicira's messages.
TEST(KeyText, WhatAVersionOfGroupsLacksIsRefused) {
  for (std::string_view text : {"group_id=1,type=select,selection_method=dp_hash,bucket=output:1", "group_id=1,type=select,selection_method=hash,selection_method_param=5,fields(ip_dst),bucket=output:1"}) {
    auto p = parse_group(text, GroupCommand::kAdd);
    ASSERT_TRUE(p) << p.error();
    for (Version v : {Version::k11, Version::k12, Version::k13, Version::k14}) {
      Bytes wire;
      EXPECT_FALSE(p->usable & version_protocols(v)) << text;
      EXPECT_FALSE(encode({.type = MessageType::OFPT_GROUP_MOD, .version = v, .xid = 1, .body = p->mod}, wire)) << version_name(v) << " " << text;
    }
  }
}

}  // namespace
}  // namespace sluice::ofp
