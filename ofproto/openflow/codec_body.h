// SPDX-License-Identifier: Apache-2.0
// Inside of the codec: one decode_body and one encode_body per body struct, chosen by overloading from codec.cc's tables.
// A decode_body reads what belongs to its message; codec.cc answers BAD_LEN if the reader ran out of bytes or some are left.
// An encode_body appends after the headers that codec.cc wrote.
#pragma once

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

/// Tells the splitter (if any) that an entry begun at `start` is complete.
inline Status entry_done(const BodyContext& ctx, size_t start) { return ctx.splitter ? ctx.splitter->entry_done(start) : Status{}; }

#define SLUICE_BODY(T)                                         \
  Status decode_body(ByteReader&, const BodyContext&, T&);     \
  Status encode_body(ByteWriter&, const BodyContext&, const T&);
SLUICE_BODY(Hello) SLUICE_BODY(ErrorReport) SLUICE_BODY(Echo) SLUICE_BODY(FeaturesReply) SLUICE_BODY(SwitchConfig) SLUICE_BODY(RoleMessage)
SLUICE_BODY(RoleStatus) SLUICE_BODY(AsyncConfig) SLUICE_BODY(BundleControl) SLUICE_BODY(BundleAdd) SLUICE_BODY(RequestForward) SLUICE_BODY(Setting)
SLUICE_BODY(PacketIn) SLUICE_BODY(PacketOut) SLUICE_BODY(FlowMod) SLUICE_BODY(FlowRemoved) SLUICE_BODY(FlowStatsRequest) SLUICE_BODY(FlowStatsReply)
SLUICE_BODY(AggregateStats) SLUICE_BODY(FlowMonitorRequest) SLUICE_BODY(FlowMonitorReply) SLUICE_BODY(PortStatus) SLUICE_BODY(PortMod)
SLUICE_BODY(PortRequest) SLUICE_BODY(PortStatsReply) SLUICE_BODY(PortDescReply) SLUICE_BODY(QueueRequest) SLUICE_BODY(QueueStatsReply)
SLUICE_BODY(QueueDescReply) SLUICE_BODY(TableFeaturesMessage) SLUICE_BODY(TableStatsReply) SLUICE_BODY(TableDescReply) SLUICE_BODY(TableStatus)
SLUICE_BODY(TableMod) SLUICE_BODY(GroupMod) SLUICE_BODY(GroupRequest) SLUICE_BODY(GroupDescReply) SLUICE_BODY(GroupStatsReply) SLUICE_BODY(GroupFeatures)
SLUICE_BODY(MeterMod) SLUICE_BODY(MeterRequest) SLUICE_BODY(MeterConfigReply) SLUICE_BODY(MeterStatsReply) SLUICE_BODY(MeterFeatures)
SLUICE_BODY(DescReply) SLUICE_BODY(TlvTableMod) SLUICE_BODY(TlvTableReply) SLUICE_BODY(CtFlush) SLUICE_BODY(IpfixStatsReply)
#undef SLUICE_BODY
inline Status decode_body(ByteReader&, const BodyContext&, Empty&) { return {}; }
inline Status encode_body(ByteWriter&, const BodyContext&, const Empty&) { return {}; }

/// One entry of a flow or monitor reply.
Status encode_entry(ByteWriter&, const BodyContext&, const FlowStats&);
Status encode_entry(ByteWriter&, const BodyContext&, const FlowUpdate&);

}  // namespace sluice::ofp
