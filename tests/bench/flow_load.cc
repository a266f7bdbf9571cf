// SPDX-License-Identifier: Apache-2.0
// flow_load SOCKET exact|acl COUNT [FIRST]: adds COUNT flows to an OpenFlow 1.3 switch, pipelined, waits for the barrier, and prints
// "SECONDS FLOW_MODS_PER_SECOND".  exact: 5-tuples; acl: prefixes and ports with priorities; bundle: 5-tuples in one bundle.
// flow_load SOCKET echo COUNT: echo requests.
// flow_load SOCKET stats 1: one flow-stats request, prints "SECONDS BYTES".
#include <fmt/core.h>

#include "lib/bytes.h"
#include "tests/bench/load.h"

namespace {

using namespace sluice;
using namespace sluice::bench;

void header(ByteWriter& w, uint8_t type, uint16_t length, uint32_t xid) { w.u8(4), w.u8(type), w.u16(length), w.u32(xid); }

void oxm(ByteWriter& w, uint8_t field, uint8_t length) { w.u16(0x8000), w.u8(static_cast<uint8_t>(field << 1)), w.u8(length); }
void oxm_masked(ByteWriter& w, uint8_t field, uint8_t length) { w.u16(0x8000), w.u8(static_cast<uint8_t>(field << 1 | 1)), w.u8(static_cast<uint8_t>(length * 2)); }

void write_match(ByteWriter& w, bool exact, uint32_t n) {
  oxm(w, 5, 2), w.u16(0x0800);
  oxm(w, 10, 1), w.u8(6);
  if (exact) {
    oxm(w, 11, 4), w.u32(0x0a000000 + n);
    oxm(w, 12, 4), w.u32(0xc0a80000 + (n >> 16));
    oxm(w, 13, 2), w.u16(static_cast<uint16_t>(n * 7));
    oxm(w, 14, 2), w.u16(80);
  } else {
    uint32_t mask = ~0u << (n % 5 * 4);
    oxm_masked(w, 11, 4), w.u32((n * 2654435761u) & mask), w.u32(mask);
    uint32_t other = ~0u << (8 + n % 3 * 4);
    oxm_masked(w, 12, 4), w.u32((n * 40503u << 8) & other), w.u32(other);
    oxm(w, 14, 2), w.u16(static_cast<uint16_t>(n));
  }
}

void flow_mod(Bytes& out, bool exact, uint32_t n) {
  ByteWriter w(out);
  size_t start = w.size();
  header(w, 14, 0, n);
  w.u64(n), w.u64(0), w.u8(0), w.u8(0), w.u16(0), w.u16(0), w.u16(exact ? 100 : static_cast<uint16_t>(n % 1000));
  w.u32(UINT32_MAX), w.u32(UINT32_MAX), w.u32(UINT32_MAX), w.u16(0), w.u16(0);
  size_t match = w.size();
  w.u16(1), w.u16(0);
  write_match(w, exact, n);
  w.patch_u16(match + 2, static_cast<uint16_t>(w.size() - match));
  w.pad(match, 8);
  w.u16(4), w.u16(24), w.u32(0);                                // apply actions
  w.u16(0), w.u16(16), w.u32(1), w.u16(0), w.zeros(6);          // output:1
  w.patch_u16(start + 2, static_cast<uint16_t>(w.size() - start));
}

/// Reads messages until one of `type` came (multipart: the last part); the bytes of all.
size_t await(int fd, uint8_t type, int count = 1) {
  static Bytes buffer;
  size_t total = 0;
  for (;;) {
    while (buffer.size() >= 8) {
      size_t length = load_be<uint16_t>(buffer.data() + 2);
      if (buffer.size() < length) break;
      bool last = buffer[1] == type && !(type == 19 && buffer[11] & 1);
      if (buffer[1] == 1) fprintf(stderr, "error message type %u code %u\n", load_be<uint16_t>(buffer.data() + 8), load_be<uint16_t>(buffer.data() + 10)), exit(1);
      total += length;
      buffer.erase(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(length));
      if (last && --count == 0) return total;
    }
    uint8_t chunk[65536];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n <= 0) die("read");
    buffer.insert(buffer.end(), chunk, chunk + n);
  }
}

void experimenter(ByteWriter& w, uint16_t length, uint32_t xid, uint32_t subtype) { header(w, 4, length, xid), w.u32(0x4f4e4600), w.u32(subtype); }

/// Opens (0), closes (2), commits (4) the bundle, and waits for the reply.
void bundle_control(int fd, uint16_t type) {
  Bytes out;
  ByteWriter w(out);
  experimenter(w, 24, 1, 2300);
  w.u32(1), w.u16(type), w.u16(1);   // atomic
  send_all(fd, {reinterpret_cast<const char*>(out.data()), out.size()});
  await(fd, 4);
}

void flow_mod_in_bundle(Bytes& out, uint32_t n) {
  Bytes mod;
  flow_mod(mod, true, n);
  ByteWriter w(out);
  experimenter(w, static_cast<uint16_t>(24 + mod.size()), n, 2301);
  w.u32(1), w.u16(0), w.u16(1), w.bytes(mod);
}

void send_bytes(int fd, const Bytes& b) { send_all(fd, {reinterpret_cast<const char*>(b.data()), b.size()}); }

void simple(int fd, uint8_t type, int count) {
  Bytes out;
  for (int i = 0; i < count; i++) {
    ByteWriter w(out);
    header(w, type, 8, static_cast<uint32_t>(i));
  }
  send_bytes(fd, out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return fprintf(stderr, "usage: flow_load SOCKET exact|acl|bundle|echo|stats COUNT [FIRST]\n"), 2;
  std::string kind = argv[2];
  int count = atoi(argv[3]), first = argc > 4 ? atoi(argv[4]) : 0;
  int fd = connect_unix(argv[1]);
  simple(fd, 0, 1);
  await(fd, 0);
  double start = seconds_now();
  if (kind == "echo") {
    for (int done = 0; done < count; done += 64) simple(fd, 2, 64), await(fd, 3, 64);
  } else if (kind == "stats") {
    Bytes out;
    ByteWriter w(out);
    header(w, 18, 56, 1), w.u16(1), w.u16(0), w.u32(0);
    w.u8(255), w.zeros(3), w.u32(UINT32_MAX), w.u32(UINT32_MAX), w.u32(0), w.u64(0), w.u64(0), w.u16(1), w.u16(4), w.u32(0);
    send_bytes(fd, out);
    size_t bytes = await(fd, 19);
    printf("%.4f %zu\n", seconds_now() - start, bytes);
    return 0;
  } else {
    constexpr int kChunk = 1000;
    bool bundle = kind == "bundle";
    if (bundle) bundle_control(fd, 0);
    for (int n = 0; n < count; n += kChunk) {
      Bytes out;
      for (int i = n; i < std::min(n + kChunk, count); i++) {
        uint32_t number = static_cast<uint32_t>(first + i);
        bundle ? flow_mod_in_bundle(out, number) : flow_mod(out, kind == "exact", number);
      }
      send_bytes(fd, out);
    }
    if (bundle) bundle_control(fd, 4);
    simple(fd, 20, 1);
    await(fd, 21);
  }
  double took = seconds_now() - start;
  printf("%.4f %.0f\n", took, count / took);
  return 0;
}
