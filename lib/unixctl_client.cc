// SPDX-License-Identifier: Apache-2.0
// See unixctl.h: the blocking client.
#include <fmt/core.h>

#include "lib/daemon.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "lib/target.h"
#include "lib/unixctl.h"

namespace sluice {
namespace {

Log log("unixctl");

/// What a command's result looks like to a person.
std::string result_text(const Json& result, bool pretty) {
  if (result.is_string()) return std::string(result.string());
  return pretty ? result.to_pretty_string() : result.to_string();
}

}  // namespace

std::expected<UnixctlAnswer, std::string> unixctl_call(const std::string& path, std::string_view command, UnixctlArgs args, bool json_format, bool pretty) {
  Target target{.kind = TransportKind::unix_socket, .path = path, .text = "unix:" + path};
  auto client = JsonRpcClient::connect(target, {});
  if (!client) {
    log.warn("failed to connect to {}", path);
    return std::unexpected(fmt::format("cannot connect to \"{}\" ({})", path, client.error()));
  }
  std::vector<Json> params;
  if (json_format) {
    auto set = (*client)->call("set-options", Json::array({"--format", "json"}));
    if (!set) return std::unexpected(fmt::format("transaction error: {}", set.error().text));
  }
  for (const std::string& arg : args) params.emplace_back(arg);
  auto result = (*client)->call(command, Json::array(std::move(params)));
  if (result) return UnixctlAnswer{false, result_text(*result, pretty)};
  if (result.error().error) return UnixctlAnswer{true, result_text(*result.error().error, pretty)};
  log.warn("error communicating with unix:{}: {}", path, result.error().text);
  return std::unexpected(fmt::format("{}: transaction error ({})", path, result.error().text));
}

std::expected<std::string, std::string> unixctl_target_path(std::string_view target, std::string_view run_dir) {
  if (target.starts_with('/')) return std::string(target);
  auto pid = read_pidfile(fmt::format("{}/{}.pid", run_dir, target));
  if (!pid) return std::unexpected(pid.error());
  return fmt::format("{}/{}.{}.ctl", run_dir, target, *pid);
}

}  // namespace sluice
