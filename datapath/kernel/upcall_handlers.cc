// SPDX-License-Identifier: Apache-2.0
// See upcall_handlers.h.
#include "datapath/kernel/upcall_handlers.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <thread>

#include <linux/openvswitch.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "datapath/kernel/odp_netlink.h"

namespace sluice {

/// Its sockets, and the thread that reads them.
class UpcallHandlers::Handler {
 public:
  Handler(UpcallHandlers& all, bool with_thread);
  ~Handler();
  int error() const { return error_; }
  int fd() const { return epoll_.get(); }
  int add(const std::shared_ptr<GenlSocket>& socket);
  void remove(const std::shared_ptr<GenlSocket>& socket);
  /// One batch of each socket that has something; how many messages those were.
  size_t read_once(int timeout_ms);

 private:
  void run();
  std::shared_ptr<GenlSocket> find(int fd);

  UpcallHandlers& all_;
  UniqueFd epoll_, stop_;        // stop_: eventfd, readable when the thread is to end
  int error_ = 0;
  std::mutex mutex_;             // of sockets_
  std::map<int, std::shared_ptr<GenlSocket>> sockets_;   // by descriptor
  GenlBatch batch_;
  std::thread thread_;
};

UpcallHandlers::Handler::Handler(UpcallHandlers& all, bool with_thread) : all_(all), epoll_(epoll_create1(EPOLL_CLOEXEC)), stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = stop_.get()}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stop_.get(), &event)) error_ = errno;
  if (error_ || !with_thread) return;
  sigset_t all_signals, before;   // signals are for the control thread
  sigfillset(&all_signals);
  pthread_sigmask(SIG_SETMASK, &all_signals, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

UpcallHandlers::Handler::~Handler() {
  if (!thread_.joinable()) return;
  (void)eventfd_write(stop_.get(), 1);
  thread_.join();
}

int UpcallHandlers::Handler::add(const std::shared_ptr<GenlSocket>& socket) {
  {
    std::lock_guard lock(mutex_);
    sockets_[socket->fd()] = socket;
  }
  epoll_event event{.events = EPOLLIN, .data = {.fd = socket->fd()}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket->fd(), &event) ? errno : 0;
}

void UpcallHandlers::Handler::remove(const std::shared_ptr<GenlSocket>& socket) {
  if (find(socket->fd()) != socket) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket->fd(), nullptr);
  std::lock_guard lock(mutex_);
  sockets_.erase(socket->fd());
}

std::shared_ptr<GenlSocket> UpcallHandlers::Handler::find(int fd) {
  std::lock_guard lock(mutex_);
  auto socket = sockets_.find(fd);
  return socket == sockets_.end() ? nullptr : socket->second;
}

size_t UpcallHandlers::Handler::read_once(int timeout_ms) {
  epoll_event events[32];
  int n = epoll_wait(epoll_.get(), events, std::size(events), timeout_ms);
  size_t messages = 0;
  for (int i = 0; i < n; i++)
    if (auto socket = find(events[i].data.fd)) messages += all_.read(*socket, batch_);
  return messages;
}

void UpcallHandlers::Handler::run() {
  eventfd_t count;
  while (eventfd_read(stop_.get(), &count)) read_once(-1);
}

UpcallHandlers::UpcallHandlers() : bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
UpcallHandlers::~UpcallHandlers() { handlers_.clear(); }   // threads end before what they use

std::expected<std::unique_ptr<UpcallHandlers>, int> UpcallHandlers::start(unsigned threads) {
  std::unique_ptr<UpcallHandlers> all(new UpcallHandlers);
  all->threads_ = threads > 0;
  if (!all->bell_) return std::unexpected(EMFILE);
  for (unsigned i = 0; i < std::clamp(threads, 1u, kMostHandlers); i++) {
    all->handlers_.push_back(std::make_unique<Handler>(*all, all->threads_));
    if (int error = all->handlers_.back()->error()) return std::unexpected(error);
  }
  return all;
}

void UpcallHandlers::set_format(uint16_t packet_family, unsigned vlan_tags) { family_ = packet_family, vlan_tags_ = vlan_tags; }

