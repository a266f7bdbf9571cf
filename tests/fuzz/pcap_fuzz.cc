// SPDX-License-Identifier: Apache-2.0
// Any bytes as a capture file.
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

#include "datapath/pcap_file.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = fmt::format("/tmp/sluice-pcap-fuzz.{}", ::getpid());
  std::FILE* f = std::fopen(path.c_str(), "wb");
  require(f && std::fwrite(data, 1, size, f) == size && std::fclose(f) == 0);
  if (auto reader = PcapReader::open(path)) {
    ByteView frame;
    Duration time;
    size_t sum = 0;
    while (reader->next(frame, time))
      for (uint8_t b : frame) sum += b;
    require(sum != SIZE_MAX);
  }
  std::remove(path.c_str());
  return 0;
}
