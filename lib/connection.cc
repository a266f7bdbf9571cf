// SPDX-License-Identifier: Apache-2.0
// States: connecting -> (handshake ->) open -> (draining ->) closed.  Everything that calls the user starts in on_event() or end_of_iteration().
#include "lib/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/lifetime.h"
#include "lib/output_queue.h"
#include "lib/socket.h"

namespace sluice {
namespace {

constexpr int kReadsPerEvent = 4;      // then others have their turn
constexpr int kTlsReadsPerEvent = 16;  // a record is 16 kB at most
constexpr int kWritesPerEvent = 16;
constexpr size_t kPiecesPerWrite = 64;
constexpr size_t kTlsRecord = 16 * 1024;

}  // namespace

struct Connection::Impl {
  enum class State : uint8_t { connecting, handshake, open, draining, closed };

  Impl(Loop& l, std::string n) : loop(l), name(std::move(n)), end(l, [this] { end_of_iteration(); }, "connection output") {}
  ~Impl() { release(); }

  // Paths that may call the user return false if the connection was destroyed meanwhile.
  void on_event(bool readable, bool writable);
  void end_of_iteration();
  bool connected();
  bool opened();
  bool step_handshake();
  bool read_some();
  bool read_tls();
  bool received(ByteView data);
  bool flush();
  bool write_tls();
  bool write_plain();
  bool drained();

  void adopt(int descriptor);
  void start_tls();
  void send_framed(std::string_view text);
  void drain(std::string reason);
  void fail(std::string reason);
  void release();
  void update_interest();
  void queued_more() {
    if (state == State::open && !blocked) end.schedule();
  }

