// SPDX-License-Identifier: Apache-2.0
// Scenario files: what is read, and that errors name line and token.
#include "utilities/sluice/scenario.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

Scenario good(std::string_view text) {
  auto s = parse_scenario("x.test", text);
  EXPECT_TRUE(s) << (s ? "" : s.error()[0].text);
  return s ? *s : Scenario{};
}

std::string errors(std::string_view text) {
  auto s = parse_scenario("x.test", text);
  if (s) return "none";
  std::string out;
  for (const ScenarioError& e : s.error()) out += std::to_string(e.line) + ": " + e.text + "\n";
  return out;
}

TEST(Scenario, CommandWithOutputErrorsAndStatus) {
  Scenario s = good("# SPDX-License-Identifier: x\n# Title.\n# more\n$ a \\\n  b\n< in\n|  one\n|~ \\d+\n| ...\n! bad\n? 3\n% c\n|-\n");
  EXPECT_EQ(s.title, "Title.");
  ASSERT_EQ(s.steps.size(), 2u);
  const auto& a = std::get<CommandStep>(s.steps[0]);
  EXPECT_EQ(a.line, 4);
  EXPECT_EQ(a.command, "a \\\n  b");
  EXPECT_EQ(a.input, "in\n");
  EXPECT_EQ(a.status, 3);
  EXPECT_EQ(a.out.lines.size(), 3u);
  EXPECT_EQ(a.out.lines[0].text, " one");
  EXPECT_TRUE(a.err.wanted);
  const auto& c = std::get<CommandStep>(s.steps[1]);
  EXPECT_TRUE(c.retry && c.out.wanted && c.out.lines.empty() && !c.err.wanted);
}

TEST(Scenario, Time) {
  auto duration = [](std::string_view text) { return std::get<TimeStep>(good(text).steps[0]).duration; };
  EXPECT_EQ(duration("+301s"), seconds(301));
  EXPECT_EQ(duration("+ 5ms"), milliseconds(5));
  EXPECT_EQ(duration("+1h30m"), seconds(5400));
  EXPECT_EQ(duration("+1d"), seconds(86400));
  for (const char* bad : {"+", "+0s", "+5", "+5x", "+s", "+-5s", "+99999999999999999999s", "+9999999d"}) EXPECT_NE(errors(bad), "none") << bad;
}

TEST(Scenario, Packets) {
  Scenario s = good(
      "p1 < tcp,nw_src=10.0.0.1,tcp_dst=80\n"
      "p2,p3 > same\n"
      "p4 > none\n"
      "p1 < 3 * 0000 0000 0002 0000 0000 0001 88b5 abcd\n"
      "p2 > 3 * 00000000000200000000000188b5abcd\n"
      "p2 > 2 * arp,arp_op=1\n"
      "p2 > exactly dl_vlan=5,udp,udp_dst=53 len 100\n"
      "p2 > pcap a.pcap\n"
      "br-int < pcap dir/b.pcap\n"
      "p1 < eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x1234)\n");
  ASSERT_EQ(s.steps.size(), 10u);
  const auto& tcp = std::get<Frames>(std::get<InputStep>(s.steps[0]).what).frame;
  EXPECT_EQ(tcp[22], 64);  // TTL
  EXPECT_EQ(std::get<OutputStep>(s.steps[1]).ports, (std::vector<std::string>{"p2", "p3"}));
  EXPECT_TRUE(std::holds_alternative<Same>(std::get<OutputStep>(s.steps[1]).what));
  EXPECT_TRUE(std::holds_alternative<Nothing>(std::get<OutputStep>(s.steps[2]).what));
  EXPECT_EQ(std::get<Frames>(std::get<InputStep>(s.steps[3]).what).count, 3u);
  EXPECT_EQ(std::get<Frames>(std::get<OutputStep>(s.steps[4]).what).frame.size(), 16u);
  EXPECT_EQ(std::get<Patterns>(std::get<OutputStep>(s.steps[5]).what).count, 2u);
  EXPECT_EQ(std::get<Frames>(std::get<OutputStep>(s.steps[6]).what).frame.size(), 100u);
  EXPECT_EQ(std::get<CaptureFile>(std::get<OutputStep>(s.steps[7]).what).path, "a.pcap");
  EXPECT_EQ(std::get<InputStep>(s.steps[8]).port, "br-int");
  EXPECT_EQ(std::get<Frames>(std::get<InputStep>(s.steps[9]).what).frame[13], 0x34);
}

TEST(Scenario, AllErrorsAtOnceWithTheirLines) {
  std::string e = errors("| x\n$\nhello\np1 < tcp,foo=1\np1 <\n$ true\n? 256\n|~ (\np1,p2 < arp\np1 < 0102\np1 > arp len 5\n");
  for (const char* part : {"1: expected output", "2: a command is missing", "3: \"hello\": a line begins with", "4: ", "foo", "5: a packet is missing",
                           "7: \"256\"", "8: \"(\" is no regular expression", "9: \"p1,p2\"", "10: ", "11: "})
    EXPECT_NE(e.find(part), e.npos) << part << "\n" << e;
  EXPECT_NE(errors("# nothing\n"), "none");
}

TEST(Scenario, HelpExampleIsOne) {
  std::string help(scenario_help());
  std::string example = help.substr(help.find("Example:") + 8), text;
  for (const std::string& line : split_lines(example)) text += line.size() > 2 ? line.substr(2) + "\n" : "\n";
  EXPECT_EQ(errors(text), "none");
}

}  // namespace
}  // namespace sluice::cli
