// SPDX-License-Identifier: Apache-2.0
#include "lib/listener.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/lifetime.h"
#include "lib/log.h"
#include "lib/socket.h"

namespace sluice {
namespace {

Log log_("socket_util");
constexpr Duration kOutOfDescriptorsPause = milliseconds(100);

/// Device and inode, to know our own socket file from one that has taken its place.
std::pair<dev_t, ino_t> file_id(const std::string& path) {
  struct stat s{};
  return ::lstat(path.c_str(), &s) < 0 ? std::pair<dev_t, ino_t>() : std::pair(s.st_dev, s.st_ino);
}

}  // namespace

struct Listener::Impl {
  Impl(Loop& l, Target t, Accept a, Options o)
      : loop(l), target(std::move(t)), accept(std::move(a)), options(o), retry(l, [this] { watch.set(true, false); }, "listener") {}
  ~Impl() {
    if (fd < 0) return;
    ::close(fd);
    if (!target.path.empty() && file_id(target.path) == file) ::unlink(target.path.c_str());
  }
  void on_readable();
  std::string name_of(const SocketAddress& peer);

  Loop& loop;
  Target target;
  UserCall<void(std::unique_ptr<Connection>)> accept;
  Options options;
  Timer retry;  // after the process ran out of descriptors
  Watch watch;
  int fd = -1;
  std::pair<dev_t, ino_t> file{};
  uint16_t port = 0;
  uint64_t accepted = 0;
  Lifetime lifetime;
};

std::string Listener::Impl::name_of(const SocketAddress& peer) {
  if (target.kind == TransportKind::unix_socket) return fmt::format("unix#{}", accepted);
  std::string_view method = transport_name(target.kind, false);
  if (target.web) method = target.kind == TransportKind::tls ? "wss" : "ws";
  return fmt::format("{}:{}", method, peer.host_port());
}

void Listener::Impl::on_readable() {
  for (int i = 0; i < kAcceptsPerIteration; i++) {
    SocketAddress peer;
    peer.length = sizeof peer.storage;
    int s = ::accept4(fd, peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (s < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        // The client stays in the backlog; asking again at once would only spin.
        watch.set(false, false);
        retry.set(loop.now() + kOutOfDescriptorsPause);
      }
      if (errno == ECONNABORTED || errno == EINTR) continue;
      break;
    }
    accepted++;
    set_no_delay(s);
    if (options.dscp) set_dscp(s, peer.family(), options.dscp);
    if (!accept(lifetime, Connection::accepted(loop, s, name_of(peer), options.tls, target.web ? options.web : nullptr))) return;
  }
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;

std::expected<std::unique_ptr<Listener>, ListenError> Listener::listen(Loop& loop, const Target& target, Accept accept, Options options) {
  auto failed = [](int error) { return std::unexpected(ListenError{error, std::strerror(error)}); };
  if (!target.passive || (target.web && !options.web)) return failed(EAFNOSUPPORT);
  if (target.kind == TransportKind::tls && !options.tls) return failed(ENOPROTOOPT);
  if (target.kind == TransportKind::tls)
    if (auto why = options.tls->check(loop.now())) return std::unexpected(ListenError{ENOPROTOOPT, fmt::format("{} ({})", std::strerror(ENOPROTOOPT), *why)});
  if (target.kind != TransportKind::tls) options.tls = nullptr;
  std::expected<int, int> fd;
  if (target.kind == TransportKind::unix_socket) {
    fd = open_passive_unix(target.path, options.unix_mode, kListenBacklog);
  } else {
    auto address = numeric_address(target);
    if (!address) return failed(address.error().error);
    fd = open_passive(*address, kListenBacklog);
  }
  if (!fd) return failed(fd.error());
  auto impl = std::make_unique<Impl>(loop, target, std::move(accept), options);
  impl->fd = *fd;
  if (!target.path.empty()) impl->file = file_id(target.path);
  SocketAddress local;
  local.length = sizeof local.storage;
  if (::getsockname(*fd, local.get(), &local.length) == 0) impl->port = local.port();
  if (target.port == 0 && impl->port) log_.info("{}: listening on port {}", target.text.substr(target.text.find(':') + 1), impl->port);
  if (options.dscp) set_dscp(*fd, local.family(), options.dscp);
  impl->watch = loop.watch(*fd, true, false, [i = impl.get()](bool, bool) { i->on_readable(); }, "listener");
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

const Target& Listener::target() const { return impl_->target; }
uint16_t Listener::bound_port() const { return impl_->port; }

}  // namespace sluice