  Loop& loop;
  std::string name;
  Watch watch;
  Deferred end;
  OutputQueue out;
  std::unique_ptr<TlsSession> tls;
  std::unique_ptr<WebSocket> web;          // between the bytes of the socket and the user's
  std::unique_ptr<Timer> handshake_timer;  // of an accepted connection with a handshake, until it is open
  TlsContext* tls_context = nullptr;  // until the session has begun
  UserCall<void()> on_open, on_drained;
  UserCall<void(ByteView)> on_data;
  UserCall<void(std::string_view)> on_close;
  std::string close_reason;
  Lifetime lifetime;
  Time last_received{};
  uint64_t bytes_received = 0, bytes_sent = 0;
  int fd = -1;
  State state = State::connecting;
  bool is_unix = false, is_tls = false, is_client = false;
  bool paused = false, blocked = false;  // blocked: the socket takes no more output now
  bool open_pending = false, close_pending = false, read_pending = false;
  bool tls_read_wants_write = false, tls_write_wants_read = false, handshake_wants_write = false;
};

void Connection::Impl::adopt(int descriptor) {
  fd = descriptor;
  last_received = loop.now();
  watch = loop.watch(fd, false, false, [this](bool r, bool w) { on_event(r, w); }, "connection");
}

void Connection::Impl::on_event(bool readable, bool writable) {
  switch (state) {
    case State::connecting:
      if (writable && !connected()) return;
      break;
    case State::handshake:
      if (!step_handshake()) return;
      break;
    case State::open:
      // TLS may need either direction for either purpose.
      if ((readable || tls_read_wants_write) && !paused && !read_some()) return;
      if (state == State::open && (writable || tls_write_wants_read) && !flush()) return;
      break;
    case State::draining:
      if (!flush()) return;
      break;
    case State::closed: return;
  }
  update_interest();
}

void Connection::Impl::end_of_iteration() {
  if (std::exchange(open_pending, false) && state == State::connecting && !connected()) return;
  if (std::exchange(read_pending, false) && state == State::open && !paused && !read_some()) return;
  if ((state == State::open || state == State::draining) && !out.empty() && !blocked && !flush()) return;
  if (std::exchange(close_pending, false)) {
    std::string reason = std::move(close_reason);
    on_close(lifetime, std::string_view(reason));
    return;
  }
  if (state != State::closed) update_interest();
}

/// The connection attempt of a client has come to its end.
bool Connection::Impl::connected() {
  if (int error = socket_error(fd)) {
    fail(std::strerror(error));
    return true;
  }
  if (is_tls) {
    start_tls();
    return state == State::handshake ? step_handshake() : true;
  }
  return opened();
}

bool Connection::Impl::opened() {
  state = State::open;
  if (!web) handshake_timer.reset();
  last_received = loop.now();
  if (!on_open(lifetime)) return false;
  if (!out.empty()) end.schedule();
  return true;
}

void Connection::Impl::start_tls() {
  if (!tls_context) return fail(std::strerror(ENOPROTOOPT));
  auto session = is_client ? tls_context->connect(fd, loop.now()) : tls_context->accept(fd, loop.now());
  tls_context = nullptr;
  // The details are TlsContext::check()'s; here it gets the peer's word.
  if (!session) return fail(std::strerror(ENOPROTOOPT));
  tls = std::move(*session);
  state = State::handshake;
}

bool Connection::Impl::step_handshake() {
  IoResult r = tls->handshake();
  if (!r.error.empty()) {
    if (r.error == kBootstrapped) tls->shutdown();  // an end in order: the peer did nothing wrong
    fail(std::move(r.error));
    return true;
  }
  handshake_wants_write = r.want_write;
  if (r.want_read || r.want_write) return true;
  if (!opened()) return false;
  // What came together with the end of the handshake is inside already: the socket will not tell.
  read_pending = true;
  if (state != State::closed) end.schedule();
  return true;
}

bool Connection::Impl::received(ByteView data) {
  last_received = loop.now();
  bytes_received += data.size();
  if (!web) return on_data(lifetime, data);
  web->receive(data);
  if (web->is_open()) handshake_timer.reset();
  std::string payload = web->take_payload();
  send_framed({});
  if (!payload.empty() && !on_data(lifetime, ByteView(reinterpret_cast<const uint8_t*>(payload.data()), payload.size()))) return false;
  if (state == State::open && web->ended()) drain(*web->ended());
  return true;
}

/// To a WebSocket, with what it has to say itself.
void Connection::Impl::send_framed(std::string_view text) {
  web->send(text);
  if (std::string bytes = web->take_output(); !bytes.empty()) out.push(std::move(bytes));
  queued_more();
}

void Connection::Impl::drain(std::string reason) {
  if (out.empty()) return fail(std::move(reason));
  close_reason = std::move(reason);
  state = State::draining;
  end.schedule();
}

bool Connection::Impl::read_some() {
  if (tls) return read_tls();
  std::span<uint8_t> buffer = loop.read_buffer();
  for (int i = 0; i < kReadsPerEvent && state == State::open && !paused; i++) {
    ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n == 0) fail(std::string(kEndOfFile));
    if (n < 0 && errno != EAGAIN && errno != EINTR) fail(std::strerror(errno));
    if (n <= 0) return true;
    if (!received(buffer.first(static_cast<size_t>(n)))) return false;
    if (static_cast<size_t>(n) < buffer.size()) return true;
  }
  return true;
}

bool Connection::Impl::read_tls() {
  std::span<uint8_t> buffer = loop.read_buffer();
  tls_read_wants_write = false;
  for (int i = 0; i < kTlsReadsPerEvent && state == State::open && !paused; i++) {
    IoResult r = tls->read(buffer);
    if (r.closed) fail(std::string(kEndOfFile));
    if (!r.error.empty()) fail(std::move(r.error));
    tls_read_wants_write = r.want_write;
    if (r.bytes == 0) return true;
    if (!received(buffer.first(r.bytes))) return false;
  }
  if (state == State::open && tls->has_buffered()) {
    read_pending = true;  // when paused, pause_reading(false) schedules
    if (!paused) end.schedule();
  }
  return true;
}

bool Connection::Impl::flush() {
  blocked = false;
  bool had = !out.empty();
  if (tls ? !write_tls() : !write_plain()) return true;  // failed, which is not destroyed
  if (!out.empty()) {
    blocked = true;
    return true;
  }
  return had || state == State::draining ? drained() : true;
}

bool Connection::Impl::drained() {
  if (state == State::draining) {
    if (tls) tls->shutdown();
    fail(std::move(close_reason));
    return true;
  }
  return on_drained(lifetime);
}

