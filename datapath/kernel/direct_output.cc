// SPDX-License-Identifier: Apache-2.0
// See direct_output.h.
#include "datapath/kernel/direct_output.h"

#include <array>
#include <cerrno>

#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace sluice {
namespace {

constexpr int kSendBuffer = 4 << 20;   // bytes: frames in the queues of devices

}  // namespace

void DirectOutput::open() {
  fd_.reset(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));   // of protocol 0: it receives nothing
  if (fd_) setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer);
}

void DirectOutput::add(ByteView frame, int ifindex) {
  if (waiting_.size() == kMost) flush();
  waiting_.push_back({bytes_.size(), frame.size(), ifindex});
  bytes_.insert(bytes_.end(), frame.begin(), frame.end());
}

void DirectOutput::flush() {
  if (waiting_.empty()) return;
  std::array<mmsghdr, kMost> messages{};
  std::array<iovec, kMost> parts;
  std::array<sockaddr_ll, kMost> to{};
  const size_t count = waiting_.size();
  for (size_t i = 0; i < count; i++) {
    parts[i] = {bytes_.data() + waiting_[i].at, waiting_[i].size};
    to[i].sll_family = AF_PACKET;
    to[i].sll_ifindex = waiting_[i].ifindex;
    messages[i].msg_hdr.msg_name = &to[i], messages[i].msg_hdr.msg_namelen = sizeof to[i];
    messages[i].msg_hdr.msg_iov = &parts[i], messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (size_t done = 0; done < count;) {
    int n = sendmmsg(fd_.get(), &messages[done], static_cast<unsigned>(count - done), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) refused_++, done++;   // the first one; those after it are tried
    else done += static_cast<size_t>(n);
  }
  waiting_.clear();
  bytes_.clear();
}

}  // namespace sluice
