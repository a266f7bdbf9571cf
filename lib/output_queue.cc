// SPDX-License-Identifier: Apache-2.0
#include "lib/output_queue.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

constexpr size_t kSmall = 1024;       // up to this size copying is cheaper than one more piece
constexpr size_t kJoined = 16 * 1024;  // size up to which small ones are joined

}  // namespace

ByteView OutputQueue::view(const Buffer& b) {
  if (auto* bytes = std::get_if<Bytes>(&b)) return *bytes;
  if (auto* text = std::get_if<std::string>(&b)) return {reinterpret_cast<const uint8_t*>(text->data()), text->size()};
  const std::string& s = *std::get<std::shared_ptr<const std::string>>(b);
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

bool OutputQueue::append_to_last(const void* p, size_t n) {
  if (n > kSmall || first_ == buffers_.size()) return false;
  if (auto* bytes = std::get_if<Bytes>(&buffers_.back()); bytes && bytes->size() + n <= kJoined) {
    auto* from = static_cast<const uint8_t*>(p);
    bytes->insert(bytes->end(), from, from + n);
  } else if (auto* text = std::get_if<std::string>(&buffers_.back()); text && text->size() + n <= kJoined) {
    text->append(static_cast<const char*>(p), n);
  } else {
    return false;
  }
  bytes_ += n;
  return true;
}

void OutputQueue::push(Bytes b) {
  if (b.empty() || append_to_last(b.data(), b.size())) return;
  bytes_ += b.size();
  buffers_.emplace_back(std::move(b));
}

void OutputQueue::push(std::string s) {
  if (s.empty() || append_to_last(s.data(), s.size())) return;
  bytes_ += s.size();
  buffers_.emplace_back(std::move(s));
}

void OutputQueue::push_copy(std::string_view s) {
  if (s.empty() || append_to_last(s.data(), s.size())) return;
  bytes_ += s.size();
  buffers_.emplace_back(std::string(s));
}

void OutputQueue::push(std::shared_ptr<const std::string> s) {
  if (!s || s->empty() || append_to_last(s->data(), s->size())) return;
  bytes_ += s->size();
  buffers_.emplace_back(std::move(s));
}

size_t OutputQueue::peek(std::span<iovec> pieces) const {
  size_t n = 0;
  for (size_t i = first_; i < buffers_.size() && n < pieces.size(); i++) {
    ByteView v = view(buffers_[i]);
    if (i == first_) v = v.subspan(offset_);
    pieces[n++] = {const_cast<uint8_t*>(v.data()), v.size()};
  }
  return n;
}

ByteView OutputQueue::gather(std::span<uint8_t> to) const {
  if (empty()) return {};
  ByteView first = view(buffers_[first_]).subspan(offset_);
  if (first.size() >= to.size() || first_ + 1 == buffers_.size()) return first.first(std::min(first.size(), to.size()));
  size_t n = 0;
  for (size_t i = first_; i < buffers_.size() && n < to.size(); i++) {
    ByteView v = view(buffers_[i]);
    if (i == first_) v = v.subspan(offset_);
    size_t take = std::min(v.size(), to.size() - n);
    std::memcpy(to.data() + n, v.data(), take);
    n += take;
  }
  return to.first(n);
}

void OutputQueue::pop(size_t n) {
  n = std::min(n, bytes_);
  bytes_ -= n;
  if (bytes_ == 0) return clear();
  while (n > 0) {
    size_t left = view(buffers_[first_]).size() - offset_;
    if (n < left) {
      offset_ += n;
      return;
    }
    n -= left;
    buffers_[first_++] = Bytes();
    offset_ = 0;
  }
  // Sent ones are taken out when they are half of all, so that each is moved at most about once.
  if (first_ > 64 && first_ * 2 > buffers_.size()) {
    buffers_.erase(buffers_.begin(), buffers_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OutputQueue::clear() {
  constexpr size_t kKept = 2;  // buffers' places: what most sessions need, again and again
  if (buffers_.capacity() > kKept) std::vector<Buffer>().swap(buffers_);
  else buffers_.clear();
  first_ = offset_ = bytes_ = 0;
}

}  // namespace sluice
