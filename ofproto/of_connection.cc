// SPDX-License-Identifier: Apache-2.0
// See of_connection.h.
#include "ofproto/of_connection.h"

#include <fmt/core.h>

#include <bit>

#include "lib/log.h"
#include "ofproto/openflow/message_text.h"

namespace sluice {
namespace {

using ofp::MessageType;
constexpr size_t kInputSlack = 256 << 10;   // bytes handled and still in the buffer
constexpr uint8_t kHelloType = 0, kErrorType = 1, kEchoRequestType = 2, kEchoReplyType = 3;  // the same in all versions

/// The version with the highest bit.  REQUIRES: bits != 0.
uint8_t highest(uint32_t bits) { return static_cast<uint8_t>(31 - std::countl_zero(bits)); }

/// "0x01, 0x04": for the text of a failed negotiation.
std::string format_versions(uint32_t bits) {
  std::string s;
  for (unsigned v = 0; v < 32; v++)
    if (bits >> v & 1) s += fmt::format("{}0x{:02x}", s.empty() ? "" : ", ", v);
  return s;
}

/// "version 0x06 and earlier", "version 0x04", "versions 0x01, 0x04".
std::string describe_versions(uint32_t bits) {
  uint8_t last = highest(bits);
  if (last > 1 && bits == (2u << last) - 2) return fmt::format("version 0x{:02x} and earlier", last);
  return fmt::format("version{} {}", std::popcount(bits) == 1 ? "" : "s", format_versions(bits));
}

Log log_vconn("vconn");
LogLimit message_limit(600, 600);

/// Each message, for those who debug a controller (vlog/set vconn:dbg).
void log_message(const OfConnection& c, std::string_view what, ByteView message) {
  ofp::CodecOptions codec = c.session().codec;
  codec.shapes = nullptr;
  std::string text = ofp::format_wire(message, {.names = {.tlv = codec.tlv}, .verbosity = 1}, codec);
  while (text.ends_with('\n')) text.pop_back();
  log_vconn.dbg(message_limit, "{}: {}: {}", c.name(), what, text);
}

}  // namespace

OfConnection::OfConnection(Connection& stream, ConnectionKind kind, uint32_t versions, Handlers handlers)
    : stream_(stream), kind_(kind), versions_(versions), handlers_(std::move(handlers)) {
  session_.miss_send_len = kind == ConnectionKind::kPrimary ? 128 : 0;
  stream_.on_data([this](ByteView bytes) { received(bytes); });
  uint8_t version = highest(versions_);
  send({.type = MessageType::OFPT_HELLO, .version = static_cast<ofp::Version>(version), .xid = next_xid_++, .body = ofp::Hello{.versions = versions_}});
}

bool OfConnection::wants(ofp::AsyncKind kind, unsigned reason) const {
  if (!ready_ || kind_ == ConnectionKind::kSnoop) return false;
  if (kind_ == ConnectionKind::kService && session_.miss_send_len == 0) return false;
  return session_.async.wants(kind, reason, session_.role == ofp::Role::kSecondary);
}

void OfConnection::send(const ofp::Message& message) {
  Bytes out;
  if (ofp::encode(message, out, session_.codec)) send_raw(std::move(out));
}

void OfConnection::send_raw(Bytes bytes) {
  bool logged = log_vconn.enabled(LogLevel::dbg);
  if (handlers_.on_traffic || logged)
    for (size_t at = 0; at + ofp::kHeaderSize <= bytes.size();) {
      size_t length = std::max<size_t>(load_be<uint16_t>(bytes.data() + at + 2), ofp::kHeaderSize);
      ByteView message = ByteView(bytes).subspan(at, std::min(length, bytes.size() - at));
      traffic(message);
      if (logged) log_message(*this, "sent (Success)", message);
      at += length;
    }
  stream_.send(std::move(bytes));
}

void OfConnection::send_error(ofp::Error error, ByteView offending) {
  send_raw(ofp::encode_error(error, ready_ ? version_ : static_cast<ofp::Version>(highest(versions_)), offending));
}

void OfConnection::send_async(const ofp::Message& message) {
  if (stream_.queued() > kAsyncHighWater) {
    dropped_async_++;
    return;
  }
  send(message);
}

void OfConnection::probe() {
  if (ready_) send({.type = MessageType::OFPT_ECHO_REQUEST, .version = version_, .xid = 0, .body = ofp::Echo{}});
}

void OfConnection::received(ByteView bytes) {
  if (broken_) return;
  in_.insert(in_.end(), bytes.begin(), bytes.end());
  run();
}

bool OfConnection::run() {
  if (in_.empty() && !work_ && !stream_.reading_paused()) return false;   // most turns
  bool more = true;
  for (turn_ = kMessagesPerTurn; turn_ && more;) {
    turn_--;
    more = handle_next();
  }
  flow_control();
  return more;
}

void OfConnection::work(std::move_only_function<bool()> slice) {
  end_turn();
  if (slice()) work_ = std::move(slice);
}

/// Reading stops while too much waits to be handled or to be sent.
void OfConnection::flow_control() {
  if (in_head_ == in_.size()) {
    in_.clear();
    in_head_ = 0;
  } else if (in_head_ > kInputSlack) {  // what is left then is less than that
    in_.erase(in_.begin(), in_.begin() + static_cast<ptrdiff_t>(in_head_));
    in_head_ = 0;
  }
  bool pause = broken_ || in_.size() - in_head_ > kInputHighWater || stream_.queued() > kReplyHighWater;
  if (pause == stream_.reading_paused()) return;
  stream_.pause_reading(pause);
  stream_.on_drained(pause ? Callback<void()>([this] { flow_control(); }) : nullptr);
}

/// False if no whole message waits, or none may be handled now.
bool OfConnection::handle_next() {
  if (broken_ || stream_.queued() > kReplyHighWater) return false;
  if (work_) {
    end_turn();
    if (!work_()) work_ = nullptr;
    return true;
  }
  ByteView stream(in_.data() + in_head_, in_.size() - in_head_);
  auto header = ofp::peek_header(stream);
  if (!header) return false;
  if (header->length < ofp::kHeaderSize) {
    broken_ = true;
    stream_.fail(fmt::format("received too-short OpenFlow message ({} bytes)", header->length));
    return false;
  }
  if (stream.size() < header->length) return false;
  // Handlers may make the input buffer grow no further (only received() does), so the view stays valid during the call.
  ByteView raw = stream.first(header->length);
  in_head_ += header->length;
  handle(*header, raw);
  return !broken_ && (work_ || in_head_ < in_.size());
}

void OfConnection::handle(const ofp::Header& header, ByteView raw) {
  traffic(raw);
  if (log_vconn.enabled(LogLevel::dbg)) log_message(*this, "received", raw);
  if (!ready_) return negotiate(header, raw);
  bool any_version = header.type <= kEchoReplyType;
  if (header.version != static_cast<uint8_t>(version_) && !any_version) {
    // In the version that the other side seems to speak.
    bool known = header.version >= static_cast<uint8_t>(ofp::Version::k10) && header.version <= static_cast<uint8_t>(ofp::Version::k15);
    return send_raw(ofp::encode_error(ofp::Error::OFPBRC_BAD_VERSION, known ? static_cast<ofp::Version>(header.version) : version_, raw));
  }
  if (header.type == kHelloType || header.type == kErrorType) return;
  if (header.type == kEchoReplyType) return;
  if (header.type == kEchoRequestType) {  // without decoding: the payload goes back as it is
    Bytes reply(raw.begin(), raw.end());
    reply[1] = kEchoReplyType;
    return send_raw(std::move(reply));
  }
  ofp::Message message;
  if (ofp::Status read = ofp::read_message(raw, session_.codec, message); !read) return send_error(read.error(), raw);
  const ofp::MessageInfo& info = ofp::info(message.type);
  if (info.sender == ofp::Sender::kSwitch || info.reply) return send_error(ofp::Error::OFPBRC_BAD_TYPE, raw);
  handlers_.on_message(*this, message, raw);
}

/// OF1.3.5 6.3.1: the highest version in both bitmaps, or else the smaller of the two header versions if both sides have it.
void OfConnection::negotiate(const ofp::Header& header, ByteView raw) {
  if (header.type == kErrorType) {
    broken_ = true;
    return stream_.fail("the peer refused our hello");
  }
  if (header.type != kHelloType) {
    send_error(ofp::Error::OFPBRC_BAD_TYPE, raw);
    broken_ = true;
    return stream_.close_when_drained("received a message before hello");
  }
  uint32_t theirs = header.version < 31 ? (2u << header.version) - 2 : UINT32_MAX - 1;
  if (auto message = ofp::decode(raw))
    if (auto* hello = std::get_if<ofp::Hello>(&message->body); hello && hello->versions) theirs = hello->versions;
  if (!(theirs & versions_)) {
    std::string text = fmt::format("We support version{} {}, you support version{} {}, no common versions.", std::popcount(versions_) == 1 ? "" : "s",
                                   format_versions(versions_), std::popcount(theirs) == 1 ? "" : "s", format_versions(theirs));
    ofp::ErrorReport report{.error = ofp::Error::OFPHFC_INCOMPATIBLE, .data = Bytes(text.begin(), text.end())};
    send({.type = MessageType::OFPT_ERROR, .version = static_cast<ofp::Version>(highest(versions_)), .xid = header.xid, .body = std::move(report)});
    broken_ = true;
    return stream_.close_when_drained("version negotiation failed");
  }
  version_ = static_cast<ofp::Version>(highest(theirs & versions_));
  ready_ = true;
  log_vconn.dbg("{}: negotiated OpenFlow version 0x{:02x} (we support {}, peer supports {})", name(), static_cast<int>(version_), describe_versions(versions_), describe_versions(theirs));
  if (handlers_.on_ready) handlers_.on_ready(*this);
}

}  // namespace sluice
