// SPDX-License-Identifier: Apache-2.0
// The pool of packets and the less frequent operations of batches.
#include "datapath/packet_batch.h"

#include <cstring>

namespace sluice {

PacketPool::~PacketPool() = default;

void PacketPool::grow() {
  for (size_t i = 0; i < kGrowth; i++) {
    all_.push_back(std::make_unique<Packet>());
    free_.push_back(all_.back().get());
  }
}

void PacketPool::shrink(Packet* p) {
  p->buf_.reset();
  p->capacity_ = p->head_ = p->size_ = 0;
}

Packet* PacketPool::adopt(Packet&& packet) {
  Packet* p = take(0);
  *p = std::move(packet);
  p->references_ = 1;
  return p;
}

Packet PacketPool::release(Packet* p) {
  Packet packet = std::move(*p);
  shrink(p);
  give(p);
  return packet;
}

Packet* PacketPool::copy(const Packet& p) {
  Packet* q = take(p.size());
  if (p.size()) std::memcpy(q->data(), p.data(), p.size());
  static_cast<PacketMetadata&>(*q) = p;
  if (p.has_ct_tuple) q->ct_tuple = p.ct_tuple;
  if (p.tunnel) q->tunnel = std::make_unique<PacketTunnel>(*p.tunnel);
  return q;
}

Packet& PacketBatch::add_frame(ByteView frame) {
  Packet& p = add(frame.size());
  if (!frame.empty()) std::memcpy(p.data(), frame.data(), frame.size());
  return p;
}

void PacketBatch::pop_back() {
  if (packets_.back()) pool_->give(packets_.back());
  packets_.pop_back();
}

}  // namespace sluice
