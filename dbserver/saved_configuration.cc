// SPDX-License-Identifier: Apache-2.0
#include "dbserver/saved_configuration.h"

#include <sys/mman.h>
#include <unistd.h>

#include "dbserver/configuration_file.h"
#include "lib/json.h"

namespace sluice::ovsdb {
namespace {

constexpr size_t kMaxSize = 1u << 20;

Json list(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (const std::string& t : texts) out.push_back(t);
  return out;
}

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  for (const Json& j : list.elements()) out.emplace_back(j.string());
  return out;
}

}  // namespace

SavedConfiguration::SavedConfiguration() : fd_(memfd_create("configuration", MFD_CLOEXEC)) {}

void SavedConfiguration::save(const Configuration& c) {
  Json remotes = Json::object();
  for (const auto& [target, options] : c.remotes) remotes.set(target, remote_options_to_json(options));
  Json j = Json::object({{"remotes", std::move(remotes)},
                         {"databases", list(c.databases)},
                         {"sync_from", c.sync_from},
                         {"sync_exclude", c.sync_exclude},
                         {"active", c.active}});
  std::string text = j.to_string();
  if (!fd_ || ftruncate(fd_.get(), 0)) return;
  if (pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) (void)!ftruncate(fd_.get(), 0);
}

std::optional<Configuration> SavedConfiguration::load() const {
  std::string text(kMaxSize, '\0');
  ssize_t n = fd_ ? pread(fd_.get(), text.data(), text.size(), 0) : -1;
  if (n <= 0) return std::nullopt;
  auto j = Json::parse(std::string_view(text).substr(0, static_cast<size_t>(n)));
  if (!j) return std::nullopt;
  RemoteMap remotes;
  for (const JsonMember& m : j->get("remotes").members()) remotes.emplace(m.name(), remote_options_from_json(m.value).value_or(RemoteOptions{}));
  return Configuration{std::move(remotes), texts(j->get("databases")), std::string(j->get("sync_from").string()),
                       std::string(j->get("sync_exclude").string()), j->get("active").boolean()};
}

}  // namespace sluice::ovsdb
