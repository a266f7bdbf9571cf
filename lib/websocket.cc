// SPDX-License-Identifier: Apache-2.0
// Beast wants a stream to read from and to write to.  Here that is a Pipe: two strings.  Its operations complete as soon as there is input, in
// WebSocketContext's io_context, which is run to its end within each call and so is always idle between them.
// The only file that includes Boost.Beast.
#include "lib/websocket.h"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <functional>
#include <sstream>

#include "lib/connection.h"

namespace sluice {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Error = boost::system::error_code;

class Pipe {
 public:
  using executor_type = asio::io_context::executor_type;
  explicit Pipe(asio::io_context& context) : executor_(context.get_executor()) {}
  executor_type get_executor() const noexcept { return executor_; }

  void feed(ByteView bytes) {
    input.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (waiting_) std::exchange(waiting_, nullptr)();
  }

  template <typename Buffers, typename Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    waiting_ = [this, buffers, h = std::forward<Handler>(handler)]() mutable {
      size_t n = asio::buffer_copy(buffers, asio::buffer(input));
      input.erase(0, n);
      asio::post(executor_, beast::bind_front_handler(std::move(h), Error(), n));
    };
    if (!input.empty()) std::exchange(waiting_, nullptr)();
  }

  template <typename Buffers, typename Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    size_t before = output.size(), n = beast::buffer_bytes(buffers);
    output.resize(before + n);
    asio::buffer_copy(asio::buffer(output.data() + before, n), buffers);
    asio::post(executor_, beast::bind_front_handler(std::forward<Handler>(handler), Error(), n));
  }

  std::string input, output;

 private:
  executor_type executor_;
  std::move_only_function<void()> waiting_;
};

// The socket's end is the Connection's business.
void beast_close_socket(Pipe&) {}
template <typename Handler>
void async_teardown(beast::role_type, Pipe& pipe, Handler&& handler) {
  asio::post(pipe.get_executor(), beast::bind_front_handler(std::forward<Handler>(handler), Error()));
}

/// Finds where values end.
class ValueEnd {
 public:
  /// Bytes up to the end of the first value in it, and whether there is an end.
  std::pair<size_t, bool> find(std::string_view json) {
    for (size_t i = 0; i < json.size(); i++) {
      char c = json[i];
      if (in_string_) {
        if (escaped_) escaped_ = false;
        else if (c == '\\') escaped_ = true;
        else if (c == '"') in_string_ = false;
      } else if (c == '"') {
        in_string_ = true;
      } else if (c == '{' || c == '[') {
        depth_++;
      } else if ((c == '}' || c == ']') && --depth_ == 0) {
        return {i + 1, true};
      }
    }
    return {json.size(), false};
  }

 private:
  size_t depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

}  // namespace

struct WebSocketContext::Impl {
  asio::io_context io;
};

WebSocketContext::WebSocketContext() : impl_(std::make_unique<Impl>()) {}
WebSocketContext::~WebSocketContext() = default;

bool WebSocketContext::allows(std::string_view origin) const {
  return origins_.empty() || origin.empty() || std::find(origins_.begin(), origins_.end(), origin) != origins_.end();
}

struct WebSocket::Impl {
  explicit Impl(WebSocketContext& c) : context(c), io(c.impl_->io), stream(io) {
    request.header_limit(kHttpHeaderLimit);
    request.body_limit(0);
    stream.read_message_max(kWebSocketMessageLimit);
    stream.text(true);
    stream.auto_fragment(false);
    http::async_read(pipe(), buffer, request, [this](Error e, size_t) { on_request(e); });
    run();
  }

  Pipe& pipe() { return stream.next_layer(); }
  void run() {
    io.restart();
    io.poll();
  }

  void on_request(Error e);
  void refuse(http::status status, std::string_view text);
  void read();
  void on_read(Error e, size_t n);
  void write(std::string_view json);

