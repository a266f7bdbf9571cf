// SPDX-License-Identifier: Apache-2.0
// Values: encoding, JSON, text, differences, constraints; error texts as the peer's tools print them.
#include "dbserver/ovsdb/values.h"

#include <gtest/gtest.h>

#include <random>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"
#include "dbserver/ovsdb/value_text.h"

namespace sluice::ovsdb {
namespace {

ColumnType type_of(const std::string& text) { return *ColumnType::from_json((*Json::parse("[" + text + "]"))[0]); }
Datum value_of(const std::string& text, const ColumnType& t) {
  auto d = parse_datum((*Json::parse("[" + text + "]"))[0], t);
  EXPECT_TRUE(d) << d.error().to_string();
  return d ? *d : Datum();
}
std::string error_of(const std::string& text, const ColumnType& t) {
  auto d = parse_datum((*Json::parse("[" + text + "]"))[0], t);
  return d ? "no error" : d.error().to_json().to_string();
}

const char* const kTypes[] = {
    R"("integer")", R"("real")", R"("boolean")", R"("string")", R"("uuid")",
    R"({"key":"integer","min":0,"max":"unlimited"})", R"({"key":"string","min":0,"max":"unlimited"})",
    R"({"key":"uuid","min":0,"max":"unlimited"})", R"({"key":"boolean","min":0,"max":2})",
    R"({"key":"string","value":"string","min":0,"max":"unlimited"})", R"({"key":"integer","value":"uuid","min":0,"max":"unlimited"})",
    R"({"key":"string","value":"real","min":0,"max":"unlimited"})", R"({"key":"uuid","value":"string","min":0,"max":"unlimited"})"};

class Random {
 public:
  explicit Random(uint64_t seed) : random_(seed) {}
  Atom atom(AtomType t) {
    switch (t) {
      case AtomType::integer: return Atom(static_cast<int64_t>(random_() % 6) - 3);
      case AtomType::real: return Atom(static_cast<double>(random_() % 6) / 2 - 1);
      case AtomType::boolean: return Atom(random_() % 2 == 0);
      case AtomType::string: {
        static const char* const kWords[] = {"", "a", "b c", "\"", "\xc3\xa9", "true", "a long string that is not inline"};
        return Atom(std::string_view(kWords[random_() % 7]));
      }
      case AtomType::uuid: return Atom(Uuid{random_() % 2, random_() % 3});
      case AtomType::none: break;
    }
    return {};
  }
  Datum datum(const ColumnType& t) {
    size_t n = t.n_max == 1 ? 1 : random_() % std::min<uint64_t>(uint64_t{t.n_max} + 1, 5);
    std::vector<Atom> keys, values;
    for (size_t i = 0; i < n; i++) keys.push_back(atom(t.key.type)), values.push_back(atom(t.value.type));
    DatumBuilder b(t.key.type, t.value.type);
    for (size_t i = 0; i < n; i++) b.add(keys[i].ref(), values[i].ref());
    b.sort_unique();
    return b.finish();
  }

