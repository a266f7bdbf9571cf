// SPDX-License-Identifier: Apache-2.0
// Netdev: a device that gives and takes frames.  Owned by the datapath that polls it; all calls from that thread.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datapath/packet_batch.h"
#include "lib/time.h"

namespace sluice {

inline constexpr size_t kBurst = 32;  // packets taken from a device at once

/// What the configuration says of a device (Interface row: name, type, options, ...).  Values are not validated.
struct NetdevSpec {
  std::string name;
  std::string type;                            // "system", "internal", "tap", "dummy", "dummy-internal", "pcap", "gen", ...
  std::map<std::string, std::string> options;
  std::optional<MacAddr> mac;                  // wanted
  std::optional<int> mtu;                      // wanted
  friend bool operator==(const NetdevSpec&, const NetdevSpec&) = default;
};

struct NetdevStats {
  uint64_t rx_packets = 0, rx_bytes = 0, rx_errors = 0, rx_dropped = 0;
  uint64_t tx_packets = 0, tx_bytes = 0, tx_errors = 0, tx_dropped = 0;
  std::optional<uint64_t> rx_frame_err, rx_over_err, rx_crc_err, rx_missed_errors, collisions, multicast, tx_aborted_err, tx_carrier_err;
  bool tells_losses = true;                    // false: dropped and errors are not for others to see
  std::map<std::string, uint64_t> custom;      // counters of the device's own
};

struct NetdevState {
  MacAddr mac;
  int mtu = 1500;
  bool admin_up = false;
  bool link_up = false;
  int ifindex = 0;               // 0 = none
  uint64_t link_speed_bps = 0;   // 0 = unknown
  uint64_t link_resets = 0;      // how often the link came or went
  std::optional<bool> full_duplex;
  uint32_t features = 0;         // OFPPF_* of 1.1+ (curr)
  uint32_t advertised = 0, supported = 0, peer = 0;
  std::map<std::string, std::string> status;  // Interface.status: driver_name, ...
  uint64_t changes = 0;          // counts state changes, cheap to compare
};

class Netdev {
 public:
  virtual ~Netdev() = default;
  virtual const std::string& name() const = 0;
  virtual const std::string& type() const = 0;
  /// A descriptor that is readable when receive() would give packets, or -1.
  virtual int rx_fd() const { return -1; }
  /// True if receive() may give packets without rx_fd() (gen, pcap whose packets are due, dummy with a queue).
  virtual bool has_packets(Time) const { return false; }
  /// When has_packets() becomes true by itself (pcap replay), or kNever.
  virtual Time next_packet() const { return kNever; }
  /// Appends up to kBurst packets; in_port is left for the caller to set.
  virtual void receive(Time now, PacketBatch& out) = 0;
  /// Sends or drops (counted) all; leaves `packets` empty.  The packets may be shared with other outputs: their bytes may not be changed,
  /// except for completing offloads that the device lacks (complete_offload(), the same for all outputs).
  virtual void send(Time now, PacketBatch& packets) = 0;
  virtual NetdevStats stats() const = 0;
  virtual const NetdevState& state() const = 0;
  /// Reads the device's state anew where it can change by itself (system devices).
  virtual void refresh_state() {}
  virtual int set_mac(const MacAddr&) { return 95; /* EOPNOTSUPP */ }   // 0 or errno
  virtual int set_mtu(int) { return 95; }
  virtual int set_admin_up(bool) { return 95; }
  /// The options changed: applies them without reopening if it can (true), else false.
  virtual bool reconfigure(const NetdevSpec&) { return false; }
};

/// "could not open network device NAME (No such device)".
std::string open_error(const std::string& name, int error);

/// Opens devices by type; the back ends register their openers with the one in main().
class NetdevFactory {
 public:
  using Opener = std::expected<std::unique_ptr<Netdev>, std::string> (*)(const NetdevSpec&, void* context);
  void add(std::string type, Opener opener, void* context = nullptr);
  bool has(const std::string& type) const;
  std::vector<std::string> types() const;
  /// Error texts are those that Interface.error shows, e.g. "could not open network device X (No such device)".
  std::expected<std::unique_ptr<Netdev>, std::string> open(const NetdevSpec& spec) const;

 private:
  struct Entry { Opener opener; void* context; };
  std::map<std::string, Entry> openers_;
};

}  // namespace sluice
