// SPDX-License-Identifier: Apache-2.0
// Hostile input: recorded requests and journals with pieces changed, swapped and cut.  Nothing may crash, every request is answered, and the
// database's book-keeping stays what its rows say.
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "dbserver/engine/open.h"
#include "tests/unit/dbserver/books.h"
#include "tests/unit/dbserver/recorder.h"
#include "tests/unit/dbserver/sim_disk.h"

namespace sluice::ovsdb {
namespace {

const std::string kGolden = "tests/golden/";

std::vector<Json> recorded_requests() {
  std::vector<Json> all;
  std::ifstream f(kGolden + "ovsdb-transcripts.jsonl");
  for (std::string line; std::getline(f, line);) {
    auto j = Json::parse(line);
    if (j && j->get("req").is_object()) all.push_back(j->get("req"));
  }
  return all;
}

/// Some value inside j, any depth.
const Json& some_part(const Json& j, std::mt19937_64& random) {
  if (j.size() == 0 || random() % 4 == 0) return j;
  size_t i = random() % j.size();
  return some_part(j.is_array() ? j[i] : j.members()[i].value, random);
}

Json mutated(const Json& j, const std::vector<Json>& pool, std::mt19937_64& random) {
  if (random() % 12 == 0) return some_part(pool[random() % pool.size()], random);
  if (random() % 25 == 0) {
    const Json odd[] = {nullptr, true, int64_t{-1}, std::numeric_limits<int64_t>::max(), 1e300, "", "_uuid", Json::array(), Json::object(), Json::array({"set", Json::array()})};
    return odd[random() % std::size(odd)];
  }
  if (j.is_array()) {
    Json out = Json::array();
    for (const Json& e : j.elements()) {
      if (random() % 20 == 0) continue;
      out.push_back(mutated(e, pool, random));
      if (random() % 20 == 0) out.push_back(e);
    }
    return out;
  }
  if (j.is_object()) {
    Json out = Json::object();
    for (const JsonMember& m : j.members())
      if (random() % 30) out.set(m.name(), mutated(m.value, pool, random));
    return out;
  }
  return j;
}

TEST(Garbage, RequestsAreAnsweredAndTheBooksStayRight) {
  std::vector<Json> requests = recorded_requests();
  ASSERT_GT(requests.size(), 80u);
  for (uint64_t seed = 0; seed < 8; seed++) {
    std::mt19937_64 random(seed);
    UuidSource uuids{{seed, 2, 3, 4}};
    Server server(uuids);
    auto schema = DatabaseSchema::from_file(kGolden + "ovsdb-test.ovsschema");
    (void)server.add_database(std::make_unique<Database>(*schema, uuids), std::make_unique<Journal>(std::make_unique<SimDisk>(), 0, 0), "");
    TestClient client(server), other(server);
    for (int step = 0; step < 600; step++) {
      Json request = requests[random() % requests.size()];
      if (random() % 3) request = mutated(request, requests, random);
      std::string method(request.get("method").string());
      const Json& params = request.get("params");
      if (!params.is_array() || method == "convert") continue;
      TestClient& who = random() % 4 ? client : other;
      Json id = "r" + std::to_string(step);
      bool notification = method == "cancel";
      size_t answers = 0;
      for (const Json& m : who.say(Json::object({{"id", notification ? Json() : id}, {"method", method}, {"params", params}}), Time{} + seconds(step)))
        answers += m.get("id") == id;
      bool waits = server.find("T")->is_waiting(*who.session, id) || server.find("_Server")->is_waiting(*who.session, id);
      ASSERT_EQ(answers + waits, notification ? 0u : 1u) << request.to_string();
      other.out.take();
    }
    EXPECT_EQ(wrong_books(server.find("T")->db()), "");
  }
}

TEST(Garbage, Schemas) {
  std::ifstream f(kGolden + "ovsdb-test.ovsschema");
  std::string text((std::istreambuf_iterator<char>(f)), {});
  std::vector<Json> pool{*Json::parse(text)};
  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; i++) {
    Json j = mutated(pool[0], pool, random);
    auto schema = DatabaseSchema::from_json(j);
    if (!schema) continue;
    auto again = DatabaseSchema::from_json((*schema)->to_json());
    ASSERT_TRUE(again) << (*schema)->to_json().to_string();
    EXPECT_EQ((*again)->to_json(), (*schema)->to_json());
  }
}

TEST(Garbage, Journals) {
  std::string good = *read_file(kGolden + "ovsdb-sample-journal.db");
  std::mt19937_64 random(1);
  UuidSource uuids{{1, 2, 3, 4}};
  for (int i = 0; i < 3000; i++) {
    std::string bytes = good;
    for (size_t n = 1 + random() % 4; n > 0; n--) {
      size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.resize(at + 1); break;
        case 2: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 50)); break;
        default: bytes.erase(at, 1 + random() % 20); break;
      }
      if (bytes.empty()) bytes = "O";
    }
    auto loaded = load_journal(bytes, "g", uuids);
    if (loaded && loaded->damage) (void)is_torn_write(bytes, loaded->damage->offset);
  }
  // Records that are whole but say nonsense.
  RecordReader reader(good, "g");
  std::vector<Json> records;
  for (auto r = reader.next(); r && *r; r = reader.next()) records.push_back(*Json::parse((*r)->data));
  for (int i = 0; i < 2000; i++) {
    std::string bytes;
    for (size_t k = 0; k < records.size(); k++) append_record(bytes, (k ? mutated(records[k], records, random) : records[k]).to_string() + "\n");
    auto loaded = load_journal(bytes, "g", uuids);
    ASSERT_TRUE(loaded);
  }
}

}  // namespace
}  // namespace sluice::ovsdb