  WebSocketContext& context;
  asio::io_context& io;
  beast::websocket::stream<Pipe, false> stream;
  beast::flat_buffer buffer;  // of the handshake
  http::request_parser<http::empty_body> request;
  std::array<char, 4096> chunk;
  std::string payload, early;
  std::optional<std::string> ended;
  ValueEnd value_end;
  bool open = false;
};

void WebSocket::Impl::on_request(Error e) {
  if (e) return refuse(http::status::bad_request, "no HTTP request");
  const auto& r = request.get();
  if (!beast::websocket::is_upgrade(r)) return refuse(http::status::upgrade_required, "this is a WebSocket");
  auto origin = r[http::field::origin];
  if (!context.allows({origin.data(), origin.size()})) return refuse(http::status::forbidden, "not for pages of this origin");
  pipe().input.insert(0, beast::buffers_to_string(buffer.data()));  // what followed the request
  buffer.consume(buffer.size());
  stream.set_option(beast::websocket::stream_base::decorator([](beast::websocket::response_type& response) {
    response.set(http::field::server, "Sluice");
  }));
  stream.async_accept(r, [this](Error error) {
    if (error) {
      ended = "WebSocket handshake failed: " + error.message();
      return;
    }
    open = true;
    if (!early.empty()) write(std::exchange(early, {}));
    read();
  });
}

void WebSocket::Impl::refuse(http::status status, std::string_view text) {
  http::response<http::string_body> response(status, 11);
  response.set(http::field::server, "Sluice");
  response.set(http::field::content_type, "text/plain");
  if (status == http::status::upgrade_required) response.set(http::field::upgrade, "websocket");
  response.set(http::field::connection, status == http::status::upgrade_required ? "upgrade, close" : "close");
  response.body() = text;
  response.body() += '\n';
  response.prepare_payload();
  pipe().output += (std::ostringstream() << response).str();
  ended = "WebSocket handshake refused: " + std::string(text);
}

void WebSocket::Impl::read() {
  stream.async_read_some(asio::buffer(chunk), [this](Error e, size_t n) { on_read(e, n); });
}

void WebSocket::Impl::on_read(Error e, size_t n) {
  if (e) {
    // Beast has sent or answered the close frame.
    ended = e == beast::websocket::error::closed ? std::string(kEndOfFile) : "WebSocket: " + e.message();
    return;
  }
  payload.append(chunk.data(), n);
  read();
}

void WebSocket::Impl::write(std::string_view json) {
  while (!json.empty() && !ended) {
    auto [length, whole] = value_end.find(json);
    stream.async_write_some(whole, asio::buffer(json.data(), length), [this](Error e, size_t) {
      if (e && !ended) ended = "WebSocket: " + e.message();
    });
    run();
    json.remove_prefix(length);
  }
}

WebSocket::WebSocket(WebSocketContext& context) : impl_(std::make_unique<Impl>(context)) {}
WebSocket::~WebSocket() = default;

void WebSocket::receive(ByteView bytes) {
  if (impl_->ended) return;
  impl_->pipe().feed(bytes);
  impl_->run();
}

void WebSocket::send(std::string_view json) {
  if (impl_->ended) return;
  if (impl_->open) impl_->write(json);
  else impl_->early += json;
}

void WebSocket::say_close(WebSocketClose code, std::string_view reason) {
  if (impl_->ended || !impl_->open) return;
  constexpr size_t kMost = 123;  // of a control frame
  reason = reason.substr(0, kMost);
  auto number = static_cast<uint16_t>(code);
  std::string& out = impl_->pipe().output;
  out += {'\x88', static_cast<char>(reason.size() + 2), static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
  out += reason;
  impl_->ended = std::string(reason);
}

bool WebSocket::is_open() const { return impl_->open; }
const std::optional<std::string>& WebSocket::ended() const { return impl_->ended; }
std::string WebSocket::take_payload() { return std::exchange(impl_->payload, {}); }
std::string WebSocket::take_output() { return std::exchange(impl_->pipe().output, {}); }

}  // namespace sluice
