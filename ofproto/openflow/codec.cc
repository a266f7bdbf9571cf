// SPDX-License-Identifier: Apache-2.0
// Headers of messages, and the way from a header to the body's codec: read one row of messages.def, call its functions.
#include "ofproto/openflow/codec.h"

#include <algorithm>
#include <cstring>

#include "lib/log.h"
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/match_shape.h"
#include "ofproto/openflow/message_ids.h"
#include "ofproto/openflow/message_lengths.h"

namespace sluice::ofp {
namespace {

Log log_messages("ofp_msgs"), log_flow("ofp_flow");
LogLimit limit(1, 5);

constexpr uint16_t kMoreFlag = 1;
constexpr size_t kErrorDataSize = 65535 - 24;  // the offending message whole, as far as an error with its headers has room for it

struct BodyCodec {
  Status (*decode)(ByteReader&, const BodyContext&, Body&);
  Status (*encode)(ByteWriter&, const BodyContext&, const Body&);
};

template <typename T>
struct CodecOf {
  static Status decode(ByteReader& r, const BodyContext& ctx, Body& out) { return decode_body(r, ctx, out.emplace<T>()); }
  static Status encode(ByteWriter& w, const BodyContext& ctx, const Body& body) {
    const T* b = std::get_if<T>(&body);
    return b ? encode_body(w, ctx, *b) : fail(Error::OFPBRC_BAD_TYPE);
  }
  static constexpr BodyCodec kFunctions = {decode, encode};
};

constexpr BodyCodec kCodecs[] = {
#define PLAIN(name, body, ...) CodecOf<body>::kFunctions,
#define NICIRA(name, body, ...) CodecOf<body>::kFunctions,
#define ONF(name, body, ...) CodecOf<body>::kFunctions,
#define STATS(name, request, reply, ...) CodecOf<request>::kFunctions, CodecOf<reply>::kFunctions,
#define NXSTATS STATS
#define ONFSTATS STATS
#include "ofproto/openflow/messages.def"
};

/// What the headers say; `body` begins after them.
struct Envelope {
  MessageType type;
  Version version;
  uint32_t xid;
  bool more;
  ByteReader body;
};

/// No row of the table: which numbers are unknown goes to the log.
template <typename... Args>
std::unexpected<Error> unknown(Error error, const Header& h, fmt::format_string<Args...> more, Args&&... args) {
  log_messages.warn(limit, "unknown OpenFlow message (version {}, type {}{})", h.version, h.type, fmt::format(more, std::forward<Args>(args)...));
  return fail(error);
}

Result<Envelope> open_experimenter(Envelope e, const Header& h, WireKind kind, bool reply) {
  uint32_t vendor = e.body.u32(), number = e.body.u32();
  if (kind == WireKind::kExperimenterStats && e.version == Version::k10) e.body.skip(4);
  if (!e.body.ok()) return fail(Error::OFPBRC_BAD_LEN);
  auto type = find_experimenter(e.version, kind, reply, vendor, number);
  bool any_of_vendor = vendor == kNiciraVendor || (vendor == kOnfVendor && (kind == WireKind::kExperimenter || e.version > Version::k10));
  if (!type && !any_of_vendor) {
    log_messages.warn(limit, "OpenFlow message has unknown vendor 0x{:x}", vendor);
    return fail(Error::OFPBRC_BAD_VENDOR);
  }
  std::string_view stat = kind == WireKind::kExperimenterStats ? ", stat 65535" : "";
  if (!type) return unknown(Error::OFPBRC_BAD_SUBTYPE, h, "{}, vendor 0x{:x}, subtype {}", stat, vendor, number);
  e.type = *type;
  return e;
}

Result<Envelope> open_multipart(Envelope e, const Header& h, bool reply) {
  uint16_t number = e.body.u16();
  e.more = e.body.u16() & kMoreFlag;
  if (e.version > Version::k10) e.body.skip(4);
  if (!e.body.ok()) return fail(Error::OFPBRC_BAD_LEN);
  if (number == kExperimenterStats) return open_experimenter(e, h, WireKind::kExperimenterStats, reply);
  auto type = find_stats(e.version, reply, number);
  if (!type) return unknown(Error::OFPBRC_BAD_STAT, h, ", stat {}", number);
  e.type = *type;
  return e;
}

/// A hello of a version that we do not know is readable all the same; all else of it is not.
std::optional<Version> readable_version(const Header& h) {
  if (h.version >= 1 && h.version <= static_cast<uint8_t>(Version::k15)) return static_cast<Version>(h.version);
  if (h.version != 0 && h.type == 0) return Version::k15;
  return std::nullopt;
}

Result<Envelope> open_headers(const Header& h, ByteView bytes) {
  auto version = readable_version(h);
  if (!version) return unknown(Error::OFPBRC_BAD_TYPE, h, "");
  Envelope e{MessageType::OFPT_HELLO, *version, h.xid, false, ByteReader(bytes.subspan(kHeaderSize))};
  uint8_t request = *version == Version::k10 ? 16 : 18;
  if (h.type == request || h.type == request + 1) return open_multipart(e, h, h.type != request);
  if (h.type == kExperimenterType) return open_experimenter(e, h, WireKind::kExperimenter, false);
  auto type = find_plain(*version, h.type);
  if (!type) return unknown(Error::OFPBRC_BAD_TYPE, h, "");
  e.type = *type;
  return e;
}

Result<Envelope> open(ByteView bytes) {
  auto h = peek_header(bytes);
  if (!h || h->length != bytes.size()) return fail(Error::OFPBRC_BAD_LEN);
  auto e = open_headers(*h, bytes);
  if (!e) return e;
  size_t body = e->body.remaining();
  if (Status s = check_length(e->type, e->version, bytes.size() - body, body); !s) return fail(s.error());
  return e;
}

void put_headers(ByteWriter& w, MessageType type, Version version, uint32_t xid) {
  const MessageId& id = message_id(type);
  w.u8(static_cast<uint8_t>(version));
  w.u8(id.header_type(version));
  w.u16(0);
  w.u32(xid);
  if (id.multipart()) {
    w.u16(id.kind == WireKind::kStats ? static_cast<uint16_t>(id.number) : kExperimenterStats);
    w.u16(0);
    if (version > Version::k10) w.zeros(4);
  }
  if (id.vendor) {
    w.u32(id.vendor);
    w.u32(id.number);
    if (id.multipart() && version == Version::k10) w.zeros(4);
  }
}

size_t headers_size(MessageType type, Version version) {
  const MessageId& id = message_id(type);
  if (id.kind == WireKind::kPlain) return kHeaderSize;
  if (id.kind == WireKind::kExperimenter) return 16;
  if (id.kind == WireKind::kExperimenterStats) return 24;
  return version == Version::k10 ? 12 : 16;
}

Status encode_multipart(const Message& m, Bytes& out, const CodecOptions& options) {
  MultipartWriter writer(out, m.type, m.version, m.xid, options);
  ByteWriter w(out);
  Status s = kCodecs[static_cast<size_t>(m.type)].encode(w, {m.type, m.version, static_cast<uint8_t>(m.version), m.xid, options, &writer}, m.body);
  if (s) writer.finish(m.more);
  return s;
}

Status encode_single(const Message& m, Bytes& out, const CodecOptions& options) {
  size_t start = out.size();
  ByteWriter w(out);
  put_headers(w, m.type, m.version, m.xid);
  Status s = kCodecs[static_cast<size_t>(m.type)].encode(w, {m.type, m.version, static_cast<uint8_t>(m.version), m.xid, options}, m.body);
  if (!s) return s;
  if (out.size() - start > kMaxMessage) return fail(Error::OFPBRC_BAD_LEN);
  w.patch_u16(start + 2, static_cast<uint16_t>(out.size() - start));
  return {};
}

}  // namespace

std::optional<Header> peek_header(ByteView stream) {
  if (stream.size() < kHeaderSize) return std::nullopt;
  const uint8_t* p = stream.data();
  return Header{p[0], p[1], load_be<uint16_t>(p + 2), load_be<uint32_t>(p + 4)};
}

Result<MessageType> decode_type(ByteView bytes) {
  auto e = open(bytes);
  if (!e) return fail(e.error());
  return e->type;
}

Result<MessageType> decode_type_of_part(ByteView bytes) {
  auto h = peek_header(bytes);
  if (!h) return fail(Error::OFPBRC_BAD_LEN);
  auto e = open_headers(*h, bytes);
  if (!e) return fail(e.error());
  return e->type;
}

namespace {
/// What a body's codec said of it, when it has looked at all of it.
Status whole_body(Status s, const ByteReader& body) { return s && (!body.ok() || body.remaining()) ? fail(Error::OFPBRC_BAD_LEN) : s; }
}  // namespace

Status read_message(ByteView bytes, const CodecOptions& options, Message& m) {
  auto e = open(bytes);
  if (!e) return fail(e.error());
  m.type = e->type;
  m.version = e->version;
  m.xid = e->xid;
  m.more = e->more;
  return whole_body(kCodecs[static_cast<size_t>(e->type)].decode(e->body, {e->type, e->version, bytes[0], e->xid, options}, m.body), e->body);
}

Status read_flow_mod(ByteView bytes, MessageType type, const CodecOptions& options, FlowMod& m) {
  Version version = static_cast<Version>(bytes[0]);
  ByteReader body(bytes.subspan(headers_size(type, version)));
  return whole_body(decode_body(body, {type, version, bytes[0], load_be<uint32_t>(bytes.data() + 4), options}, m), body);
}

Result<Message> decode(ByteView bytes, const CodecOptions& options) {
  Result<Message> m(std::in_place);  // the only thing that is returned, so that it is made in place
  if (Status s = read_message(bytes, options, *m); !s) m = fail(s.error());
  return m;
}

Status encode(const Message& m, Bytes& out, const CodecOptions& options) {
  if (!exists(m.type, m.version)) return fail(Error::OFPBRC_BAD_TYPE);
  size_t start = out.size();
  Status s = message_id(m.type).multipart() ? encode_multipart(m, out, options) : encode_single(m, out, options);
  if (!s) out.resize(start);
  return s;
}

Bytes encode(const Message& m, const CodecOptions& options) {
  Bytes out;
  encode(m, out, options);
  return out;
}

Bytes encode_error(Error error, Version version, ByteView offending) {
  auto h = peek_header(offending);
  ErrorReport report{.error = error};
  report.data.assign(offending.begin(), offending.begin() + std::min(offending.size(), kErrorDataSize));
  return encode({.type = MessageType::OFPT_ERROR, .version = version, .xid = h ? h->xid : 0, .body = std::move(report)});
}

MultipartWriter::MultipartWriter(Bytes& out, MessageType type, Version version, uint32_t xid, const CodecOptions& options)
    : out_(out), type_(type), version_(version), xid_(xid), options_(options) {
  begin_message();
}

MultipartWriter::~MultipartWriter() = default;

void MultipartWriter::begin_message() {
  message_start_ = out_.size();
  ByteWriter w(out_);
  put_headers(w, type_, version_, xid_);
}

void MultipartWriter::close_message(bool more) {
  store_be(out_.data() + message_start_ + 2, static_cast<uint16_t>(out_.size() - message_start_));
  store_be(out_.data() + message_start_ + 10, static_cast<uint16_t>(more ? kMoreFlag : 0));
}

void MultipartWriter::finish(bool more) { close_message(more); }

Status MultipartWriter::entry_done(size_t entry_start) {
  if (out_.size() - message_start_ <= kMaxMessage) return {};
  size_t head = headers_size(type_, version_);
  if (out_.size() - entry_start + head > kMaxMessage) return fail(Error::OFPBRC_BAD_LEN);
  Bytes entry(out_.begin() + static_cast<ptrdiff_t>(entry_start), out_.end());
  out_.resize(entry_start);
  close_message(true);
  begin_message();
  out_.insert(out_.end(), entry.begin(), entry.end());
  return {};
}

/// An entry that could not be written, or is too long for any message, leaves nothing.
Status MultipartWriter::end_entry(Status s, size_t start) {
  if (s) s = entry_done(start);
  if (s) return s;
  out_.resize(start);
  last_actions_ = nullptr;
  if (type_ == MessageType::OFPST_FLOW_REPLY || type_ == MessageType::NXST_FLOW_REPLY) {
    bool too_long = s.error() == Error::OFPBRC_BAD_LEN || s.error() == Error::OFPBAC_TOO_MANY;
    log_flow.warn(limit, "Flow {} and was excluded from the response set", too_long ? "exceeded the maximum flow statistics reply size" : "can't be expressed in this OpenFlow version");
  }
  return s;
}

Status MultipartWriter::append(const FlowEntry& entry) {
  last_actions_ = nullptr;
  size_t start = out_.size();
  ByteWriter w(out_);
  return end_entry(encode_entry(w, {type_, version_, static_cast<uint8_t>(version_), xid_, options_}, entry), start);
}

Status MultipartWriter::append(const FlowStatsHead& head, const MiniMatch& match, const Actions& actions) {
  if (!packed_) packed_ = std::make_unique<PackedWriting>();
  size_t start = out_.size();
  ByteWriter w(out_);
  begin_entry(w, {type_, version_, static_cast<uint8_t>(version_), xid_, options_}, {head, MatchView(match, *packed_), actions});
  packed_->forget();
  Status s;
  size_t instructions = out_.size();
  if (&actions == last_actions_) {
    out_.resize(instructions + last_size_);
    std::memcpy(out_.data() + instructions, out_.data() + start - last_size_, last_size_);
  } else {
    s = encode_instructions(actions, w, version_, options_.tlv);
    last_actions_ = &actions;
    last_size_ = out_.size() - instructions;
  }
  if (s) s = close_entry(w, start);
  return end_entry(s, start);
}

Status MultipartWriter::append(const FlowUpdate& entry) {
  size_t start = out_.size();
  ByteWriter w(out_);
  return end_entry(encode_entry(w, {type_, version_, static_cast<uint8_t>(version_), xid_, options_}, entry), start);
}

}  // namespace sluice::ofp
