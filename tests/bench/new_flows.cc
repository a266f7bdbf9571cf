// SPDX-License-Identifier: Apache-2.0
// Load of new microflows: sends UDP packets, each from another MAC address, address and port, to an interface, and counts those that come out of another.
//
//   new_flows IN OUT RATE SECONDS      RATE in packets a second; prints "sent N received N seconds S gap G": G is the longest time in which nothing came
//
// One thread that sleeps when it has nothing to do, so that it can share a processor with the switch.  Needs CAP_NET_RAW.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr uint64_t kNs = 1000000000;
constexpr size_t kFrame = 60, kBurst = 32;
constexpr int kBuffer = 4 << 20;   // bytes: received packets must not be lost here

uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * kNs + static_cast<uint64_t>(t.tv_nsec);
}

int open_interface(const char* name) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(0x0800);
  address.sll_ifindex = static_cast<int>(if_nametoindex(name));
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
  if (fd < 0 || !address.sll_ifindex || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address)) {
    std::perror(name);
    std::exit(1);
  }
  return fd;
}

using Frame = std::array<uint8_t, kFrame>;

/// UDP without a checksum from 10.N.N.N, of another MAC address each, to 11.0.0.2.
void compose(Frame& f, uint32_t n) {
  static const uint8_t kHead[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 11, 0, 0, 2, 0, 0, 0, 80, 0, 26, 0, 0};
  f.fill(0);
  std::memcpy(f.data(), kHead, sizeof kHead);
  for (unsigned i = 0; i < 3; i++) f[9 + i] = static_cast<uint8_t>(n >> (16 - 8 * i));
  f[27] = static_cast<uint8_t>(n >> 16), f[28] = static_cast<uint8_t>(n >> 8), f[29] = static_cast<uint8_t>(n);
  f[34] = static_cast<uint8_t>(n >> 8), f[35] = static_cast<uint8_t>(n);
  uint32_t sum = 0;
  for (size_t i = 14; i < 34; i += 2) sum += static_cast<uint32_t>(f[i]) << 8 | f[i + 1];
  sum = (sum & 0xffff) + (sum >> 16);
  sum = ~((sum & 0xffff) + (sum >> 16));
  f[24] = static_cast<uint8_t>(sum >> 8), f[25] = static_cast<uint8_t>(sum);
}

struct Batch {
  std::array<Frame, kBurst> frames;
  std::array<iovec, kBurst> vectors{};
  std::array<mmsghdr, kBurst> messages{};
  Batch() {
    for (size_t i = 0; i < kBurst; i++) {
      vectors[i] = {frames[i].data(), kFrame};
      messages[i].msg_hdr.msg_iov = &vectors[i], messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
};

uint64_t drain(int fd, Batch& batch) {
  uint64_t received = 0;
  for (int n; (n = recvmmsg(fd, batch.messages.data(), kBurst, 0, nullptr)) > 0;) received += static_cast<uint64_t>(n);
  return received;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return std::fprintf(stderr, "usage: new_flows IN OUT RATE SECONDS\n"), 2;
  int in = open_interface(argv[1]), out = open_interface(argv[2]);
  uint64_t rate = std::strtoull(argv[3], nullptr, 10), total = rate * std::strtoull(argv[4], nullptr, 10);
  Batch to_send, to_receive;
  uint64_t sent = 0, received = 0, began = now_ns(), last_heard = began, last_received = 0, gap = 0;
  auto receive = [&] {
    uint64_t n = drain(out, to_receive), now = now_ns();
    if (n && last_received) gap = std::max(gap, now - last_received);
    if (n) last_received = now;
    received += n;
    return n;
  };
  while (sent < total || now_ns() - last_heard < kNs / 2) {
    uint64_t due = std::min(total, (now_ns() - began) * rate / kNs + 1);
    while (sent < due) {
      size_t n = std::min<uint64_t>(kBurst, due - sent);
      for (size_t i = 0; i < n; i++) compose(to_send.frames[i], static_cast<uint32_t>(sent + i));
      int done = sendmmsg(in, to_send.messages.data(), static_cast<unsigned>(n), 0);
      if (done <= 0) break;
      sent += static_cast<uint64_t>(done);
      receive();
    }
    if (receive() || sent < total) last_heard = now_ns();
    usleep(1000);
  }
  std::printf("sent %llu received %llu seconds %.3f gap %.3f\n", static_cast<unsigned long long>(sent), static_cast<unsigned long long>(received),
              static_cast<double>(last_heard - began) / 1e9, static_cast<double>(gap) / 1e9);
}
