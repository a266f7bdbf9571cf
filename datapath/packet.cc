// SPDX-License-Identifier: Apache-2.0
// Packet buffers: headroom in front, grown by reallocation only when it is spent.
#include "datapath/packet.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

constexpr uint32_t kSmallest = 2048;  // buffers of frames without jumbo or GSO are all alike, so that they can be used again,
constexpr uint32_t kSmallestCopy = 256;   // but for copies, many of which are short and soon gone

void move_offset(uint16_t& offset, int by) {
  if (offset == kNoOffset) return;
  int moved = offset + by;
  offset = moved < 0 || moved >= kNoOffset ? kNoOffset : static_cast<uint16_t>(moved);
}

void move_offsets(Packet& p, int by) {
  move_offset(p.l3, by);
  move_offset(p.l4, by);
  if (p.offload.needs_csum) p.offload.csum_start = static_cast<uint16_t>(p.offload.csum_start + by);
  if (p.offload.gso_type) p.offload.hdr_len = static_cast<uint16_t>(p.offload.hdr_len + by);
}

}  // namespace

void Packet::reset(size_t size) {
  static_cast<PacketMetadata&>(*this) = {};
  tunnel.reset();
  references_ = 1;
  if (size + kPacketHeadroom > capacity_) {
    capacity_ = std::max(static_cast<uint32_t>(size + kPacketHeadroom), kSmallest);
    buf_ = std::make_unique_for_overwrite<uint8_t[]>(capacity_);
  }
  head_ = kPacketHeadroom;
  size_ = static_cast<uint32_t>(size);
}

Packet Packet::with_size(size_t size) {
  Packet p;
  p.reset(size);
  return p;
}

Packet Packet::from(ByteView frame) {
  Packet p;
  p.capacity_ = std::max(static_cast<uint32_t>(frame.size() + kPacketHeadroom), kSmallestCopy);
  p.buf_ = std::make_unique_for_overwrite<uint8_t[]>(p.capacity_);
  p.head_ = kPacketHeadroom;
  p.size_ = static_cast<uint32_t>(frame.size());
  if (!frame.empty()) std::memcpy(p.data(), frame.data(), frame.size());
  return p;
}

Packet Packet::copy() const {
  Packet p = from(view());
  static_cast<PacketMetadata&>(p) = *this;
  if (has_ct_tuple) p.ct_tuple = ct_tuple;
  if (tunnel) p.tunnel = std::make_unique<PacketTunnel>(*tunnel);
  return p;
}

uint8_t* Packet::push_front(size_t n) {
  if (n > head_) {
    auto head = static_cast<uint32_t>(kPacketHeadroom);
    auto capacity = static_cast<uint32_t>(head + n + size_);
    auto buf = std::make_unique_for_overwrite<uint8_t[]>(capacity);
    if (size_) std::memcpy(buf.get() + head + n, data(), size_);
    buf_ = std::move(buf);
    capacity_ = capacity;
    head_ = static_cast<uint32_t>(head + n);
  }
  head_ -= static_cast<uint32_t>(n);
  size_ += static_cast<uint32_t>(n);
  move_offsets(*this, static_cast<int>(n));
  return data();
}

void Packet::pull_front(size_t n) {
  head_ += static_cast<uint32_t>(n);
  size_ -= static_cast<uint32_t>(n);
  move_offsets(*this, -static_cast<int>(n));
}

void Packet::resize(size_t n) {
  if (head_ + n > capacity_) {
    auto capacity = static_cast<uint32_t>(kPacketHeadroom + n);
    auto buf = std::make_unique_for_overwrite<uint8_t[]>(capacity);
    if (size_) std::memcpy(buf.get() + kPacketHeadroom, data(), size_);
    buf_ = std::move(buf);
    capacity_ = capacity;
    head_ = kPacketHeadroom;
  }
  size_ = static_cast<uint32_t>(n);
}

}  // namespace sluice
