// SPDX-License-Identifier: Apache-2.0
// The two readers of transaction records: where the one that goes through the text says yes, it has read what the other reads, whatever the text;
// and it says yes to what is written.
#include "dbserver/engine/transaction_reader.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dbserver/engine/journal.h"
#include "tests/unit/dbserver/random_texts.h"

namespace sluice::ovsdb {
namespace {

constexpr const char* kSchema = R"({"name":"T","tables":{
 "Big":{"isRoot":true,"columns":{"i":{"type":{"key":{"type":"integer","minInteger":-5}}},"r":{"type":{"key":"real","min":0}},"b":{"type":"boolean"},"s":{"type":"string"},
   "e":{"type":{"key":{"type":"string","enum":["set",["in","out"]]},"min":0}},"u":{"type":{"key":"uuid","min":0,"max":"unlimited"}},
   "is":{"type":{"key":"integer","min":0,"max":3}},"ss":{"type":{"key":"string","min":0,"max":"unlimited"}},
   "m":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},"im":{"type":{"key":"integer","value":"boolean","min":0,"max":"unlimited"}},
   "one":{"type":{"key":"string","value":"integer","min":0,"max":1}}}},
 "small":{"isRoot":true,"columns":{"i":{"type":"integer"},"to":{"type":{"key":{"type":"uuid","refTable":"Big","refType":"weak"},"min":0,"max":"unlimited"}}}}}})";

/// Texts of records, most of them right.
class Texts : public RandomTexts {
 public:
  explicit Texts(const DatabaseSchema& schema, uint64_t seed) : RandomTexts(seed), schema_(schema) {}

  std::string record() {
    std::vector<std::string> members;
    if (pick(4)) members.push_back(fmt::format("\"_date\":{}", pick(20) ? std::to_string(1700000000000 + pick(5)) : one_of({"7", "1.5", "\"x\"", "01", "-0", "1e3"})));
    if (pick(3)) members.push_back(fmt::format("\"_is_diff\":{}", one_of({"true", "true", "true", "false", "1"})));
    if (!pick(4)) members.push_back("\"_comment\":" + string());
    for (const TableSchema& t : schema_.tables)
      if (pick(3)) members.push_back('"' + t.name + "\":" + object(t));
    if (!pick(30)) members.push_back("\"none\":{}");
    return braces(members);
  }

 private:
  /// Shuffled; at times one is there twice, or space is between.
  std::string braces(std::vector<std::string> members) {
    std::shuffle(members.begin(), members.end(), random_);
    if (!members.empty() && !pick(15)) members.push_back(members[pick(members.size())]);
    std::string text = "{";
    for (size_t i = 0; i < members.size(); i++) text += (i ? "," : "") + members[i] + (pick(40) ? "" : " ");
    return text + "}";
  }
  std::string object(const TableSchema& t) {
    std::vector<std::string> rows;
    for (size_t n = 1 + pick(4); n > 0; n--) rows.push_back('"' + format(Uuid{t.index, pick(6)}) + "\":" + (pick(5) ? row(t) : "null"));
    return braces(rows);
  }
  std::string row(const TableSchema& t) {
    std::vector<std::string> columns;
    for (const ColumnSchema& c : t.columns)
      if (pick(2)) columns.push_back('"' + c.name + "\":" + value(c.type));
    if (!pick(60)) columns.push_back(one_of({"\"none\":1", "\"_uuid\":[\"uuid\",\"00000000-0000-0000-0000-000000000000\"]", "\"_version\":1"}));
    return braces(columns);
  }
  std::string value(const ColumnType& type) {
    if (!type.is_map() && pick(2)) return atom(type.key.type);
    std::string text = type.is_map() ? "[\"map\",[" : "[\"set\",[";
    size_t n = pick(type.n_max == 1 ? 2 : 4);
    for (size_t i = 0; i < n; i++) {
      if (i) text += ',';
      text += type.is_map() ? "[" + atom(type.key.type) + "," + atom(type.value.type) + "]" : atom(type.key.type);
    }
    return text + "]]";
  }
  std::string atom(AtomType t) {
    if (!pick(80)) return one_of({"null", "[]", "{}", "\"\"", "12345678901234567890123"});
    switch (t) {
      case AtomType::integer: return one_of({"0", "1", "2", "-3", "7", "9", "123456789012345678", "9223372036854775807", "1.0", "1e2", "-0"});
      case AtomType::real: return one_of({"0", "-0.0", "1.5", "0.1", "1e300", "-2.5E-3", "3", "1e400"});
      case AtomType::boolean: return one_of({"true", "false"});
      case AtomType::string: return string();
      case AtomType::uuid: return fmt::format("[\"uuid\",\"{}\"]", pick(30) ? format(Uuid{0, pick(6)}) : "nobody");
      case AtomType::none: break;
    }
    return "null";
  }
  std::string string() {
    return one_of({"\"in\"", "\"out\"", "\"\"", "\"a\"", "\"k1\"", "\"k2\"", R"("with \"quotes\" and \\ and \n, longer than sixteen")", R"("\u00e9")", "\"\xc3\xa9 as it is\"",
                   R"("\u0001")", R"("plain but rather long, so that vectors of sixteen are used")", R"("_is_diff\":true")", "\"\\/\\b\\f\\r\\t\""});
  }

  const DatabaseSchema& schema_;
};

