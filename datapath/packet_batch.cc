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

Packet& PacketBatch::add_frame(ByteView frame) {
  Packet& p = add(frame.size());
  if (!frame.empty()) std::memcpy(p.data(), frame.data(), frame.size());
  return p;
}

void PacketBatch::add(Packet&& packet) {
  Packet& p = add(0);
  p = std::move(packet);
  p.references_ = 1;
}

void PacketBatch::pop_back() {
  if (packets_.back()) pool_->give(packets_.back());
  packets_.pop_back();
}

}  // namespace sluice
