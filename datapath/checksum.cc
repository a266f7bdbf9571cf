// SPDX-License-Identifier: Apache-2.0
// Sums are taken in native order over 8-byte words and swapped once at the end (RFC 1071 2(B)).
#include "datapath/checksum.h"

#include <array>

namespace sluice {
namespace {

uint16_t fold64(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  auto s = static_cast<uint32_t>(sum);
  s = (s & 0xffff) + (s >> 16);
  s = (s & 0xffff) + (s >> 16);
  return static_cast<uint16_t>(s);
}

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> t{};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int k = 0; k < 8; k++) c = c & 1 ? 0x82f63b78 ^ (c >> 1) : c >> 1;
    t[i] = c;
  }
  return t;
}();

}  // namespace

uint32_t checksum_add(uint32_t sum, ByteView bytes) {
  const uint8_t* p = bytes.data();
  size_t n = bytes.size();
  uint64_t acc = 0;
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t w;
    std::memcpy(&w, p, 8);
    acc += (w & 0xffffffff) + (w >> 32);
  }
  for (; n >= 2; p += 2, n -= 2) {
    uint16_t w;
    std::memcpy(&w, p, 2);
    acc += w;
  }
  if (n) {
    uint8_t last[2] = {*p, 0};
    uint16_t w;
    std::memcpy(&w, last, 2);
    acc += w;
  }
  uint32_t folded = swap_to_big(fold64(acc));
  uint64_t total = uint64_t{sum} + folded;
  return static_cast<uint32_t>((total & 0xffffffff) + (total >> 32));
}

uint16_t checksum_fold(uint32_t sum) { return static_cast<uint16_t>(~fold64(sum)); }

uint32_t pseudo_header_sum(ByteView addresses, uint8_t proto, uint32_t length) {
  return checksum_add(proto + (length >> 16) + (length & 0xffff), addresses);
}

uint16_t checksum_update16(uint16_t field, uint16_t from, uint16_t to) {
  return checksum_fold(uint32_t{static_cast<uint16_t>(~field)} + static_cast<uint16_t>(~from) + to);
}

uint16_t checksum_update(uint16_t field, ByteView from, ByteView to) {
  uint32_t minus = static_cast<uint16_t>(checksum_fold(checksum_add(0, from)));  // the complement of from's sum
  return checksum_fold(checksum_add(uint32_t{static_cast<uint16_t>(~field)} + minus, to));
}

uint32_t crc32c(ByteView bytes) {
  uint32_t c = 0xffffffff;
  for (uint8_t b : bytes) c = kCrcTable[(c ^ b) & 0xff] ^ (c >> 8);
  return ~c;
}

void write_ipv4_checksum(uint8_t* header, size_t length) {
  store_be<uint16_t>(header + 10, 0);
  store_be(header + 10, checksum({header, length}));
}

}  // namespace sluice