std::vector<RowChange> sorted(std::vector<RowChange> changes) {
  std::sort(changes.begin(), changes.end(), [](const RowChange& a, const RowChange& b) { return std::pair(a.table, a.uuid()) < std::pair(b.table, b.uuid()); });
  return changes;
}

void expect_same(const Database& db, const std::vector<RowChange>& a, const std::vector<RowChange>& b, const std::string& text) {
  ASSERT_EQ(a.size(), b.size()) << text;
  for (size_t i = 0; i < a.size(); i++) {
    ASSERT_EQ(a[i].table, b[i].table) << text;
    ASSERT_EQ(a[i].uuid(), b[i].uuid()) << text;
    ASSERT_EQ(a[i].before, b[i].before) << text;
    ASSERT_EQ(bool(a[i].after), bool(b[i].after)) << text;
    if (!a[i].after) continue;
    for (const ColumnSchema& c : db.schema().tables[a[i].table].columns) ASSERT_TRUE(a[i].after->get(c) == b[i].after->get(c)) << c.name << " of " << text;
  }
}

class TransactionReaders : public testing::Test {
 protected:
  /// True if the text was right.
  bool read(const std::string& text) {
    bool yes = fast_.scan(text);
    scanned_ += yes;
    Status s = slow_.parse(text);
    if (yes) {
      EXPECT_TRUE(s) << text << ": " << s.error().to_string();
      EXPECT_EQ(fast_.result().date_ms, slow_.result().date_ms) << text;
      EXPECT_EQ(fast_.result().comment, slow_.result().comment) << text;
      expect_same(db_, sorted(fast_.result().changes), sorted(slow_.result().changes), text);
    }
    good_ += s.has_value();
    return s.has_value();
  }
  UuidSource uuids_{{1, 2, 3, 4}};
  Database db_{*DatabaseSchema::from_json(*Json::parse(kSchema)), uuids_};
  TransactionReader fast_{db_}, slow_{db_};
  size_t scanned_ = 0, good_ = 0;
};

TEST_F(TransactionReaders, AgreeOnAnyText) {
  Texts texts(db_.schema(), 1);
  for (int i = 0; i < 20000; i++) {
    if (read(texts.record())) db_.apply(slow_.result().changes);
  }
  EXPECT_GT(good_, 4000u);
  EXPECT_GT(scanned_, good_ / 3);
}

TEST_F(TransactionReaders, AgreeOnDamagedText) {
  Texts texts(db_.schema(), 2);
  for (int i = 0; i < 40000; i++) {
    std::string text = texts.mutated(texts.record());
    // On the heap and no byte longer, so that reading beyond the end is seen by tools that look for it.
    std::vector<char> exact(text.begin(), text.end());
    if (read(text)) db_.apply(slow_.result().changes);
    (void)fast_.scan({exact.data(), exact.size()});
  }
}

TEST_F(TransactionReaders, WhatIsWrittenIsScanned) {
  Texts texts(db_.schema(), 3);
  size_t written = 0;
  for (int i = 0; i < 3000; i++) {
    if (!read(texts.record())) continue;
    Commit commit{.id = {}, .comment = slow_.result().comment, .durable = false, .changes = slow_.result().changes};
    for (bool as_diff : {true, false}) {
      std::string text;
      render_transaction(text, db_.schema(), commit, 1700000000000, as_diff);
      if (text.empty() || text.find("\\u") != text.npos) continue;
      if (!read(text)) continue;  // differences are taken unchecked, whole values are not
      ASSERT_TRUE(fast_.scan(text)) << text;
      written++;
    }
    db_.apply(commit.changes);
  }
  EXPECT_GT(written, 1000u);
}

TEST_F(TransactionReaders, DiffIsKnownWhereverItStands) {
  ASSERT_TRUE(read(R"({"small":{"00000000-0000-0000-0000-000000000001":{"to":["uuid","00000000-0000-0000-0000-000000000005"]}}})"));
  db_.apply(slow_.result().changes);
  const std::string change = R"("small":{"00000000-0000-0000-0000-000000000001":{"to":["uuid","00000000-0000-0000-0000-000000000006"]}})";
  auto size_after = [&](const std::string& text) {
    EXPECT_TRUE(read(text)) << text;
    EXPECT_TRUE(fast_.scan(text)) << text;
    return slow_.result().changes[0].after->get(*db_.schema().find("small")->find("to")).size();
  };
  EXPECT_EQ(size_after("{\"_is_diff\":true," + change + "}"), 2u);
  EXPECT_EQ(size_after("{" + change + ",\"_is_diff\":true}"), 2u);
  EXPECT_EQ(size_after("{" + change + ",\"_is_diff\":false}"), 1u);
  EXPECT_EQ(size_after("{" + change + "}"), 1u);
  // A text that looks like it.
  EXPECT_TRUE(read("{" + change + R"(,"_comment":"\"_is_diff\":true"})"));
}

}  // namespace
}  // namespace sluice::ovsdb
