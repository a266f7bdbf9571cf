// SPDX-License-Identifier: Apache-2.0
// Capture files: read by libpcap (pcap and pcapng), written in the classic pcap format.
#pragma once

#include <cstdio>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "lib/bytes.h"
#include "lib/time.h"

struct pcap;

namespace sluice {

class PcapReader {
 public:
  /// Error: text with the path.
  static std::expected<PcapReader, std::string> open(const std::string& path);
  /// The next Ethernet frame, valid until the next call, and its timestamp (since 1970); false at the end or at a corrupt record.
  bool next(ByteView& frame, Duration& timestamp);

 private:
  struct Close { void operator()(pcap* p) const; };
  std::unique_ptr<pcap, Close> handle_;
};

struct CapturedFrame { Duration timestamp; Bytes bytes; };
std::expected<std::vector<CapturedFrame>, std::string> read_pcap(const std::string& path);

/// Written through, so that others can read the file at any time.
class PcapWriter {
 public:
  /// Replaces the file.
  static std::expected<PcapWriter, std::string> open(const std::string& path, bool nanoseconds);
  void write(Duration timestamp, ByteView frame);
  void write(Time now, ByteView frame) { write(now.time_since_epoch(), frame); }

 private:
  struct Close { void operator()(FILE* f) const { std::fclose(f); } };
  std::unique_ptr<FILE, Close> file_;
  bool nanoseconds_ = false;
};

}  // namespace sluice