 private:
  std::mt19937_64 random_;
};

TEST(Values, RoundTripsAndDifferences) {
  Random random(7);
  for (const char* text : kTypes) {
    ColumnType t = type_of(text);
    EXPECT_EQ(ColumnType::from_json(t.to_json()), t);
    for (int i = 0; i < 200; i++) {
      Datum a = random.datum(t), b = random.datum(t);
      std::string json = datum_to_json(a).to_string(), direct;
      append_datum(direct, a);
      EXPECT_EQ(json, direct);
      EXPECT_EQ(value_of(json, t), a) << json;
      EXPECT_EQ((a == b), json == datum_to_json(b).to_string());
      auto shown = parse_datum_text(datum_to_text(a, t), t);
      EXPECT_TRUE(shown) << datum_to_text(a, t) << ": " << (shown ? "" : shown.error());
      EXPECT_TRUE(shown && *shown == a) << datum_to_text(a, t);
      auto back = datum_apply_diff(a, datum_diff(a, b, t), t);
      ASSERT_TRUE(back);
      if (!(a == b)) {
        EXPECT_EQ(*back, b) << json << " " << datum_to_json(b).to_string();
      }
      if (t.n_max == 1) {
        EXPECT_EQ(datum_diff(a, b, t), b) << "the new value, as Open vSwitch writes it";
      }
      for (size_t k = 0; k < a.size(); k++) EXPECT_EQ(a.ref().find(a.ref().key(k)), k);
      if (t.is_map()) continue;
      EXPECT_TRUE(datum_includes(datum_union(a, b), a));
      EXPECT_TRUE(datum_excludes(datum_subtract(a, b), b));
    }
  }
}

TEST(Values, RealsPrintAsRealsHoweverIntegral) {
  ColumnType t = type_of("\"real\"");
  for (auto [in, out] : {std::pair("1e18", "1e+18"), std::pair("1000000000000000", "1e+15"), std::pair("100000", "100000"), std::pair("2.50", "2.5")}) {
    Datum d = value_of(in, t);
    std::string direct;
    append_datum(direct, d);
    EXPECT_EQ(direct, out);
    EXPECT_EQ(datum_to_json(d).to_string(), out);
    EXPECT_EQ(datum_to_text(d, t), out);
  }
}

TEST(Values, ErrorsAsThePeer) {
  EXPECT_EQ(error_of("\"x\"", type_of("\"integer\"")), R"({"details":"expected integer","error":"syntax error","syntax":"\"x\""})");
  EXPECT_EQ(error_of("[\"set\",[1,1]]", type_of(kTypes[5])), R"({"details":"set contains duplicate","error":"ovsdb error"})");
  EXPECT_EQ(error_of("11", type_of(R"({"key":{"type":"integer","minInteger":0,"maxInteger":10}})")),
            R"x({"details":"11 is not in the valid range 0 to 10 (inclusive)","error":"constraint violation"})x");
  EXPECT_EQ(error_of("\"\xc3\xa9\"", type_of(R"({"key":{"type":"string","minLength":2}})")),
            "{\"details\":\"\\\"\xc3\xa9\\\" length 1 is less than minimum allowed length 2\",\"error\":\"constraint violation\"}");
  EXPECT_EQ(error_of("[\"set\",[1,2]]", type_of("\"integer\"")),
            R"({"details":"set must have exactly one member but 2 are present","error":"syntax error","syntax":"[\"set\",[1,2]]"})");
}

TEST(Values, TextErrorsAsThePeer) {
  auto error = [](const char* text, const char* type) {
    auto d = parse_datum_text(text, type_of(type));
    return d ? std::string("no error") : d.error();
  };
  EXPECT_EQ(error("xyzzy", "\"boolean\""), "\"xyzzy\" is not a valid boolean (use \"true\" or \"false\")");
  EXPECT_EQ(error("[1", kTypes[5]), "[1: missing \"]\" at end of data");
  EXPECT_EQ(error("1,1", kTypes[5]), "1,1: set contains duplicate value");
  EXPECT_EQ(error("5-1", kTypes[5]), "\"5-1\" is not a valid range. Range end cannot be before start.");
  EXPECT_EQ(error("a:b=c", kTypes[9]), "a:b=c: syntax error at \":\" expecting \"=\"");
  EXPECT_EQ(error("=1", kTypes[9]), "=1: unexpected \"=\" parsing map of (string, string) pairs");
  EXPECT_EQ(error("\"a", "\"string\""), "\"a: quoted string extends past end of argument");
  EXPECT_EQ(error("\"a\"b", "\"string\""), "\"a\"b: missing quote at end of quoted string");
  EXPECT_EQ(error("a b", "\"string\""), "a b: 2 value(s) specified but the maximum number is 1");
  EXPECT_EQ(error("[]", "\"string\""), "[]: 0 value(s) specified but the minimum number is 1");
  EXPECT_EQ(datum_to_text(*parse_datum_text("1-3,7", type_of(kTypes[5])), type_of(kTypes[5])), "[1, 2, 3, 7]");
}

TEST(Values, SmallOnesNeedNoHeap) {
  static_assert(sizeof(Datum) == 24);
  Datum d = Datum::scalar(Uuid{1, 2}), copy = d;
  EXPECT_EQ(copy.ref().uuid(), (Uuid{1, 2}));
  Datum text = Datum::scalar("a string that is longer than what fits inline"), shared = text;
  EXPECT_EQ(shared.ref().data(), text.ref().data());
  text = Datum::scalar(5);
  EXPECT_EQ(shared.ref().string(), "a string that is longer than what fits inline");
}

}  // namespace
}  // namespace sluice::ovsdb
