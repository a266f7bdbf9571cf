// SPDX-License-Identifier: Apache-2.0
// What the files about flows share: reading flows from files and bridges, bundles, comparing.
#pragma once

#include <variant>

#include "utilities/ofctl/ofctl.h"

namespace sluice::ofctl {

void warn(const std::vector<std::string>& lines);
ofp::ParsedFlow parse_flow_or_die(std::string_view text, std::optional<ofp::FlowModCommand> command, const ofp::TextNames& names);
/// Lines of a file; `path` is for errors.
std::vector<ofp::FlowMod> parse_flow_lines(const std::string& path, std::span<const Line> lines, std::optional<ofp::FlowModCommand> command,
                                           const ofp::TextNames& names, ofp::ProtocolSet& usable);
Bytes encode_flow_mod(FlowSession& session, const ofp::FlowMod& mod, const ofp::TlvTable* tlv);
std::vector<ofp::FlowStats> fetch_flows(const Settings& s, Client& c, const ofp::Message& request, const ofp::TlvTable* tlv);

/// One message of a bundle.
struct BundleItem {
  std::variant<ofp::FlowMod, ofp::GroupMod, ofp::PacketOut> body;
  ofp::ProtocolSet usable = ofp::kAllProtocols;
};
/// All or none; errors are printed and end the program.
/// `open`: a connection to go on with if its version fits.
void run_bundle(const Settings& s, const std::string& bridge, const std::vector<BundleItem>& items, ofp::ProtocolSet usable, const ofp::TlvTable* tlv,
                std::unique_ptr<Client> open);
/// Ends the program if none of the versions has commands for single buckets.
void need_bucket_commands(ofp::VersionSet versions, ofp::GroupCommand command);
void bundle_file(const Settings& s, const std::string& bridge, const std::string& path);

void replace_flows(const Settings& s, const std::string& bridge, const std::string& path);
void diff_flows(const Settings& s, const std::string& a, const std::string& b);

}  // namespace sluice::ofctl
