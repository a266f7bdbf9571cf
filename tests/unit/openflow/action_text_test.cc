// SPDX-License-Identifier: Apache-2.0
// Every word of actions and instructions, with each of its arguments: legal values read back, in text and from the bytes of each version that can have them;
// what is out of range, misspelt, missing, said twice or left over is an error that names it.
//
// Forms are texts with places for arguments: <LO-HI> a number, <port>, <mac>, <ip>, <table>, <hex>, <one|of|these>, <src:N> and <dst:N> a field of N bits to
// read or write.  An argument "!key=..." may not be left out.  From one form come all cases of it.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "ofproto/openflow/action_io.h"
#include "ofproto/openflow/action_parse.h"
#include "tests/unit/openflow/action_texts.h"
#include "tests/unit/openflow/flow_losses.h"
#include "tests/unit/openflow/refusals.h"

namespace sluice::ofp {
namespace {

struct Form {
  std::string_view match, text;
};
constexpr Form kForms[] = {
    {"", "output:<port>"}, {"", "output:<src:0>"}, {"", "output(!port=<port>,!max_len=<14-4294967295>)"},
    {"", "controller:<0-65535>"}, {"", "controller(reason=<no_match|action|invalid_ttl|action_set|group|packet_out>,max_len=<0-65535>,id=<0-65535>,userdata=<hex>,pause,meter_id=<0-4294967295>)"},
    {"", "enqueue:<port>:<0-4294967295>"}, {"", "group:<0-4294967040>"}, {"", "set_queue:<0-4294967295>"}, {"", "pop_queue"},
    {"", "bundle(<eth_src|symmetric_l4|symmetric_l3l4|symmetric_l3l4+udp|nw_src|nw_dst|symmetric_l3>,<0-65535>,<active_backup|hrw>,ofport,members:<port>,<port>)"},
    {"", "bundle_load(<eth_src|nw_dst>,<0-65535>,<active_backup|hrw>,ofport,<dst:16>,members:<port>)"},
    {"", "mod_vlan_vid:<0-4095>"}, {"", "mod_vlan_pcp:<0-7>"}, {"dl_vlan=1", "set_vlan_vid:<0-4095>"}, {"dl_vlan=1", "set_vlan_pcp:<0-7>"}, {"dl_vlan=1", "strip_vlan"}, {"dl_vlan=1", "pop_vlan"},
    {"", "push_vlan:<0x8100|0x88a8>"}, {"", "push_mpls:<0x8847|0x8848>"}, {"mpls", "pop_mpls:<0-65535>"}, {"", "push_pbb:<0x88e7>"}, {"dl_type=0x88e7", "pop_pbb"},
    {"", "copy_ttl_out"}, {"", "copy_ttl_in"}, {"mpls", "set_mpls_label:<0-1048575>"}, {"mpls", "set_mpls_tc:<0-7>"}, {"mpls", "set_mpls_ttl:<0-255>"}, {"mpls", "dec_mpls_ttl"},
    {"ip", "dec_ttl"}, {"ip", "dec_ttl(<0-65535>,<0-65535>)"}, {"dl_type=0x894f", "dec_nsh_ttl"}, {"", "mod_dl_src:<mac>"}, {"", "mod_dl_dst:<mac>"}, {"ip", "mod_nw_src:<ip>"}, {"ip", "mod_nw_dst:<ip>"},
    {"ip", "mod_nw_tos:<0|4|252>"}, {"ip", "mod_nw_ecn:<0-3>"}, {"ip", "mod_nw_ttl:<0-255>"}, {"tcp", "mod_tp_src:<0-65535>"}, {"udp", "mod_tp_dst:<0-65535>"}, {"sctp", "mod_tp_dst:<0-65535>"},
    {"", "set_tunnel:<0-18446744073709551615>"}, {"", "set_tunnel64:<0-18446744073709551615>"}, {"", "set_field:<0-4294967295>->reg3"}, {"", "load:<0-255>->reg3[8..15]"},
    {"", "move:<src:16>-><dst:16>"}, {"", "push:<src:0>"}, {"", "pop:<dst:0>"}, {"", "delete_field:tun_metadata1"},
    {"", "resubmit:<port>"}, {"", "resubmit(<port>,<table>)"}, {"ip,ct_state=+trk-inv", "resubmit(<port>,<table>,ct)"}, {"", "clone(output:<port>,set_queue:<0-4294967295>)"}, {"", "exit"}, {"", "note:<hex>"},
    {"", "conjunction(<0-4294967295>,<1-2>/2)"}, {"", "conjunction(1,1/<2-64>)"},
    {"", "multipath(<eth_src|symmetric_l4|symmetric_l3>,<0-65535>,<modulo_n|hash_threshold|hrw|iter_hash>,<1-65536>,<0-4294967295>,<dst:16>)"}, {"tcp", "fin_timeout(idle_timeout=<0-65535>,hard_timeout=<0-65535>)"},
    {"", "learn(table=<table>,idle_timeout=<0-65535>,hard_timeout=<0-65535>,priority=<0-65535>,fin_idle_timeout=<0-65535>,fin_hard_timeout=<0-65535>,cookie=<0-18446744073709551615>,send_flow_rem,"
         "delete_learned,limit=<0-4294967295>,result_dst=<dst:1>,in_port=<port>,eth_dst=eth_src,load:<src:16>-><dst:16>,output:<src:0>)"},
    {"", "sample(!probability=<1-65535>,collector_set_id=<0-4294967295>,obs_domain_id=<0-4294967295>,obs_point_id=<0-4294967295>,sampling_port=<port>,ingress)"},
    {"", "sample(!probability=<1-65535>,obs_domain_id=<src:32>,obs_point_id=<src:32>,egress)"}, {"", "check_pkt_larger(<0-65535>)-><dst:1>"},
    {"ip", "ct(commit,force,table=<table>,zone=<0-65535>)"}, {"ip", "ct(zone=<src:16>,nat)"}, {"tcp", "ct(commit,alg=<ftp>)"}, {"udp", "ct(commit,alg=<tftp>)"}, {"ip", "ct(commit,exec(set_field:<0-4294967295>->ct_mark,move:<src:16>->ct_label[3..18]))"},
    {"ip", "ct(commit,nat(src=<ip>:<0-65535>,persistent,random))"}, {"ip", "ct(commit,nat(dst=<ip>,hash))"}, {"ip", "ct_clear"},
    {"", "encap(ethernet)"}, {"", "encap(nsh(md_type=<1|2>,tlv(<0-65535>,<0-255>,0x<hex>)))"}, {"", "encap(mpls)"}, {"", "decap()"}, {"", "decap(packet_type(!ns=<0-65535>,!type=<0-65535>))"},
    {"", "debug_recirc"}, {"", "debug_slow"}, {"", "meter:<1-4294901760>"}, {"", "clear_actions"}, {"", "write_actions(output:<port>,group:<0-4294967040>)"}, {"", "write_metadata:<0-18446744073709551615>"},
    {"", "write_metadata:<0-18446744073709551615>/0xffffffff"}, {"", "goto_table:<table>"},
};

/// Arguments of these may be left out.
constexpr std::string_view kMayBeEmpty[] = {"controller", "note", "resubmit", "dec_ttl", "bundle_load", "ct"};

/// A part of a form: literal text, or the place of an argument.
struct Part {
  bool is_place;
  std::string text;
};
std::vector<Part> parts_of(std::string_view form) {
  std::vector<Part> out;
  for (size_t i = 0; i < form.size();) {
    bool place = form[i] == '<';
    size_t end = place ? form.find('>', i) : std::min(form.find('<', i), form.size());
    out.push_back({place, std::string(form.substr(i + place, end - i - place))});
    i = end + place;
  }
  return out;
}

struct Range {
  uint64_t low, high;
};
std::optional<Range> range_of(std::string_view place) {
  size_t dash = place.find('-');
  if (dash == place.npos) return std::nullopt;
  auto low = parse_number(place.substr(0, dash)), high = parse_number(place.substr(dash + 1));
  return low && high ? std::optional(Range{*low, *high}) : std::nullopt;
}
std::vector<std::string> words_of(std::string_view place) {
  std::vector<std::string> out(1);
  for (char c : place)
    if (c == '|') out.emplace_back();
    else out.back() += c;
  return out;
}

class EveryWord : public testing::TestWithParam<Form> {
 protected:
  EveryWord() {
    for (unsigned i = 0; i < 4; i++) EXPECT_TRUE(tlv_.add(1, static_cast<uint8_t>(i), 8, i));
  }
  TlvTable tlv_;
  TextNames names_{nullptr, nullptr, &tlv_};
  std::mt19937_64 random_{std::hash<std::string_view>()(GetParam().text)};
  std::vector<Part> parts_ = parts_of(GetParam().text);

