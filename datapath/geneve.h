// SPDX-License-Identifier: Apache-2.0
// Geneve options (RFC 8926 3.5) in the key of a packet that came through a tunnel, or is to go into one, and their text.
//
// In the datapath Flow::tun_present is the length of the options in bytes and Flow::tun_metadata holds them as they are on the wire.  A mask has all bits
// of tun_present, and those of the headers, if it asks for anything of them: only so the bytes of a key and of a packet stand for the same options.
// Inside of a bridge's tables it is the bridge's TlvTable that says where an option is (ofproto/tunnel_options.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "datapath/flow.h"
#include "lib/bytes.h"

namespace sluice {

inline constexpr size_t kMaxGeneveBytes = 252;       // the header counts words in 6 bits
inline constexpr size_t kGeneveOptionHeader = 4;
inline constexpr size_t kMaxGeneveData = 124;        // of one option: 5 bits of words

struct GeneveOption {
  uint16_t option_class = 0;
  uint8_t type = 0;
  size_t data_at = 0, size = 0;                      // in bytes of the options; the header is just before
};

/// The next option from `at` on, which moves behind it; nothing at the end, or where what is left is no whole option.
std::optional<GeneveOption> next_option(ByteView options, size_t& at);

/// Of a key in the datapath.
inline ByteView geneve_options(const Flow& key) { return {key.tun_metadata, std::min<size_t>(key.tun_present.host(), kMaxGeneveBytes)}; }
inline void set_geneve_options(Flow& key, ByteView options) {
  size_t n = std::min(options.size(), kMaxGeneveBytes);
  key.tun_present = be64(n);
  std::memset(key.tun_metadata, 0, sizeof key.tun_metadata);
  if (n) std::memcpy(key.tun_metadata, options.data(), n);
}
/// Nothing of a tunnel: of a key, or of a mask.
inline void forget_tunnel(Flow& flow) {
  flow.tunnel = {};
  set_geneve_options(flow, {});
}

/// "{class=0xffff,type=0x80,len=4,0xa/0xf}{...}".
std::string format_geneve(const Flow& key, const Flow& mask);
/// The same into key and mask; false: it can't be read.
bool parse_geneve(std::string_view text, Flow& key, Flow& mask);

}  // namespace sluice