std::expected<std::shared_ptr<GenlSocket>, int> UpcallHandlers::add_socket(int buffer_bytes) {
  auto opened = GenlSocket::open();
  if (!opened) return std::unexpected(opened.error());
  auto socket = std::make_shared<GenlSocket>(std::move(*opened));
  socket->set_receive_buffer(buffer_bytes);
  if (int error = handlers_[next_++ % handlers_.size()]->add(socket)) return std::unexpected(error);
  return socket;
}

void UpcallHandlers::remove_socket(const std::shared_ptr<GenlSocket>& socket) {
  for (auto& h : handlers_) h->remove(socket);
}

int UpcallHandlers::fd() const { return threads_ ? bell_.get() : handlers_[0]->fd(); }

bool UpcallHandlers::poll() {
  if (threads_) return false;
  size_t messages = 0;
  while (messages < kReadAtOnce) {
    size_t n = handlers_[0]->read_once(0);
    if (n == 0) return false;
    messages += n;
  }
  return true;
}

bool UpcallHandlers::read_each(const Visit& visit) {
  visit_ = &visit;
  bool more = handlers_[0]->read_once(0) >= kReadOfSocket;
  visit_ = nullptr;
  return more;
}

UpcallBatch UpcallHandlers::take(size_t most) {
  eventfd_t count;
  (void)eventfd_read(bell_.get(), &count);   // first: what comes from here on rings again
  return queues_.take(most);
}

/// One batch.  (Descriptors stay readable while there is more, and others have their turn.)
size_t UpcallHandlers::read(GenlSocket& socket, GenlBatch& batch) {
  int error = socket.receive_many(batch);
  if (error == ENOBUFS) overflows_++;
  for (const GenlMessage& m : batch.messages) message(m);
  return error == ENOBUFS ? 1 : batch.messages.size();
}

namespace {

/// Attributes of a packet that came up.
struct Parts {
  std::optional<Attr> packet, key, userdata;
  uint16_t mru = 0;
  uint64_t hash = 0;
  explicit Parts(ByteView attrs) {
    for (Attr a : Attrs(attrs)) {
      if (a.type == OVS_PACKET_ATTR_PACKET) packet = a;
      if (a.type == OVS_PACKET_ATTR_KEY) key = a;
      if (a.type == OVS_PACKET_ATTR_USERDATA) userdata = a;
      if (a.type == OVS_PACKET_ATTR_MRU) mru = a.as<uint16_t>().value_or(0);
      if (a.type == OVS_PACKET_ATTR_HASH) hash = a.as<uint64_t>().value_or(0);
    }
  }
};

}  // namespace

void UpcallHandlers::message(const GenlMessage& m) {
  if (m.family != family_) return;
  Parts parts(m.attrs);
  if (!parts.packet || !parts.key) return;
  auto upcall = [&] {
    return Upcall{.kind = m.command == OVS_PACKET_CMD_ACTION ? UpcallKind::kAction : UpcallKind::kMiss, .packet = Packet::from(parts.packet->data), .key = {}};
  };
  auto parse = [&](Upcall& u) {
    if (!decode_odp_metadata(parts.key->data, u.packet)) return false;
    u.packet.mru = parts.mru;
    u.packet.kernel_hash = parts.hash;
    extract(u.packet, u.key, vlan_tags_);
    if (u.kind != UpcallKind::kAction) return true;
    auto why = parts.userdata ? decode_userdata(parts.userdata->data) : std::nullopt;
    if (why) u.cookie = why->cookie, u.reason = why->reason;
    return why.has_value();
  };
  if (visit_) {
    Upcall u = upcall();
    return parse(u) ? (*visit_)(std::move(u)) : void(unreadable_++);
  }
  auto in_port = Attrs(parts.key->data).find(OVS_KEY_ATTR_IN_PORT);
  OdpPort port = in_port && in_port->as<uint32_t>() ? OdpPort{*in_port->as<uint32_t>()} : kOdpNone;
  if (!queues_.has_room(port)) return;
  auto u = std::make_unique<Upcall>(upcall());
  if (!parse(*u)) return unreadable_++, void();
  if (queues_.add(port, std::move(u)) && threads_) (void)eventfd_write(bell_.get(), 1);
}

unsigned usual_handler_threads() {
  unsigned cpus = std::thread::hardware_concurrency();
  return cpus > 1 ? std::min(cpus, kMostHandlers) : 0;
}

}  // namespace sluice
