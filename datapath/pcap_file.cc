// SPDX-License-Identifier: Apache-2.0
// Capture files.
#include "datapath/pcap_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/core.h>
#include <pcap/pcap.h>

#include "datapath/packet.h"

namespace sluice {

void PcapReader::Close::operator()(pcap* p) const { pcap_close(p); }

std::expected<PcapReader, std::string> PcapReader::open(const std::string& path) {
  char error[PCAP_ERRBUF_SIZE] = "";
  PcapReader reader;
  reader.handle_.reset(pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error));
  if (!reader.handle_) return std::unexpected(std::string_view(error).starts_with(path) ? error : fmt::format("{}: {}", path, error));
  if (pcap_datalink(reader.handle_.get()) != DLT_EN10MB) return std::unexpected(fmt::format("{}: link type is not Ethernet", path));
  return reader;
}

bool PcapReader::next(ByteView& frame, Duration& timestamp) {
  pcap_pkthdr* header;
  const u_char* bytes;
  if (pcap_next_ex(handle_.get(), &header, &bytes) != 1) return false;
  timestamp = seconds(header->ts.tv_sec) + Duration(header->ts.tv_usec);  // nanoseconds here
  frame = {bytes, std::min<size_t>(header->caplen, kMaxPacketSize)};
  return true;
}

std::expected<std::vector<CapturedFrame>, std::string> read_pcap(const std::string& path) {
  auto reader = PcapReader::open(path);
  if (!reader) return std::unexpected(reader.error());
  std::vector<CapturedFrame> frames;
  ByteView frame;
  Duration timestamp;
  while (reader->next(frame, timestamp)) frames.push_back({timestamp, Bytes(frame.begin(), frame.end())});
  return frames;
}

std::expected<PcapWriter, std::string> PcapWriter::open(const std::string& path, bool nanoseconds) {
  PcapWriter writer;
  writer.nanoseconds_ = nanoseconds;
  writer.file_.reset(std::fopen(path.c_str(), "wb"));
  if (!writer.file_) return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  const uint32_t header[6] = {nanoseconds ? 0xa1b23c4du : 0xa1b2c3d4u, 2 | 4u << 16, 0, 0, 65536 + 64, DLT_EN10MB};  // version 2.4
  std::fwrite(header, sizeof header, 1, writer.file_.get());
  std::fflush(writer.file_.get());
  return writer;
}

void PcapWriter::write(Duration timestamp, ByteView frame) {
  int64_t ns = timestamp.count() % 1'000'000'000;
  const uint32_t header[4] = {static_cast<uint32_t>(to_seconds(timestamp)), static_cast<uint32_t>(nanoseconds_ ? ns : ns / 1000),
                              static_cast<uint32_t>(frame.size()), static_cast<uint32_t>(frame.size())};
  std::fwrite(header, sizeof header, 1, file_.get());
  std::fwrite(frame.data(), 1, frame.size(), file_.get());
  std::fflush(file_.get());
}

}  // namespace sluice