bool Connection::Impl::write_plain() {
  std::array<iovec, kPiecesPerWrite> pieces;
  for (int i = 0; i < kWritesPerEvent && !out.empty(); i++) {
    msghdr m{};
    m.msg_iov = pieces.data();
    m.msg_iovlen = out.peek(pieces);
    size_t offered = 0;
    for (size_t k = 0; k < m.msg_iovlen; k++) offered += pieces[k].iov_len;
    ssize_t n = ::sendmsg(fd, &m, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN || errno == EINTR) return true;
      fail(std::strerror(errno));
      return false;
    }
    bytes_sent += static_cast<size_t>(n);
    out.pop(static_cast<size_t>(n));
    if (static_cast<size_t>(n) < offered) return true;
  }
  return true;
}

bool Connection::Impl::write_tls() {
  tls_write_wants_read = false;
  // The read buffer is free: nothing is sent while data are being handed over.
  std::span<uint8_t> scratch = loop.read_buffer().first(kTlsRecord);
  for (int i = 0; i < kWritesPerEvent && !out.empty(); i++) {
    IoResult r = tls->write(out.gather(scratch));
    if (r.closed || !r.error.empty()) {
      fail(r.closed ? std::string(kEndOfFile) : std::move(r.error));
      return false;
    }
    tls_write_wants_read = r.want_read;
    if (r.bytes == 0) return true;
    bytes_sent += r.bytes;
    out.pop(r.bytes);
  }
  return true;
}

void Connection::Impl::update_interest() {
  bool read = false, write = false;
  switch (state) {
    case State::connecting: write = !open_pending; break;
    case State::handshake: read = !handshake_wants_write, write = handshake_wants_write; break;
    case State::open:
      read = !paused || tls_write_wants_read;
      write = (blocked && !tls_write_wants_read) || (tls_read_wants_write && !paused);
      break;
    case State::draining: read = tls_write_wants_read, write = !tls_write_wants_read; break;
    case State::closed: return;
  }
  watch.set(read, write);
}

void Connection::Impl::fail(std::string reason) {
  if (state == State::closed) return;
  if (web && state == State::open && !web->ended()) {  // tell it why, if it listens
    web->say_close(WebSocketClose::protocol_error, reason);
    out.push(web->take_output());
    tls ? write_tls() : write_plain();
    if (state == State::closed) return;
  }
  release();
  close_reason = std::move(reason);
  close_pending = true;
  end.schedule();
}

