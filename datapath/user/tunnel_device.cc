// SPDX-License-Identifier: Apache-2.0
// See tunnel_device.h.
#include "datapath/user/tunnel_device.h"

#include "datapath/tunnel_kind.h"

namespace sluice {
namespace {

class TunnelDevice final : public Netdev {
 public:
  explicit TunnelDevice(const NetdevSpec& spec) : name_(spec.name), type_(spec.type) {
    state_.admin_up = state_.link_up = true;
    state_.mtu = 65000;
    state_.changes = 1;
  }
  const std::string& name() const override { return name_; }
  const std::string& type() const override { return type_; }
  void receive(Time, PacketBatch&) override {}
  void send(Time, PacketBatch& packets) override {
    stats_.tx_dropped += packets.size();
    packets.clear();
  }
  NetdevStats stats() const override { return stats_; }
  const NetdevState& state() const override { return state_; }

 private:
  std::string name_, type_;
  NetdevState state_;
  NetdevStats stats_;
};

std::expected<std::unique_ptr<Netdev>, std::string> open_tunnel(const NetdevSpec& spec, void*) { return std::make_unique<TunnelDevice>(spec); }

}  // namespace

void add_tunnel_devices(NetdevFactory& factory) {
  for (const TunnelKindRow& row : kTunnelKinds) factory.add(std::string(row.type), open_tunnel);
}

}  // namespace sluice