  static std::string subfield(std::string_view bits, unsigned pick) {
    if (bits == "1") return pick % 2 ? "NXM_NX_REG0[31]" : "NXOXM_ET_REG31[0]";
    if (bits == "16") return pick % 3 ? pick % 3 == 1 ? "NXM_NX_REG1[16..31]" : "NXM_NX_XXREG1[60..75]" : "NXM_NX_REG2[0..15]";
    if (bits == "32") return pick % 2 ? "NXM_NX_REG3[]" : "NXM_NX_XXREG2[3..34]";
    return pick % 3 ? pick % 3 == 1 ? "NXM_NX_REG4[5..9]" : "NXM_OF_ETH_SRC[0..15]" : "NXM_NX_REG5[]";
  }
  /// round 0: the least, 1: the most, else at random.
  std::string legal(std::string_view place, unsigned round) {
    if (auto r = range_of(place)) {
      uint64_t span = r->high - r->low, n = round == 0 ? r->low : round == 1 ? r->high : span == UINT64_MAX ? random_() : r->low + random_() % (span + 1);
      return random_() % 2 ? fmt::format("{}", n) : fmt::format("0x{:x}", n);
    }
    if (place == "port") return std::array<std::string, 4>{"1", "65279", "LOCAL", "7"}[round % 4];
    if (place == "mac") return round ? fmt::format("02:00:{:02x}:ff:00:{:02x}", random_() % 256, random_() % 256) : "ff:ff:ff:ff:ff:ff";
    if (place == "ip") return round ? fmt::format("10.{}.255.{}", random_() % 256, random_() % 256) : "255.255.255.255";
    if (place == "table") return std::array<std::string, 3>{"0", "254", "77"}[round % 3];
    if (place == "hex") return round ? fmt::format("{:012x}", random_() & 0xffffffffffff) : "00ff00000001";
    if (place.starts_with("src:") || place.starts_with("dst:")) return subfield(place.substr(4), round + (place[0] == 'd'));
    auto words = words_of(place);
    return words[round % words.size()];
  }
  /// Values that the place can't have.
  std::vector<std::string> illegal(std::string_view place) {
    if (auto r = range_of(place)) {
      std::vector<std::string> out{"9x", "-1", "nosuch", "1.5"};
      if (r->low) out.push_back(fmt::format("{}", r->low - 1));
      out.push_back(r->high == UINT64_MAX ? "18446744073709551616" : fmt::format("{}", r->high + 1));
      return out;
    }
    if (place == "port") return {"nosuch", "70000", "4294967296", "5x"};
    if (place == "mac") return {"1:2:3", "02:00:00:00:00:zz", "nosuch"};
    if (place == "ip") return {"10.0.0.256", "10.0.0", "nosuch"};
    if (place == "table") return {"256", "nosuch", "1x"};
    if (place == "hex") return {"0g", "123"};
    if (place.starts_with("src:") || place.starts_with("dst:")) return {"nosuch[]", "NXM_NX_REG0[32]", "NXM_NX_REG0[5..3]", "NXM_NX_REG0[", "NXM_NX_REG0[]x"};
    return {"nosuch", "77777"};
  }
  std::string fill(unsigned round, size_t changed = SIZE_MAX, const std::string& to = {}) {
    std::string s;
    for (size_t i = 0; i < parts_.size(); i++) s += i == changed ? to : parts_[i].is_place ? legal(parts_[i].text, round) : parts_[i].text;
    std::erase(s, '!');
    return s;
  }
  std::string flow(const std::string& actions) const {
    std::string_view m = GetParam().match;
    return fmt::format("{}{}actions={}", m, m.empty() ? "" : ",", actions);
  }
  auto parse(const std::string& actions) { return parse_flow(flow(actions), FlowModCommand::kAdd, names_); }
  void expect_refused(const std::string& actions, std::string_view token) { EXPECT_TRUE(names_what_is_wrong(parse(actions), token)) << actions; }
  std::string_view word() const { return GetParam().text.substr(0, GetParam().text.find_first_of(":(")); }
};

TEST_P(EveryWord, LegalArgumentsReadBack) {
  for (unsigned round = 0; round < 12; round++) {
    std::string text = fill(round);
    auto p = parse(text);
    ASSERT_TRUE(p) << text << ": " << p.error();
    EXPECT_EQ(lost_in_text(p->flow, names_), "");
    EXPECT_EQ(lost_on_the_wire(*p, flow(text), &tlv_), "");
  }
}

TEST_P(EveryWord, IllegalArgumentsAreNamed) {
  for (size_t i = 0; i < parts_.size(); i++) {
    if (!parts_[i].is_place) continue;
    for (const std::string& bad : illegal(parts_[i].text)) expect_refused(fill(2, i, bad), bad.substr(bad[0] == '-'));
    if (auto r = range_of(parts_[i].text)) {
      std::string beyond = r->high == UINT64_MAX ? "18446744073709551616" : fmt::format("{}", r->high + 1);
      expect_refused(fill(2, i, beyond), beyond);
    }
    bool optional = std::ranges::count(kMayBeEmpty, word());
    if (!optional) {
      EXPECT_FALSE(parse(fill(2, i, ""))) << fill(2, i, "");
    }
  }
}

/// Each word of the form with one letter wrong: the action's name, keys, flags.
TEST_P(EveryWord, MisspeltWordsAreNamed) {
  for (size_t i = 0; i < parts_.size(); i++) {
    if (parts_[i].is_place) continue;
    const std::string& literal = parts_[i].text;
    for (size_t at = 0; at < literal.size();) {
      size_t end = at;
      while (end < literal.size() && (std::isalpha(static_cast<unsigned char>(literal[end])) || literal[end] == '_')) end++;
      if (end - at >= 2) {
        std::string wrong = misspelt(literal.substr(at, end - at), random_);
        std::string text = literal;
        text.replace(at, end - at, wrong);
        bool another = std::ranges::count(action_words(), wrong) || field_by_name(wrong);
        if (!another) expect_refused(fill(2, i, text), wrong);
      }
      at = end + 1;
    }
  }
}

/// "key=VALUE" in a list: not twice with two values, and not without it where it is needed.
TEST_P(EveryWord, KeysAreSaidOnce) {
  for (size_t i = 1; i < parts_.size(); i++) {
    const std::string& before = parts_[i - 1].text;
    if (!parts_[i].is_place || !before.ends_with('=')) continue;
    size_t begin = before.find_last_of(",(") + 1;
    bool needed = before[begin] == '!';
    std::string key = before.substr(begin + needed, before.size() - 1 - begin - needed);
    if (field_by_name(key)) continue;   // learn matches on fields, parts of them too
    std::string value = legal(parts_[i].text, 0), other = legal(parts_[i].text, 1);
    if (value != other) expect_refused(fill(2, i, fmt::format("{},{}={}", value, key, other)), key);
    if (!needed) continue;
    std::vector<Part> all = parts_;
    parts_[i - 1].text.resize(begin);
    parts_[i] = {false, ""};
    expect_refused(fill(2), key == "ns" || key == "type" || key == "max_len" || key == "probability" ? key : word());
    parts_ = all;
  }
}

/// A word that stands alone in a list has no value.
TEST_P(EveryWord, FlagsHaveNoValues) {
  for (std::string_view flag : {"pause", "send_flow_rem", "delete_learned", "ingress", "egress", "commit", "force", "persistent", "random", "hash"}) {
    std::string text = fill(2);
    size_t at = text.find(flag), end = at + flag.size();
    if (at == text.npos || !std::strchr(",(", text[at - 1]) || !std::strchr(",)", text[end])) continue;
    expect_refused(text.insert(end, "=1"), flag);
  }
}

TEST_P(EveryWord, WhatIsLeftOverIsNamed) {
  std::string text = fill(2);
  if (text.ends_with(')')) {
    expect_refused(text + "zzz", "zzz");
    expect_refused(text.substr(0, text.size() - 1) + ",zzz)", "zzz");
  } else if (text.find(':') == text.npos) {
    expect_refused(text + ":zzz", "zzz");
    expect_refused(text + "(zzz)", "zzz");
  } else {
    expect_refused(text + "zzz", "zzz");
    expect_refused(text + ":zzz", "zzz");
  }
}

TEST_P(EveryWord, WithoutItsArgumentItIsNamed) {
  bool needs = GetParam().text.find(':') == word().size();
  if (!needs || word() == "controller" || word() == "output" || word() == "note") return;
  std::string w(word());
  expect_refused(w + ":", w);
  expect_refused(w, w);
}

INSTANTIATE_TEST_SUITE_P(Forms, EveryWord, testing::ValuesIn(kForms), [](const auto& info) {
  std::string name = std::to_string(info.index);
  for (char c : info.param.text.substr(0, 16)) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

// --- The forms are those of the product's tables ---

TEST(ActionText, EveryWordHasAForm) {
  std::set<std::string_view> words;
  for (const Form& f : kForms) words.insert(f.text.substr(0, f.text.find_first_of(":(")));
  words.insert("apply_actions");  // is an error by itself
  words.insert("nat");            // inside of ct only
  for (std::string_view w : action_words()) EXPECT_TRUE(words.contains(w)) << w;
}


/// Encodings that only come from the wire, and go out again as they came.
constexpr std::string_view kFromWireOnly[] = {"NXAST_RESUBMIT", "ONFACT_COPY_FIELD"};

TEST(ActionText, EveryEncodingIsWritten) {
  std::set<const WireRow*> written;
  auto write = [&](const Action& a) {
    for (Version v : kVersions) {
      Actions lowered;
      if (!lower_action(a, v, lowered)) continue;
      for (const Action& l : lowered)
        if (const WireRow* row = row_to_write(l, v)) written.insert(row);
    }
  };
  for (std::string_view text : kActionTexts) {
    auto p = parse_flow(text, FlowModCommand::kAdd, {.tlv = nullptr});
    if (p) for_each_action(p->flow.actions, write);
  }
  for (const WireRow& row : action_rows()) EXPECT_TRUE(written.contains(&row) || std::ranges::count(kFromWireOnly, row.name)) << row.name << " of " << version_name(row.first);
}

}  // namespace
}  // namespace sluice::ofp
