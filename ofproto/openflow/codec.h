// SPDX-License-Identifier: Apache-2.0
// OpenFlow messages to and from wire bytes.  Decoding trusts no length; what is wrong becomes the OpenFlow error to send back.
// Stateless: what a connection has negotiated beyond the version comes in by CodecOptions.  Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "lib/bytes.h"
#include "ofproto/openflow/error.h"
#include "ofproto/openflow/message.h"

namespace sluice::ofp {

inline constexpr size_t kHeaderSize = 8;
inline constexpr size_t kMaxMessage = 65535;

struct Header {
  uint8_t version = 0;           // raw: may be no Version that we know
  uint8_t type = 0;
  uint16_t length = 0;           // of the whole message; < kHeaderSize: the stream is broken, close it
  uint32_t xid = 0;
};
/// The header of the message at the start of a stream, or none if fewer than kHeaderSize bytes are there.
std::optional<Header> peek_header(ByteView stream);

/// Settings of a connection that change how bytes are read or written.
struct CodecOptions {
  const TlvTable* tlv = nullptr;   // where tun_metadata fields are in a Flow
  MatchShapes* shapes = nullptr;   // of the flow-mods that were read; may be null
  bool flow_mod_table_id = false;  // NXT_FLOW_MOD_TABLE_ID: 1.0 and NXT flow mods carry the table in the command's high byte
};

/// Decodes one whole message (bytes.size() == its length field, else BAD_LEN).  The version is the header's: the caller has
/// compared it with the negotiated one.
Result<Message> decode(ByteView bytes, const CodecOptions& options = {});

/// Just the type of a message, from its headers: for statistics, filters and printing of what does not decode.
Result<MessageType> decode_type(ByteView bytes);
/// The same of a message of which only the beginning is there.
Result<MessageType> decode_type_of_part(ByteView bytes);

/// Appends the message to out; a multipart whose entries do not fit into one message becomes several, all but the last with
/// the MORE flag (or the last too, if m.more).  What the version cannot express is an error, and out is as it was.
Status encode(const Message& m, Bytes& out, const CodecOptions& options = {});
/// For messages that can be expressed by construction; empty on error.
Bytes encode(const Message& m, const CodecOptions& options = {});

/// An error message about `offending` (its first 64 bytes, its xid), in the given version.
Bytes encode_error(Error error, Version version, ByteView offending);

/// decode() into a message that the caller has; its contents are unspecified after an error.
Status read_message(ByteView bytes, const CodecOptions& options, Message& m);
/// The same of a flow-mod.  REQUIRES: decode_type(bytes) is `type`, and that is one of those.
Status read_flow_mod(ByteView bytes, MessageType type, const CodecOptions& options, FlowMod& m);

/// Writes a multipart entry by entry straight into a send buffer, beginning a new message when one is full.  Between appends
/// the buffer may not be touched by others; finish() closes the last message.
class MultipartWriter {
 public:
  MultipartWriter(Bytes& out, MessageType type, Version version, uint32_t xid, const CodecOptions& options = {});
  MultipartWriter(const MultipartWriter&) = delete;
  MultipartWriter& operator=(const MultipartWriter&) = delete;
  ~MultipartWriter();
  Status append(const FlowEntry& entry);
  Status append(const FlowUpdate& entry);
  /// An entry out of a packed match.  Lists of actions are told apart by where they are: the one of the entry before is not encoded again.
  Status append(const FlowStatsHead& head, const MiniMatch& match, const Actions& actions);
  /// Closes the last message; `more`: others will follow by another writer.
  void finish(bool more = false);
  /// Bytes appended to `out` from entry_start on are one entry: moves it to a new message if this one is too long with it.
  Status entry_done(size_t entry_start);

 private:
  void begin_message();
  void close_message(bool more);
  Status end_entry(Status s, size_t start);

  Bytes& out_;
  const MessageType type_;
  const Version version_;
  const uint32_t xid_;
  const CodecOptions options_;
  size_t message_start_ = 0;     // offset in out_
  std::unique_ptr<PackedWriting> packed_;  // null before the first packed match
  const Actions* last_actions_ = nullptr;  // whose instructions the last entry ends with
  size_t last_size_ = 0;
};

}  // namespace sluice::ofp
