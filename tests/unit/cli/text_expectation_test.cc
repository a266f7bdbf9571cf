// SPDX-License-Identifier: Apache-2.0
#include "utilities/sluice/text_expectation.h"

#include <gtest/gtest.h>

#include "utilities/sluice/accept.h"
#include "utilities/sluice/junit.h"

namespace sluice::cli {
namespace {

TextExpectation want(std::initializer_list<const char*> lines) {
  TextExpectation e{.wanted = true, .lines = {}};
  for (const char* l : lines) e.lines.push_back(*parse_line_pattern(l));
  return e;
}

TEST(TextExpectation, Matches) {
  EXPECT_TRUE(matches({}, "anything\n"));
  EXPECT_TRUE(matches(want({}), ""));
  EXPECT_FALSE(matches(want({}), "x\n"));
  EXPECT_TRUE(matches(want({" a", " b"}), "a\nb  \n"));
  EXPECT_TRUE(matches(want({" a", " b"}), "a\nb"));
  EXPECT_FALSE(matches(want({" a"}), "a\nb\n"));
  EXPECT_TRUE(matches(want({"~ a\\d+", " b"}), "a12\nb\n"));
  EXPECT_FALSE(matches(want({"~ a\\d"}), "a12\n"));
  EXPECT_TRUE(matches(want({" ..."}), ""));
  EXPECT_TRUE(matches(want({" a", " ...", " z"}), "a\nb\nz\nc\nz\n"));
  EXPECT_FALSE(matches(want({" a", " ...", " z"}), "a\nb\nz\nc\n"));
  EXPECT_TRUE(matches(want({""}), "\n"));
}

TEST(TextExpectation, Diff) {
  EXPECT_EQ(diff(want({" a", " b", " c"}), "a\nx\nc\n"), " a\n-b\n+x\n c\n");
  EXPECT_EQ(diff(want({" a", "~ \\d", " ..."}), "a\n5\nmore\n"), " a\n 5\n more\n");
  EXPECT_EQ(diff(want({"~ \\d"}), ""), "-~ \\d\n");
  EXPECT_EQ(diff(want({}), "x\n"), "+x\n");
}

TEST(Accept, ReplacesWhatWasExpected) {
  std::string text = "$ a\n| old\n| older\n? 1\n# c\n$ b \\\n  more\n|-\n$ c\n";
  EXPECT_EQ(accept_outputs(text, {{1, "new\n\n x\n", ""}, {6, "z\n", "err\n"}, {9, "not asked\n", ""}}),
            "$ a\n| new\n|\n|  x\n? 1\n# c\n$ b \\\n  more\n| z\n$ c\n");
}

TEST(Junit, Escapes) {
  std::string xml = format_junit({{"a/b.test", "A <b> & \"c\"", false, ""}, {"d.test", "", true, "d.test:3: bad\x01\nmore\n"}});
  EXPECT_NE(xml.find("tests=\"2\" failures=\"1\""), xml.npos);
  EXPECT_NE(xml.find("classname=\"a.b\" name=\"A &lt;b&gt; &amp; &quot;c&quot;\""), xml.npos);
  EXPECT_NE(xml.find("message=\"d.test:3: bad?\""), xml.npos);
}

}  // namespace
}  // namespace sluice::cli
