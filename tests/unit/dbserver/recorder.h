// SPDX-License-Identifier: Apache-2.0
// Clients of a server without sockets, for tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dbserver/server.h"

namespace sluice::ovsdb {

/// Keeps what a session sends.
class Recorder : public SessionOutput {
 public:
  void send(std::string message) override { text_ += message; }
  void send(std::shared_ptr<const std::string> part) override { text_ += *part; }
  size_t queued() const override { return pretend_queued; }
  void close(std::string_view reason) override {
    closed = true;
    close_reason = reason;
  }
  /// The messages since the last call.
  std::vector<Json> take() {
    JsonSplitter splitter;
    splitter.feed(text_);
    text_.clear();
    std::vector<Json> all;
    for (auto v = splitter.next(); !v.empty(); v = splitter.next()) all.push_back(*Json::parse(v));
    return all;
  }
  bool closed = false;
  std::string close_reason;
  size_t pretend_queued = 0;

 private:
  std::string text_;
};

struct TestClient {
  explicit TestClient(Server& server, SessionOptions options = {}) : server(server), session(std::make_unique<Session>(server, out, options)) {}
  /// Sends one message, as a text as clients do, and lets the server finish it; what came back meanwhile.
  std::vector<Json> say(const Json& message, Time now = Time{}) {
    if (!session->transact_text(message.to_string(), now)) return say_value(message, now);
    server.run(now, 1'700'000'000'000);
    return out.take();
  }
  /// The same by way of a JSON value.
  std::vector<Json> say_value(const Json& message, Time now = Time{}) {
    const Json& id = message.get("id");
    if (id.is_null()) session->notification(message.get("method").string(), message.get("params"), now);
    else session->request(message.get("method").string(), message.get("params"), id, now);
    server.run(now, 1'700'000'000'000);
    return out.take();
  }
  std::vector<Json> say_text(const std::string& text, Time now = Time{}) { return say(*Json::parse(text), now); }
  /// Runs the operations and returns the result array.
  Json transact(const std::string& operations, const std::string& db = "T") {
    auto replies = say_text("{\"id\":1,\"method\":\"transact\",\"params\":[\"" + db + "\"" + (operations.empty() ? "" : ",") + operations + "]}");
    return replies.empty() ? Json() : replies.back().get("result");
  }
  Server& server;
  Recorder out;
  std::unique_ptr<Session> session;
};

inline std::unique_ptr<Database> make_database(const std::string& schema_text, UuidSource& uuids) {
  auto schema = DatabaseSchema::from_json(*Json::parse(schema_text));
  return std::make_unique<Database>(*schema, uuids);
}

}  // namespace sluice::ovsdb
