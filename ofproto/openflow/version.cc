// SPDX-License-Identifier: Apache-2.0
// Names of versions and flow formats.
#include "ofproto/openflow/version.h"

#include "lib/text.h"

#include <fmt/core.h>

#include <cctype>

namespace sluice::ofp {
namespace {

struct ProtocolName {
  ProtocolSet set;
  std::string_view name;
};
// Words for sets come before their members, so that formatting finds the shortest text.
constexpr ProtocolName kProtocolNames[] = {
    {kOf10Any, "OpenFlow10"}, {kNxmAny, "NXM"}, {kOxmAny, "OXM"},
    {kOf10, "OpenFlow10-table_id"}, {kOf10Tid, "OpenFlow10+table_id"}, {kNxm, "NXM-table_id"}, {kNxmTid, "NXM+table_id"},
    {kOf11, "OpenFlow11"}, {kOxm12, "OXM-OpenFlow12"}, {kOxm13, "OXM-OpenFlow13"}, {kOxm14, "OXM-OpenFlow14"}, {kOxm15, "OXM-OpenFlow15"},
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

/// Calls fn for each word of a list separated by commas or spaces; stops when fn says false.
template <typename Fn>
bool for_each_word(std::string_view list, Fn fn) {
  while (!list.empty()) {
    size_t n = list.find_first_of(", \t\n");
    std::string_view word = list.substr(0, n);
    if (!word.empty() && !fn(word)) return false;
    if (n == list.npos) break;
    list.remove_prefix(n + 1);
  }
  return true;
}

}  // namespace

std::string_view version_name(Version v) {
  constexpr std::string_view kNames[] = {"OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"};
  return kNames[static_cast<int>(v) - 1];
}

std::optional<Version> parse_version(std::string_view name) {
  for (Version v : kVersions)
    if (equal_ignoring_case(name, version_name(v))) return v;
  return std::nullopt;
}

std::string format_versions(VersionSet set) {
  std::string out;
  for (Version v : kVersions)
    if (set & version_bit(v)) append(out, "{}{}", out.empty() ? "" : ", ", version_name(v));
  return out;
}

std::optional<VersionSet> parse_versions(std::string_view list) {
  VersionSet set = 0;
  bool ok = for_each_word(list, [&](std::string_view word) {
    auto v = parse_version(word);
    if (v) set |= version_bit(*v);
    return v.has_value();
  });
  return ok ? std::optional(set) : std::nullopt;
}

Version protocol_version(Protocol p) {
  if (p & (kOf10Any | kNxmAny)) return Version::k10;
  if (p == kOf11) return Version::k11;
  if (p == kOxm12) return Version::k12;
  if (p == kOxm13) return Version::k13;
  return p == kOxm14 ? Version::k14 : Version::k15;
}

ProtocolSet version_protocols(Version v) {
  constexpr ProtocolSet kSets[] = {kOf10Any | kNxmAny, kOf11, kOxm12, kOxm13, kOxm14, kOxm15};
  return kSets[static_cast<int>(v) - 1];
}

ProtocolSet versions_protocols(VersionSet set) {
  ProtocolSet protocols = 0;
  for (Version v : kVersions)
    if (set & version_bit(v)) protocols |= version_protocols(v);
  return protocols;
}

VersionSet protocols_versions(ProtocolSet set) {
  VersionSet versions = 0;
  for (Version v : kVersions)
    if (set & version_protocols(v)) versions |= version_bit(v);
  return versions;
}

std::string format_protocols(ProtocolSet set) {
  set &= kAllProtocols;
  if (set == 0) return "none";
  if (set == kAllProtocols) return "any";
  std::string out;
  for (const ProtocolName& n : kProtocolNames) {
    if ((set & n.set) != n.set) continue;
    append(out, "{}{}", out.empty() ? "" : ",", n.name);
    set &= ~n.set;
  }
  return out;
}

std::optional<ProtocolSet> parse_protocol(std::string_view word) {
  if (equal_ignoring_case(word, "any")) return kAllProtocols;
  if (equal_ignoring_case(word, "none")) return 0;
  for (const ProtocolName& n : kProtocolNames)
    if (equal_ignoring_case(word, n.name)) return n.set;
  if (auto v = parse_version(word)) return version_protocols(*v);
  return std::nullopt;
}

std::optional<ProtocolSet> parse_protocols(std::string_view list) {
  ProtocolSet set = 0;
  bool ok = for_each_word(list, [&](std::string_view word) {
    auto p = parse_protocol(word);
    if (p) set |= *p;
    return p.has_value();
  });
  return ok ? std::optional(set) : std::nullopt;
}

}  // namespace sluice::ofp
