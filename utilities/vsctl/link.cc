// SPDX-License-Identifier: Apache-2.0
// A link over a connection of our own.
#include "utilities/vsctl/link.h"

namespace sluice::vsctl {

Link connection_link(JsonRpcClient& client) {
  Link link;
  link.call = [&client](std::string_view method, const Json& params) { return client.call(method, params); };
  link.next_notification = [&client]() -> std::expected<std::pair<std::string, Json>, std::string> {
    for (;;) {
      auto m = client.receive(std::nullopt);
      if (!m) return std::unexpected(m.error().text);
      if (*m && !(*m)->method.empty()) return std::pair((*m)->method, (*m)->params);
    }
  };
  return link;
}

}  // namespace sluice::vsctl
