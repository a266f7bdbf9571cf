// SPDX-License-Identifier: Apache-2.0
// Slots that never move: objects in slabs, named by index.  What a slot holds when it is given back, and when it is taken again, is its owner's affair.
// Thread: the owner's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

template <typename T>
class Slabs {
 public:
  /// A slot that nobody has: the one that was given back last, or a new one (a default T).
  uint32_t take() {
    if (!free_.empty()) {
      uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    if (size_ / kSlab == slabs_.size()) slabs_.push_back(std::make_unique<T[]>(kSlab));
    return static_cast<uint32_t>(size_++);
  }
  void give(uint32_t index) { free_.push_back(index); }
  /// Slots that were ever taken; indices are less.
  size_t size() const { return size_; }
  T& operator[](size_t index) { return slabs_[index / kSlab][index % kSlab]; }
  const T& operator[](size_t index) const { return slabs_[index / kSlab][index % kSlab]; }

 private:
  static constexpr size_t kSlab = 1024;
  std::vector<std::unique_ptr<T[]>> slabs_;
  std::vector<uint32_t> free_;
  size_t size_ = 0;
};

}  // namespace sluice
