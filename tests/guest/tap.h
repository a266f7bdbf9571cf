// SPDX-License-Identifier: Apache-2.0
// A host at a port: a tap interface whose other end is this object.  What it sends the port receives; what is output to the port it reads.
#pragma once

#include <cstring>
#include <optional>
#include <string>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "datapath/link.h"
#include "lib/bytes.h"
#include "lib/files.h"

namespace sluice {

class Tap {
 public:
  explicit Tap(const std::string& name) : name_(name), fd_(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    ok_ = fd_ && ioctl(fd_.get(), TUNSETIFF, &request) == 0;
    // The guest's own stack must not talk on it.
    if (auto f = fopen(("/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6").c_str(), "w")) fputs("1", f), fclose(f);
    set_link_up(name, true);
  }
  bool ok() const { return ok_; }
  const std::string& name() const { return name_; }
  bool send(ByteView frame) { return write(fd_.get(), frame.data(), frame.size()) == static_cast<ssize_t>(frame.size()); }
  /// The next frame, if one comes within `wait_ms`.
  std::optional<Bytes> receive(int wait_ms = 1000) {
    pollfd p{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (poll(&p, 1, wait_ms) <= 0) return std::nullopt;
    Bytes frame(65536);
    ssize_t n = read(fd_.get(), frame.data(), frame.size());
    if (n < 0) return std::nullopt;
    frame.resize(static_cast<size_t>(n));
    return frame;
  }

 private:
  std::string name_;
  UniqueFd fd_;
  bool ok_ = false;
};

}  // namespace sluice
