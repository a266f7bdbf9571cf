// SPDX-License-Identifier: Apache-2.0
// Any bytes as a capture file: what is read is no larger than the file, and written again it reads the same.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "datapath/pcap_file.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = fmt::format("/dev/shm/sluice-pcap-fuzz.{}", ::getpid());
  std::FILE* f = std::fopen(path.c_str(), "wb");
  require(f && std::fwrite(data, 1, size, f) == size && std::fclose(f) == 0);
  auto frames = read_pcap(path);
  if (frames) {
    size_t sum = 0;
    for (const CapturedFrame& c : *frames) sum += c.bytes.size();
    require(sum <= size);
    {
      auto writer = PcapWriter::open(path, true);
      require(writer.has_value());
      for (const CapturedFrame& c : *frames) writer->write(c.timestamp, c.bytes);
    }
    auto again = read_pcap(path);
    require(again.has_value());
    require(std::ranges::equal(*frames, *again, {}, &CapturedFrame::bytes, &CapturedFrame::bytes));
  }
  std::remove(path.c_str());
  return 0;
}
