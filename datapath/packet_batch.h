// SPDX-License-Identifier: Apache-2.0
// PacketPool: buffers that are used again.  PacketBatch: the packets that one call takes from or gives to a device.
//
// A pooled packet may be in several batches (outputs to several ports): then its bytes must not be changed, see shared().
// Threads: a pool and its batches belong to one thread.  REQUIRES: batches die before their pool.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "datapath/packet.h"

namespace sluice {

class PacketPool {
 public:
  PacketPool() = default;
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;
  ~PacketPool();
  /// A frame of `size` uninitialised bytes with default metadata and one reference.
  Packet* take(size_t size) {
    if (free_.empty()) grow();
    Packet* p = free_.back();
    free_.pop_back();
    if (size + kPacketHeadroom <= p->capacity_ && !p->tunnel) [[likely]] {
      static_cast<PacketMetadata&>(*p) = {};
      p->references_ = 1;
      p->head_ = kPacketHeadroom;
      p->size_ = static_cast<uint32_t>(size);
    } else {
      p->reset(size);
    }
    return p;
  }
  /// Drops one reference.
  void give(Packet* p) {
    if (--p->references_ == 0) recycle(p);
  }
  /// A packet made elsewhere becomes a pooled one, and the other way round (REQUIRES: not shared).
  Packet* adopt(Packet&& packet);
  Packet release(Packet* p);
  /// Another packet with the same bytes and metadata.
  Packet* copy(const Packet& p);
  /// `p` itself if nobody else refers to it, else a copy in exchange for the reference.
  Packet* writable(Packet* p) {
    if (!shared(p)) [[likely]] return p;
    Packet* q = copy(*p);
    give(p);
    return q;
  }
  static void share(Packet* p) { p->references_++; }
  static bool shared(const Packet* p) { return p->references_ > 1; }

 private:
  void grow();
  void recycle(Packet* p) {
    if (p->capacity_ > kKeptCapacity) [[unlikely]] shrink(p);
    free_.push_back(p);
  }
  static void shrink(Packet* p);
  static constexpr size_t kKeptCapacity = 4096;  // larger buffers are given back to the heap
  static constexpr size_t kGrowth = 64;
  std::vector<Packet*> free_;
  std::vector<std::unique_ptr<Packet>> all_;
};

class PacketBatch {
 public:
  explicit PacketBatch(PacketPool& pool) : pool_(&pool) {}
  PacketBatch(PacketBatch&& other) noexcept : pool_(other.pool_), packets_(std::move(other.packets_)) { other.packets_.clear(); }
  PacketBatch& operator=(PacketBatch&&) = delete;
  ~PacketBatch() { clear(); }

  /// Appends a frame of `size` uninitialised bytes.
  Packet& add(size_t size) { packets_.push_back(pool_->take(size)); return *packets_.back(); }
  /// Appends a copy of what `frame` holds, metadata default.
  Packet& add_frame(ByteView frame);
  /// Appends a packet made elsewhere.
  void add(Packet&& packet) { packets_.push_back(pool_->adopt(std::move(packet))); }
  /// Appends a pooled packet whose reference becomes the batch's.
  void add_owned(Packet* p) { packets_.push_back(p); }
  /// Appends one more reference to a pooled packet.
  void add_shared(Packet* p) { PacketPool::share(p); packets_.push_back(p); }
  /// Takes a packet out: the reference becomes the caller's and the place is null until clear().
  Packet* release(size_t i) { return std::exchange(packets_[i], nullptr); }
  void pop_back();
  /// REQUIRES: the same pool.
  void swap(PacketBatch& other) { packets_.swap(other.packets_); }

  size_t size() const { return packets_.size(); }
  bool empty() const { return packets_.empty(); }
  Packet& operator[](size_t i) { return *packets_[i]; }
  const Packet& operator[](size_t i) const { return *packets_[i]; }
  Packet** raw() { return packets_.data(); }
  void clear() {
    for (Packet* p : packets_)
      if (p) pool_->give(p);
    packets_.clear();
  }
  /// Forgets the packets, whose references someone else holds now.
  void forget() { packets_.clear(); }
  PacketPool& pool() { return *pool_; }

 private:
  PacketPool* pool_;
  std::vector<Packet*> packets_;
};

}  // namespace sluice
