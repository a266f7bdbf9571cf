// SPDX-License-Identifier: Apache-2.0
// See match_shape.h.
#include "ofproto/openflow/match_shape.h"

#include <algorithm>
#include <optional>

#include "ofproto/openflow/port.h"
#include "ofproto/openflow/wire_plan.h"

namespace sluice::ofp {
namespace {

template <typename T>
uint8_t* bytes_of(T& words) { return reinterpret_cast<uint8_t*>(words.data()); }

void or_word(uint8_t* p, uint64_t bits) { store_word(p, load_word(p) | bits); }
void clear_bits(uint8_t* p, uint64_t bits) { store_word(p, load_word(p) & ~bits); }

/// n <= 8 bytes of ones as load_word has them.
uint64_t ones_of(size_t n) {
  std::array<uint8_t, 8> b{};
  std::fill_n(b.begin(), n, 0xff);
  return load_word(b.data());
}

/// The field of a TLV that is not plain; it must have a place in Flow that nothing but the table of fields decides.
bool has_fixed_place(uint32_t header, const uint8_t* behind) {
  WireHeader h{header, 0};
  if (h.is_experimenter()) h.experimenter = load_be<uint32_t>(behind);
  const WireId* id = find_wire_id(h);
  return id && kWirePlans[static_cast<size_t>(id->field)].ones;
}

}  // namespace

bool MatchShape::learn(ByteView wire, size_t begin, size_t end, const MiniMatch& m) {
  size_ = pieces_ = port_at_ = 0;
  words_ = static_cast<uint8_t>(m.masks().size());
  if (wire.size() > kBytes || m.masks().size() > kWords) return false;
  wire_ = fixed_ = {};
  masks_ = values_ = {};
  std::ranges::copy(wire, bytes_of(wire_));
  std::fill_n(bytes_of(fixed_), end, 0xff);
  map_ = m.map();
  std::ranges::copy(m.masks(), masks_.begin());
  std::ranges::copy(m.values(), values_.begin());
  fixed_masks_.fill(UINT64_MAX);
  fixed_values_.fill(UINT64_MAX);
  for (size_t p = begin; p + 4 <= end;) {
    uint32_t header = load_be<uint32_t>(wire.data() + p);
    size_t payload = p + 4;
    p = payload + (header & 0xff);
    FieldId id = plain_field(header);
    if (id == FieldId::kNone) {
      if (!has_fixed_place(header, wire.data() + payload)) return false;
      continue;
    }
    const WirePlan& plan = kWirePlans[static_cast<size_t>(id)];
    bool masked = header & 0x100, port = id == FieldId::kInPortOxm;   // that there is a port decides, not which
    if ((plan.decides && !port) || (masked && !plan.maskable)) continue;
    if (!learn_field(plan, payload, masked, port)) return false;
  }
  size_ = static_cast<uint8_t>(wire.size());
  return true;
}

/// The field's value may differ, and its mask if that is in one word and neither zero nor all ones.
bool MatchShape::learn_field(const WirePlan& plan, size_t payload, bool masked, bool port) {
  if (port) port_at_ = static_cast<uint8_t>(payload);
  for (size_t i = 0, n = 0; i < plan.bytes; i += n) {
    size_t place = plan.offset + i, in_word = place % 8;
    n = std::min<size_t>(8 - in_word, plan.bytes - i);
    bool whole = n == plan.bytes;
    uint64_t ones = ones_of(n), mask = masked ? load_word(bytes_of(wire_) + payload + plan.bytes + i) & ones : ones;
    if (!mask) continue;
    auto index = map_.index(place / 8);
    if (!index || pieces_ == kPieces) return false;
    bool any_mask = masked && whole && mask != ones;
    uint64_t differs = any_mask ? ones : mask;                        // value bits outside of the mask are zeros
    Piece& piece = piece_[pieces_++];
    piece = {differs, static_cast<uint8_t>(payload + i), static_cast<uint8_t>(any_mask ? payload + plan.bytes : 0), static_cast<uint8_t>(*index * 8 + in_word)};
    for (uint8_t* p : {bytes_of(wire_), bytes_of(fixed_)}) {
      clear_bits(p + piece.value_at, differs);
      if (any_mask) clear_bits(p + piece.mask_at, ones);
    }
    for (Words* w : {&values_, &fixed_values_}) clear_bits(bytes_of(*w) + piece.at, differs);
    if (!any_mask) continue;
    for (Words* w : {&masks_, &fixed_masks_}) clear_bits(bytes_of(*w) + piece.at, ones);
  }
  return true;
}

bool MatchShape::read(ByteView wire, MiniMatch& m) const {
  if (wire.size() != size_ || (load_word(wire.data()) ^ wire_[0]) & fixed_[0]) return false;
  Wire in;
  std::memcpy(in.data(), wire.data(), size_);
  uint64_t differs = 0;
  for (size_t i = 0; i < size_ / 8u; i++) differs |= (in[i] ^ wire_[i]) & fixed_[i];
  if (differs) return false;
  Words masks, values;
  std::copy_n(masks_.begin(), words_ + 1, masks.begin());
  std::copy_n(values_.begin(), words_ + 1, values.begin());
  for (size_t i = 0; i < pieces_; i++) {
    const Piece& p = piece_[i];
    uint64_t value = load_word(bytes_of(in) + p.value_at) & p.ones;
    or_word(bytes_of(values) + p.at, value);
    if (!p.mask_at) continue;
    uint64_t mask = load_word(bytes_of(in) + p.mask_at) & p.ones;
    if (!mask || mask == p.ones || (value & ~mask)) return false;
    or_word(bytes_of(masks) + p.at, mask);
  }
  if (port_at_ && !is_port_valid(OfpPort{load_be<uint32_t>(wire.data() + port_at_)})) return false;
  m = MiniMatch(map_, {masks.data(), words_}, values.data());
  return true;
}

bool MatchShape::write(const MiniMatch& m, ByteWriter& w) const {
  if (!size_ || m.map() != map_) return false;
  Words masks, values;
  uint64_t differs = 0;
  for (size_t i = 0; i < words_; i++) {
    masks[i] = m.masks()[i];
    values[i] = m.values()[i];
    differs |= ((masks[i] ^ masks_[i]) & fixed_masks_[i]) | ((values[i] ^ values_[i]) & fixed_values_[i]);
  }
  if (differs) return false;
  masks[words_] = values[words_] = 0;
  Wire out;
  std::copy_n(wire_.begin(), (size_ + 7u) / 8 + 1, out.begin());
  for (size_t i = 0; i < pieces_; i++) {
    const Piece& p = piece_[i];
    or_word(bytes_of(out) + p.value_at, load_word(bytes_of(values) + p.at) & p.ones);
    if (!p.mask_at) continue;
    uint64_t mask = load_word(bytes_of(masks) + p.at) & p.ones;
    if (!mask || mask == p.ones) return false;
    or_word(bytes_of(out) + p.mask_at, mask);
  }
  w.bytes(out.data(), size_);
  return true;
}

void MatchShapes::learn(ByteView wire, size_t begin, size_t end, const MiniMatch& m) {
  if (shapes_.size() == kShapes && ++misses_ % kPatience) return;
  MatchShape shape;
  if (!shape.learn(wire, begin, end, m)) return;
  if (shapes_.size() < kShapes) {
    last_ = shapes_.size();
    shapes_.push_back(shape);
    return;
  }
  shapes_[next_] = shape;
  last_ = next_;
  next_ = (next_ + 1) % kShapes;
}

const Match& PackedWriting::expand(const MiniMatch& m) {
  if (expanded_ == &m) return scratch_;
  forget();
  m.expand(scratch_);
  expanded_ = &m;
  return scratch_;
}

void PackedWriting::forget() {
  if (expanded_) expanded_->clear(scratch_);
  expanded_ = nullptr;
}

const Match& MatchView::expanded() const { return writing_->expand(*packed_); }

}  // namespace sluice::ofp
