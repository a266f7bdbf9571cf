// SPDX-License-Identifier: Apache-2.0
// Load of new microflows: sends UDP packets, each from another MAC address, address and port, to an interface, and counts those that come out of another.
//
//   new_flows IN OUT RATE SECONDS      RATE in packets a second
//
// Prints "sent N received N seconds S outage S delay S gap S": the outage is the longest time for whose packets, sent one after another, none came through; the delay is the
// longest that a packet which did took; the gap is the longest time in which none came.
//
// One thread that sleeps when it has nothing to do, so that it can share a processor with the switch.  Needs CAP_NET_RAW.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

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

constexpr uint32_t kNone = UINT32_MAX;

/// The number of a packet that compose() made.
uint32_t number_of(const Frame& f) {
  if (f[26] != 10 || f[30] != 11) return kNone;
  return static_cast<uint32_t>(f[27]) << 16 | static_cast<uint32_t>(f[28]) << 8 | f[29];
}

/// When each packet was sent and came, ns; 0: never.
struct Log {
  explicit Log(size_t packets) : sent(packets), came(packets) {}
  std::vector<uint64_t> sent, came;
  uint64_t last = 0, gap = 0;
  void arrived(size_t number, uint64_t now) {
    came[number] = now;
    if (last) gap = std::max(gap, now - last);
    last = now;
  }
  uint64_t outage() const {
    uint64_t longest = 0, since = 0;   // since: the first of those that were lost one after another was sent
    for (size_t i = 0; i < sent.size() && sent[i]; i++) {
      if (!came[i] && !since) since = sent[i];
      if (!since) continue;
      longest = std::max(longest, sent[i] - since);
      if (came[i]) since = 0;
    }
    return longest;
  }
  uint64_t delay() const {
    uint64_t longest = 0;
    for (size_t i = 0; i < sent.size(); i++)
      if (came[i]) longest = std::max(longest, came[i] - sent[i]);
    return longest;
  }
};

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

uint64_t drain(int fd, Batch& batch, Log& log) {
  uint64_t received = 0;
  for (int n; (n = recvmmsg(fd, batch.messages.data(), kBurst, 0, nullptr)) > 0;) {
    uint64_t now = now_ns();
    for (size_t i = 0; i < static_cast<size_t>(n); i++)
      if (uint32_t number = number_of(batch.frames[i]); number < log.came.size() && !log.came[number]) log.arrived(number, now), received++;
  }
  return received;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return std::fprintf(stderr, "usage: new_flows IN OUT RATE SECONDS\n"), 2;
  int in = open_interface(argv[1]), out = open_interface(argv[2]);
  uint64_t rate = std::strtoull(argv[3], nullptr, 10), total = rate * std::strtoull(argv[4], nullptr, 10);
  Batch to_send, to_receive;
  Log log(total);
  uint64_t sent = 0, received = 0, began = now_ns(), last_heard = began;
  auto receive = [&] {
    uint64_t n = drain(out, to_receive, log);
    received += n;
    return n;
  };
  while (sent < total || now_ns() - last_heard < kNs / 2) {
    uint64_t now = now_ns(), due = std::min(total, (now - began) * rate / kNs + 1);
    while (sent < due) {
      size_t n = std::min<uint64_t>(kBurst, due - sent);
      for (size_t i = 0; i < n; i++) compose(to_send.frames[i], static_cast<uint32_t>(sent + i));
      now = now_ns();
      for (size_t i = 0; i < n; i++) log.sent[sent + i] = now;
      int done = sendmmsg(in, to_send.messages.data(), static_cast<unsigned>(n), 0);
      if (done <= 0) break;
      sent += static_cast<uint64_t>(done);
      receive();
    }
    if (receive() || sent < total) last_heard = now_ns();
    usleep(1000);
  }
  std::printf("sent %llu received %llu seconds %.3f outage %.3f delay %.3f gap %.3f\n", static_cast<unsigned long long>(sent), static_cast<unsigned long long>(received),
              static_cast<double>(last_heard - began) / 1e9, static_cast<double>(log.outage()) / 1e9, static_cast<double>(log.delay()) / 1e9, static_cast<double>(log.gap) / 1e9);
}
