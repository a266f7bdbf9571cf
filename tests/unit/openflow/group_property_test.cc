// SPDX-License-Identifier: Apache-2.0
// Groups, meters and ct-flush: what is out of range, unknown or out of place is refused by a text that names it; what is accepted reads back equal,
// from text and from the bytes of each version that can say it.
#include <gtest/gtest.h>

#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/message_text.h"

namespace sluice::ofp {
namespace {

struct Refused {
  std::string_view text, names;  // the token, or the rule, that the error must name
};

constexpr Refused kGroups[] = {
    {"type=all", "group_id"},
    {"group_id=1", "type"},
    {"group_id=x,type=all", "x"},
    {"group_id=4294967041,type=all", "4294967041"},
    {"group_id=5000000000,type=all", "5000000000"},
    {"group_id=1,type=foo", "foo"},
    {"group_id=1,type=all,foo=1", "foo"},
    {"group_id=1,type=all,bucket=foo", "foo"},
    {"group_id=1,type=select,bucket=weight:70000,output:1", "70000"},
    {"group_id=1,type=select,bucket=weight:-1,output:1", "-1"},
    {"group_id=1,type=all,bucket=weight:5,output:1", "weight"},
    {"group_id=1,type=ff,bucket=output:1", "watch_port"},
    {"group_id=1,type=ff,bucket=watch_port:foo,output:1", "foo"},
    {"group_id=1,type=ff,bucket=watch_group:x,output:1", "x"},
    {"group_id=1,type=all,bucket=bucket_id:5000000000,output:1", "5000000000"},
    {"group_id=1,type=all,bucket=bucket_id:4294967295,output:1", "4294967295"},
    {"group_id=1,type=indirect,bucket=output:1,bucket=output:2", "one bucket"},
    {"group_id=1,type=select,selection_method=waytoolongmethod,bucket=output:1", "15"},
    {std::string_view("group_id=1,type=select,selection_method=hash\0x,bucket=output:1", 62), "zero byte"},
    {"group_id=1,type=select,selection_method=hash,fields(foo),bucket=output:1", "foo"},
    {"group_id=1,type=select,selection_method=hash,selection_method_param=x,bucket=output:1", "x"},
    {"group_id=1,type=select,selection_method_param=1,bucket=output:1", "selection_method_param is only allowed"},
    {"group_id=1,type=select,fields(ip_dst),bucket=output:1", "selection_method=hash"},
    {"group_id=1,type=all,selection_method=hash,bucket=output:1", "select"},
    {"group_id=1,type=all,command_bucket_id=5,bucket=output:1", "command bucket id"},
    {"group_id=1,type=all,bucket=output:1,goto_table:3", "goto_table"},
    {"group_id=1,type=all,bucket=set_field:70000->tcp_dst", "70000"},
};

constexpr Refused kMeters[] = {
    {"kbps bands=type=drop rate=1", "meter"},          {"meter=x kbps bands=type=drop rate=1", "x"},      {"meter=0 kbps bands=type=drop rate=1", "0"},
    {"meter=4294967295 pktps", "4294967295"},              {"meter=5000000000 kbps bands=type=drop rate=1", "5000000000"},
    {"meter=1 kbps", "bands"},                         {"meter=1 kbps bands=type=foo rate=1", "foo"},     {"meter=1 kbps bands=rate=1", "type"},
    {"meter=1 kbps bands=type=drop", "rate"},          {"meter=1 kbps bands=type=drop rate=x", "x"},      {"meter=1 kbps bands=type=drop rate=5000000000", "5000000000"},
    {"meter=1 kbps burst bands=type=drop rate=1 burst_size=y", "y"},                                      {"meter=1 foo bands=type=drop rate=1", "foo"},
    {"meter=1 kbps bands=type=dscp_remark rate=1 prec_level=300", "300"},                                 {"meter=1 kbps bands=type=drop rate=1 foo=2", "foo"},
};

TEST(GroupProperty, WhatIsWrongIsNamed) {
  for (const Refused& r : kGroups) {
    auto parsed = parse_group(r.text, GroupCommand::kAdd);
    ASSERT_FALSE(parsed) << r.text;
    EXPECT_NE(parsed.error().find(r.names), std::string::npos) << r.text << ": " << parsed.error();
  }
}

TEST(MeterProperty, WhatIsWrongIsNamed) {
  for (const Refused& r : kMeters) {
    auto parsed = parse_meter(r.text, MeterCommand::kAdd);
    ASSERT_FALSE(parsed) << r.text;
    EXPECT_NE(parsed.error().find(r.names), std::string::npos) << r.text << ": " << parsed.error();
  }
}

constexpr Version kVersions[] = {Version::k10, Version::k11, Version::k12, Version::k13, Version::k14, Version::k15};

/// The text behind "ADD " in what ofp-print shows of the message.
std::string shown(const Message& m) {
  std::string text = format(m, {});
  size_t at = text.find("ADD ");
  return at == std::string::npos ? text : text.substr(at + 4, text.find_last_not_of(" \n") - at - 3);
}

/// decode(encode(m)) encodes to the same bytes.
void expect_reads_back(const Message& m, std::string_view text) {
  Bytes wire;
  ASSERT_TRUE(encode(m, wire)) << version_name(m.version) << " " << text;
  auto back = decode(wire);
  ASSERT_TRUE(back) << version_name(m.version) << " " << text << ": " << error_name(back.error());
  Bytes again;
  ASSERT_TRUE(encode(*back, again)) << text;
  EXPECT_EQ(again, wire) << version_name(m.version) << " " << text;
}

TEST(GroupProperty, BucketsAreRemovedByIdOrAll) {
  auto all = parse_group("group_id=1", GroupCommand::kRemoveBucket), last = parse_group("group_id=1,command_bucket_id=last", GroupCommand::kRemoveBucket);
  ASSERT_TRUE(all) << all.error();
  ASSERT_TRUE(last);
  EXPECT_EQ(all->mod.command_bucket_id, OFPG15_BUCKET_ALL);
  EXPECT_EQ(last->mod.command_bucket_id, OFPG15_BUCKET_LAST);
  EXPECT_FALSE(parse_group("group_id=1,bucket=output:1", GroupCommand::kInsertBucket));
}

TEST(GroupProperty, ACommandMayStandAlone) {
  auto all = parse_group("delete", std::nullopt);
  ASSERT_TRUE(all) << all.error();
  EXPECT_EQ(all->mod.command, GroupCommand::kDelete);
  EXPECT_EQ(all->mod.group_id, OFPG_ALL);
  EXPECT_FALSE(parse_group("remove", std::nullopt));
}

TEST(GroupProperty, WhatIsAcceptedReadsBack) {
  for (std::string_view text : {"group_id=1,type=all", "group_id=4294967040,type=indirect,bucket=output:1", "group_id=0,type=all,bucket=output:1,bucket=set_field:5->reg1,output:2",
                                "group_id=7,type=select,bucket=weight:65535,output:1,bucket=weight:0,output:2", "group_id=7,type=ff,bucket=watch_port:1,output:1,bucket=watch_group:3,group:3",
                                "group_id=7,type=select,selection_method=hash,selection_method_param=18446744073709551615,fields(eth_dst,ip_dst,tcp_dst),bucket=output:1",
                                "group_id=7,type=select,selection_method=hash,fields(ip_dst=255.255.255.0,nw_proto),bucket=output:1",
                                "group_id=7,type=select,selection_method=dp_hash,bucket=bucket_id:4294967039,weight:3,output:1", "group_id=9,type=all,bucket=mod_dl_src:02:00:00:00:00:01,strip_vlan,LOCAL"}) {
    auto parsed = parse_group(text, GroupCommand::kAdd);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error();
    for (Version v : kVersions) {
      if (!(parsed->usable & version_protocols(v))) continue;
      Message m{.type = v == Version::k10 ? MessageType::NXT_GROUP_MOD : MessageType::OFPT_GROUP_MOD, .version = v, .xid = 1, .body = parsed->mod};
      bool expressible = parsed->mod.selection.method.empty() || v == Version::k10 || v == Version::k15;
      Bytes wire;
      if (!expressible && !encode(m, wire)) continue;  // refused, not dropped
      expect_reads_back(m, text);
      auto again = parse_group(shown(*decode(encode(m))), GroupCommand::kAdd);
      ASSERT_TRUE(again) << shown(m) << ": " << again.error();
      EXPECT_EQ(encode(Message{.type = m.type, .version = v, .xid = 1, .body = again->mod}), encode(m)) << version_name(v) << " " << text;
    }
  }
}

TEST(MeterProperty, WhatIsAcceptedReadsBack) {
  for (std::string_view text : {"meter=1 kbps bands=type=drop rate=1", "meter=4294901760 pktps burst stats bands=type=drop rate=4294967295 burst_size=4294967295",
                                "meter=5 kbps stats bands=type=dscp_remark rate=10 prec_level=255 type=drop rate=20", "meter=controller kbps bands=type=drop rate=7"}) {
    auto parsed = parse_meter(text, MeterCommand::kAdd);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error();
    for (Version v : {Version::k13, Version::k14, Version::k15}) {
      Message m{.type = MessageType::OFPT_METER_MOD, .version = v, .xid = 1, .body = *parsed};
      expect_reads_back(m, text);
      std::string said = shown(*decode(encode(m)));
      auto again = parse_meter(said, MeterCommand::kAdd);
      ASSERT_TRUE(again) << said << ": " << again.error();
      EXPECT_EQ(encode(Message{.type = m.type, .version = v, .xid = 1, .body = *again}), encode(m)) << said;
    }
    Bytes out;
    EXPECT_FALSE(encode(Message{.type = MessageType::OFPT_METER_MOD, .version = Version::k12, .xid = 1, .body = *parsed}, out));
  }
}

TEST(CtFlushProperty, L4FieldsNeedTheirProtocol) {
  auto parsed = [](std::vector<std::string> words) {
    auto m = parse_ct_flush(words);
    return m ? "" : m.error();
  };
  for (const char* text : {"ct_nw_proto=1,icmp_type=8,icmp_id=3", "icmp_code=0,ct_nw_proto=58", "ct_tp_src=1,ct_nw_proto=6", "ct_nw_proto=59,ct_tp_dst=1", "ct_nw_src=1.1.1.1"}) {
    auto m = parse_ct_flush(std::vector<std::string>{text});
    ASSERT_TRUE(m) << text << ": " << m.error();
    expect_reads_back({.type = MessageType::NXT_CT_FLUSH, .version = Version::k13, .xid = 1, .body = *m}, text);
  }
  EXPECT_EQ(parsed({"ct_tp_dst=2"}), "Failed to parse ct-tuple: port is set without protocol");
  EXPECT_EQ(parsed({"icmp_id=5"}), "Failed to parse ct-tuple: invalid L4 fields");
  EXPECT_EQ(parsed({"ct_nw_proto=6", "icmp_type=1"}), "Failed to parse ct-tuple: invalid L4 fields");
  EXPECT_EQ(parsed({"ct_nw_proto=1,icmp_type=1", "ct_nw_proto=6"}), "Failed to parse ct-tuple: invalid L4 fields");   // the last one says it of both
}

}  // namespace
}  // namespace sluice::ofp