void Connection::Impl::release() {
  state = State::closed;
  watch.reset();
  out.clear();
  tls.reset();
  handshake_timer.reset();
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() { close(); }

std::unique_ptr<Connection> Connection::connect(Loop& loop, const Target& target, const SocketAddress& address, TlsContext* tls) {
  auto impl = std::make_unique<Impl>(loop, target.text);
  impl->is_unix = target.kind == TransportKind::unix_socket;
  impl->is_tls = target.kind == TransportKind::tls;
  impl->is_client = true;
  impl->tls_context = tls;
  auto fd = impl->is_unix ? open_unix_stream(target.path) : open_stream(address);
  if (!fd) {
    impl->fail(std::strerror(fd.error()));
  } else {
    impl->adopt(*fd);
    if (impl->is_unix) {  // connected at once; but the user is told from the loop
      impl->open_pending = true;
      impl->end.schedule();
    }
    impl->update_interest();
  }
  return std::unique_ptr<Connection>(new Connection(std::move(impl)));
}

std::unique_ptr<Connection> Connection::accepted(Loop& loop, int fd, std::string name, TlsContext* tls, WebSocketContext* web) {
  auto impl = std::make_unique<Impl>(loop, std::move(name));
  if (web) impl->web = std::make_unique<WebSocket>(*web);
  impl->is_unix = impl->name.starts_with("unix");
  impl->is_tls = tls != nullptr;
  impl->tls_context = tls;
  impl->adopt(fd);
  if (tls) impl->start_tls();
  else impl->state = Impl::State::open;
  if (tls || web) {
    auto too_late = [i = impl.get()] { i->fail(i->state == Impl::State::open ? "WebSocket: handshake timed out" : "TLS: handshake timed out"); };
    impl->handshake_timer = std::make_unique<Timer>(loop, std::move(too_late), "handshake");
    impl->handshake_timer->set(loop.now() + kHandshakeTimeout);
  }
  impl->update_interest();
  return std::unique_ptr<Connection>(new Connection(std::move(impl)));
}

void Connection::on_open(Callback<void()> fn) { impl_->on_open = std::move(fn); }
void Connection::on_data(Callback<void(ByteView)> fn) { impl_->on_data = std::move(fn); }
void Connection::on_close(Callback<void(std::string_view)> fn) { impl_->on_close = std::move(fn); }
void Connection::on_drained(Callback<void()> fn) { impl_->on_drained = std::move(fn); }

bool Connection::is_open() const { return impl_->state == Impl::State::open; }
bool Connection::is_connecting() const { return impl_->state == Impl::State::connecting || impl_->state == Impl::State::handshake; }

void Connection::send(Bytes bytes) {
  if (impl_->state >= Impl::State::draining) return;
  if (impl_->web) return impl_->send_framed({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  impl_->out.push(std::move(bytes));
  impl_->queued_more();
}
void Connection::send(std::string text) {
  if (impl_->state >= Impl::State::draining) return;
  if (impl_->web) return impl_->send_framed(text);
  impl_->out.push(std::move(text));
  impl_->queued_more();
}
void Connection::send_copy(std::string_view text) {
  if (impl_->state >= Impl::State::draining) return;
  if (impl_->web) return impl_->send_framed(text);
  impl_->out.push_copy(text);
  impl_->queued_more();
}
void Connection::send(std::shared_ptr<const std::string> shared) {
  if (impl_->state >= Impl::State::draining) return;
  if (impl_->web) return impl_->send_framed(*shared);
  impl_->out.push(std::move(shared));
  impl_->queued_more();
}
size_t Connection::queued() const { return impl_->out.bytes(); }

void Connection::pause_reading(bool paused) {
  if (impl_->paused == paused) return;
  impl_->paused = paused;
  if (impl_->state == Impl::State::closed) return;
  impl_->update_interest();
  if (!paused && impl_->tls) {  // it may hold decrypted bytes
    impl_->read_pending = true;
    impl_->end.schedule();
  }
}
bool Connection::reading_paused() const { return impl_->paused; }

void Connection::close() {
  if (!impl_) return;
  impl_->close_pending = false;
  if (impl_->state == Impl::State::closed) return;
  if (impl_->state >= Impl::State::open && impl_->fd >= 0) {
    if (impl_->tls) {
      impl_->write_tls();
      if (impl_->tls) impl_->tls->shutdown();
    } else {
      impl_->write_plain();
    }
  }
  impl_->release();
  impl_->close_pending = false;
}

void Connection::close_when_drained(std::string reason, WebSocketClose code) {
  if (impl_->state != Impl::State::open) return impl_->fail(std::move(reason));
  if (impl_->web) {
    impl_->web->say_close(code, reason);
    impl_->send_framed({});
  }
  impl_->drain(std::move(reason));
}

void Connection::fail(std::string reason) { impl_->fail(std::move(reason)); }

const std::string& Connection::peer_name() const { return impl_->name; }
bool Connection::is_unix() const { return impl_->is_unix; }
bool Connection::is_tls() const { return impl_->is_tls; }
std::string Connection::peer_certificate_name() const { return impl_->tls ? impl_->tls->peer_common_name() : std::string(); }

SocketAddress Connection::local_address() const {
  SocketAddress a;
  a.length = sizeof a.storage;
  if (::getsockname(impl_->fd, a.get(), &a.length) < 0) a.length = 0;
  return a;
}

SocketAddress Connection::peer_address() const {
  SocketAddress a;
  a.length = sizeof a.storage;
  if (::getpeername(impl_->fd, a.get(), &a.length) < 0) a.length = 0;
  return a;
}

Time Connection::last_received() const { return impl_->last_received; }
uint64_t Connection::bytes_received() const { return impl_->bytes_received; }
uint64_t Connection::bytes_sent() const { return impl_->bytes_sent; }
Loop& Connection::loop() const { return impl_->loop; }
int Connection::fd() const { return impl_->fd; }

}  // namespace sluice
