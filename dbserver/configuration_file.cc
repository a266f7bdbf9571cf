// SPDX-License-Identifier: Apache-2.0
#include "dbserver/configuration_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "lib/files.h"
#include "lib/text.h"

namespace sluice::ovsdb {
namespace {

using Wrong = std::unexpected<std::string>;
constexpr int kMaxDscp = 63;

/// One member of an options object, by its name and type.
struct RemoteOption {
  std::string_view name;
  bool (*read)(RemoteOptions& o, const Json& value);  // false: of the wrong type
};

bool read_ms(std::optional<Duration>& to, const Json& value) {
  if (value.is_integer() && value.integer() >= 0) to = milliseconds(value.integer());
  return value.is_integer() && value.integer() >= 0;
}

const RemoteOption kRemoteOptions[] = {
    {"inactivity-probe", [](RemoteOptions& o, const Json& v) { return read_ms(o.probe_interval, v); }},
    {"max-backoff", [](RemoteOptions& o, const Json& v) { return read_ms(o.max_backoff, v); }},
    {"read-only", [](RemoteOptions& o, const Json& v) { return o.read_only = v.boolean(), v.is_bool(); }},
    {"role", [](RemoteOptions& o, const Json& v) { return o.role = v.string(), v.is_string(); }},
    {"dscp", [](RemoteOptions& o, const Json& v) { return o.dscp = static_cast<int>(v.integer()), v.is_integer() && v.integer() >= 0 && v.integer() <= kMaxDscp; }},
};

/// {"tcp:...": {...}, ...} as "tcp:...,...".
std::expected<std::string, std::string> source_text(const std::string& database, const Json& source) {
  if (!source.is_object() || !source.size()) return Wrong(fmt::format("database {}: \"source\" must be an object with a remote", database));
  std::vector<std::string_view> remotes;
  for (const JsonMember& m : source.members()) remotes.push_back(m.name());
  return join(remotes, ",");
}

std::expected<void, std::string> follow(Configuration& c, const std::string& name, const Json& options) {
  auto source = source_text(name, options.get("source"));
  if (!source) return Wrong(source.error());
  bool backup = !options.find("backup") || options.get("backup").boolean();
  if (!c.sync_from.empty() && (c.sync_from != *source || c.active == backup)) return Wrong(fmt::format("database {}: all active-backup databases must have the same source and role", name));
  c.sync_from = *source;
  c.active = !backup;
  for (const Json& table : options.get("exclude-tables").elements()) c.sync_exclude += fmt::format("{}{}:{}", c.sync_exclude.empty() ? "" : ",", name, table.string());
  return {};
}

std::expected<void, std::string> add_database(Configuration& c, const std::string& name, const Json& options) {
  std::string_view model = options.get("service-model").string();
  if (!options.is_object() && !options.is_null()) return Wrong(fmt::format("database {}: options must be an object", name));
  if (model == "relay") {
    auto source = source_text(name, options.get("source"));
    if (!source) return Wrong(source.error());
    c.databases.push_back(fmt::format("relay:{}:{}", name, *source));
    return {};
  }
  c.databases.push_back(name);
  if (model == "active-backup") return follow(c, name, options);
  if (model.empty() || model == "standalone") return {};
  return Wrong(fmt::format("database {}: service model {} is not supported", name, model));
}

}  // namespace

Json remote_options_to_json(const RemoteOptions& o) {
  Json j = Json::object();
  if (o.probe_interval) j.set("inactivity-probe", to_ms(*o.probe_interval));
  if (o.max_backoff) j.set("max-backoff", to_ms(*o.max_backoff));
  if (o.read_only) j.set("read-only", true);
  if (!o.role.empty()) j.set("role", o.role);
  if (o.dscp) j.set("dscp", o.dscp);
  return j;
}

std::expected<RemoteOptions, std::string> remote_options_from_json(const Json& j) {
  RemoteOptions options;
  if (!j.is_object() && !j.is_null()) return Wrong("options must be an object");
  for (const JsonMember& m : j.members()) {
    auto known = std::find_if(std::begin(kRemoteOptions), std::end(kRemoteOptions), [&](const RemoteOption& o) { return o.name == m.name(); });
    if (known == std::end(kRemoteOptions)) return Wrong(fmt::format("no option \"{}\"", m.name()));
    if (!known->read(options, m.value)) return Wrong(fmt::format("wrong value of \"{}\"", m.name()));
  }
  return options;
}

std::expected<Configuration, std::string> parse_configuration(const Json& j) {
  Configuration c;
  if (!j.is_object()) return Wrong("an object is expected");
  for (const JsonMember& m : j.members())
    if (m.name() != "remotes" && m.name() != "databases") return Wrong(fmt::format("no member \"{}\"", m.name()));
  for (const JsonMember& m : j.get("remotes").members()) {
    auto options = remote_options_from_json(m.value);
    if (!options) return Wrong(fmt::format("remote {}: {}", m.name(), options.error()));
    c.remotes.emplace(m.name(), std::move(*options));
  }
  for (const JsonMember& m : j.get("databases").members())
    if (auto s = add_database(c, std::string(m.name()), m.value); !s) return Wrong(s.error());
  return c;
}

std::expected<Configuration, std::string> read_configuration_file(const std::string& path) {
  auto text = read_file(path);
  if (!text) return Wrong(fmt::format("{}: {} failed ({})", path, text.error().what, std::strerror(text.error().error)));
  auto j = Json::parse(*text);
  if (!j) return Wrong(fmt::format("{}: {}", path, j.error().text));
  auto c = parse_configuration(*j);
  if (!c) return Wrong(fmt::format("{}: {}", path, c.error()));
  return c;
}

}  // namespace sluice::ovsdb
