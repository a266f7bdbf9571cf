// SPDX-License-Identifier: Apache-2.0
// Bytes that wait to be sent: owned buffers and shared ones, in order, given to the kernel many at a time.  Empty it holds no memory.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/bytes.h"

namespace sluice {

class OutputQueue {
 public:
  void push(Bytes b);
  void push(std::string s);
  void push_copy(std::string_view s);
  void push(std::shared_ptr<const std::string> s);
  size_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }
  /// The first of what waits, as pieces; the number of pieces filled in.
  size_t peek(std::span<iovec> pieces) const;
  /// Same, copied into `to` until that is full; a single view without copying if the first buffer is at least as large.
  ByteView gather(std::span<uint8_t> to) const;
  void pop(size_t bytes);
  void clear();

 private:
  using Buffer = std::variant<Bytes, std::string, std::shared_ptr<const std::string>>;
  static ByteView view(const Buffer& b);
  bool append_to_last(const void* p, size_t n);
  std::vector<Buffer> buffers_;
  size_t first_ = 0;   // buffers before it have been sent
  size_t offset_ = 0;  // bytes of buffers_[first_] that have been sent
  size_t bytes_ = 0;
};

}  // namespace sluice
