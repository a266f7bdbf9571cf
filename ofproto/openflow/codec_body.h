// SPDX-License-Identifier: Apache-2.0
// Inside of the codec: one decode_body and one encode_body per body struct, chosen by overloading from codec.cc's tables.
// A decode_body reads what belongs to its message; codec.cc answers BAD_LEN if the reader ran out of bytes or some are left.
// An encode_body appends after the headers that codec.cc wrote.
#pragma once

#include <algorithm>
#include <expected>
#include <string>

#include "lib/bytes.h"
#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/message.h"

namespace sluice::ofp {

struct BodyContext {
  MessageType type;
  Version version;
  uint8_t raw_version;                  // of the header; differs only in a hello from the future
  uint32_t xid;
  const CodecOptions& options;
  MultipartWriter* splitter = nullptr;  // encode of multiparts: told after each entry
  const TlvTable* tlv() const { return options.tlv; }
  bool at_least(Version v) const { return version >= v; }
};

/// Moves a result to where it belongs, or passes its error on.
template <typename T>
Status take(Result<T> result, T& out) {
  if (!result) return fail(result.error());
  out = std::move(*result);
  return {};
}
/// What ByteWriter::text() wrote: n bytes, of which the last is a zero whatever it says.
inline std::string read_text(ByteReader& r, size_t n) {
  ByteView v = r.bytes(n);
  return std::string(v.begin(), std::find(v.begin(), v.empty() ? v.end() : v.end() - 1, uint8_t{0}));
}
/// Tells the splitter (if any) that an entry begun at `start` is complete.
inline Status entry_done(const BodyContext& ctx, size_t start) { return ctx.splitter ? ctx.splitter->entry_done(start) : Status{}; }

#define BODY(T)                                            \
  Status decode_body(ByteReader&, const BodyContext&, T&); \
  Status encode_body(ByteWriter&, const BodyContext&, const T&);
#include "ofproto/openflow/bodies.def"
inline Status decode_body(ByteReader&, const BodyContext&, Empty&) { return {}; }
inline Status encode_body(ByteWriter&, const BodyContext&, const Empty&) { return {}; }

/// One entry of a flow or monitor reply.
Status encode_entry(ByteWriter&, const BodyContext&, const FlowEntry&);
/// The entry before its instructions; encode_entry() is begun by it and ended by close_entry().
void begin_entry(ByteWriter&, const BodyContext&, const FlowEntry&);
Status close_entry(ByteWriter&, size_t start);
Status encode_entry(ByteWriter&, const BodyContext&, const FlowUpdate&);

}  // namespace sluice::ofp
