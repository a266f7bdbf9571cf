// SPDX-License-Identifier: Apache-2.0
// What vsctl needs of a database server: calls that wait for their answer, and waiting for the next update of a monitor.
// The command's link is a connection (connection_link()); a scenario's is a server in the same process.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/json.h"
#include "lib/jsonrpc.h"

namespace sluice::vsctl {

struct Link {
  std::function<std::expected<Json, JsonRpcFailure>(std::string_view method, const Json& params)> call;
  /// Blocks until a notification has come: its method and parameters.  The error tells why none will.
  std::function<std::expected<std::pair<std::string, Json>, std::string>()> next_notification;
};

/// `client` must outlive the link.
Link connection_link(JsonRpcClient& client);

/// A command cannot do what it was asked for.  Thrown by commands and what they call, caught by run() alone.
struct Failure {
  std::string text;
  int exit_status = 1;
};

}  // namespace sluice::vsctl
