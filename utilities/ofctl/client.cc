// SPDX-License-Identifier: Apache-2.0
// Sockets and framing of the blocking client.
#include "utilities/ofctl/client.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "lib/log.h"
#include "lib/program.h"

namespace sluice::ofctl {
namespace {

Log log_vconn("vconn");
constexpr size_t kReadSize = 64 * 1024;
constexpr size_t kInFlight = 64;  // requests without reply on the way at once

std::expected<int, int> open_socket(int family, const sockaddr* address, socklen_t length) {
  int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::unexpected(errno);
  if (::connect(fd, address, length) != 0) {
    int error = errno;
    ::close(fd);
    return std::unexpected(error);
  }
  if (family != AF_UNIX) {
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

std::expected<int, std::string> open_unix(const std::string& path) {
  sockaddr_un sun{};
  sun.sun_family = AF_UNIX;
  if (path.size() >= sizeof sun.sun_path) {
    // A long path is reached through its directory.
    size_t slash = path.rfind('/');
    int dir = slash == std::string::npos ? -1 : ::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return std::unexpected(errno_text(ENAMETOOLONG));
    auto fd = open_unix(fmt::format("/proc/self/fd/{}/{}", dir, path.substr(slash + 1)));
    ::close(dir);
    return fd;
  }
  path.copy(sun.sun_path, sizeof sun.sun_path - 1);
  auto fd = open_socket(AF_UNIX, reinterpret_cast<const sockaddr*>(&sun), sizeof sun);
  if (!fd) return std::unexpected(errno_text(fd.error()));
  return *fd;
}

std::expected<int, std::string> open_tcp(const Target& target) {
  auto addresses = resolve_now(target);
  if (!addresses) return std::unexpected(addresses.error());
  int error = EADDRNOTAVAIL;
  for (const SocketAddress& a : *addresses) {
    auto fd = open_socket(a.family(), a.get(), a.length);
    if (fd) return *fd;
    error = fd.error();
  }
  return std::unexpected(errno_text(error));
}

}  // namespace

std::expected<std::unique_ptr<Client>, std::string> Client::connect(const std::string& name, const Target& target, ofp::VersionSet versions,
                                                                    TlsContext* tls, std::optional<ofp::Version> preferred) {
  auto fd = target.kind == TransportKind::unix_socket ? open_unix(target.path) : open_tcp(target);
  if (!fd) return std::unexpected(fmt::format("connecting to {} ({})", name, fd.error()));
  std::unique_ptr<Client> client(new Client(name, *fd, nullptr));
  if (target.kind == TransportKind::tls) {
    auto session = tls ? tls->connect(*fd, Time{}) : std::expected<std::unique_ptr<TlsSession>, std::string>(std::unexpect, "no TLS");
    if (!session) return std::unexpected(fmt::format("connecting to {} ({})", name, session.error()));
    client->tls_ = std::move(*session);
    for (;;) {
      IoResult r = client->tls_->handshake();
      if (r.closed || !r.error.empty()) return std::unexpected(fmt::format("connecting to {} ({})", name, r.error.empty() ? "Protocol error" : r.error));
      if (!r.want_read && !r.want_write) break;
      client->wait_for(r.want_read, r.want_write);
    }
  }
  if (auto ok = client->negotiate(versions, preferred); !ok) return std::unexpected(ok.error());
  return client;
}

Client::~Client() {
  if (tls_) tls_->shutdown();
  ::close(fd_);
}

void Client::lost(std::string_view why) const { fatal("talking to {} ({})", name_, why); }

std::expected<void, std::string> Client::negotiate(ofp::VersionSet versions, std::optional<ofp::Version> preferred) {
  auto send_hello = [&] {
    auto highest = static_cast<ofp::Version>(31 - __builtin_clz(versions));
    send(ofp::encode({.type = ofp::MessageType::OFPT_HELLO, .version = highest, .xid = next_xid(), .body = ofp::Hello{.versions = versions}}));
  };
  // To prefer a version we must know what the switch speaks: its hello comes without ours.
  if (!preferred) send_hello();
  Bytes reply = receive();
  auto m = ofp::decode(reply);
  const auto* theirs = m ? std::get_if<ofp::Hello>(&m->body) : nullptr;
  if (!theirs) {
    log_vconn.warn("{}: received message of type {} while expecting HELLO", name_, reply.size() > 1 ? reply[1] : 0);
    return std::unexpected(fmt::format("connecting to {} (Protocol error)", name_));
  }
  if (preferred) {
    if (versions & theirs->versions & ofp::version_bit(*preferred)) versions = ofp::version_bit(*preferred);
    send_hello();
  }
  unsigned highest = 31 - static_cast<unsigned>(__builtin_clz(versions));
  ofp::VersionSet common = versions & theirs->versions & ofp::kAllVersions;
  if (common) {
    version_ = static_cast<ofp::Version>(31 - __builtin_clz(common));
    return {};
  }
  unsigned their_highest = theirs->versions ? 31 - static_cast<unsigned>(__builtin_clz(theirs->versions)) : 0;
  log_vconn.warn("{}: version negotiation failed (we support version 0x{:02x}, peer supports version 0x{:02x})", name_, highest, their_highest);
  std::string why = fmt::format("We support version 0x{:02x}, you support version 0x{:02x}, no common versions.", highest, their_highest);
  ofp::Message error{.type = ofp::MessageType::OFPT_ERROR, .version = static_cast<ofp::Version>(highest), .xid = m->xid,
                     .body = ofp::ErrorReport{.error = ofp::Error::OFPHFC_INCOMPATIBLE, .numbers = {}, .data = Bytes(why.begin(), why.end())}};
  send(ofp::encode(error));
  return std::unexpected(fmt::format("connecting to {} (Protocol error)", name_));
}

ofp::Message Client::make(ofp::MessageType type, ofp::Body body) {
  return {.type = type, .version = version_, .xid = next_xid(), .body = std::move(body)};
}

void Client::wait_for(bool read, bool write) {
  pollfd p{fd_, static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0)), 0};
  while (::poll(&p, 1, -1) < 0 && errno == EINTR) {}
}

void Client::send(ByteView bytes) {
  while (!bytes.empty()) {
    size_t n = 0;
    if (tls_) {
      IoResult r = tls_->write(bytes);
      if (r.closed || !r.error.empty()) lost(r.error.empty() ? errno_text(EPIPE) : r.error);
      if (!r.bytes && (r.want_read || r.want_write)) wait_for(r.want_read, r.want_write);
      n = r.bytes;
    } else {
      ssize_t k = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (k < 0 && errno == EAGAIN) wait_for(false, true);
      else if (k < 0 && errno != EINTR) lost(errno_text(errno));
      n = k < 0 ? 0 : static_cast<size_t>(k);
    }
    bytes = bytes.subspan(n);
  }
}

bool Client::fill(bool wait) {
  if (taken_) {
    in_.erase(in_.begin(), in_.begin() + static_cast<ptrdiff_t>(taken_));
    taken_ = 0;
  }
  size_t old = in_.size();
  in_.resize(old + kReadSize);
  std::span<uint8_t> room(in_.data() + old, kReadSize);
  for (;;) {
    IoResult r;
    if (tls_) {
      r = tls_->read(room);
    } else {
      ssize_t k = ::recv(fd_, room.data(), room.size(), 0);
      if (k > 0) r.bytes = static_cast<size_t>(k);
      else if (k == 0) r.closed = true;
      else if (errno == EAGAIN || errno == EINTR) r.want_read = true;
      else r.error = errno_text(errno);
    }
    in_.resize(old + r.bytes);
    if (r.bytes) return true;
    if (r.closed) lost("End of file");
    if (!r.error.empty()) lost(r.error);
    if (!wait) return false;
    wait_for(r.want_read, r.want_write);
    in_.resize(old + kReadSize);
    room = {in_.data() + old, kReadSize};
  }
}

Bytes Client::take_message() {
  ByteView rest(in_.data() + taken_, in_.size() - taken_);
  auto h = ofp::peek_header(rest);
  if (!h) return {};
  if (h->length < ofp::kHeaderSize) lost("Protocol error");
  if (rest.size() < h->length) return {};
  Bytes message(rest.begin(), rest.begin() + h->length);
  taken_ += h->length;
  return message;
}

Bytes Client::try_receive() {
  for (;;) {
    Bytes m = take_message();
    while (m.empty() && fill(false)) m = take_message();
    if (m.empty()) return m;
    auto request = m[1] == 2 ? ofp::decode(m) : ofp::fail(ofp::Error::OFPBRC_BAD_TYPE);
    if (!request) return m;
    request->type = ofp::MessageType::OFPT_ECHO_REPLY;
    send(ofp::encode(*request));
  }
}

Bytes Client::receive() {
  for (;;) {
    Bytes m = try_receive();
    if (!m.empty()) return m;
    fill(true);
  }
}

Bytes Client::transact(ByteView request) {
  uint32_t xid = ofp::peek_header(request)->xid;
  send(request);
  for (;;) {
    Bytes reply = receive();
    if (ofp::peek_header(reply)->xid == xid) return reply;
  }
}

Bytes Client::transact_noreply(ByteView request) { return transact_many({Bytes(request.begin(), request.end())}); }

Bytes Client::transact_many(const std::vector<Bytes>& requests) {
  Bytes error;
  size_t sent = 0, answered = 0;
  std::vector<uint32_t> barriers;
  while (answered < sent || (sent < requests.size() && error.empty())) {
    while (sent < requests.size() && sent - answered < kInFlight && error.empty()) {
      ofp::Message barrier = make(ofp::MessageType::OFPT_BARRIER_REQUEST, ofp::Empty{});
      Bytes both = requests[sent++];
      ofp::encode(barrier, both).value();
      barriers.push_back(barrier.xid);
      send(both);
    }
    Bytes reply = receive();
    auto h = *ofp::peek_header(reply);
    if (h.xid == barriers[answered]) answered++;
    else if (h.type == 1 && error.empty()) error = std::move(reply);
  }
  return error;
}

}  // namespace sluice::ofctl
