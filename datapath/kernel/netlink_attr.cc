// SPDX-License-Identifier: Apache-2.0
// See netlink_attr.h.
#include "datapath/kernel/netlink_attr.h"

#include <algorithm>

namespace sluice {

void AttrWriter::put(uint16_t type, const void* data, size_t size) {
  if (size > UINT16_MAX - MNL_ATTR_HDRLEN) {
    ok_ = false;
    return;
  }
  nlattr header{.nla_len = static_cast<uint16_t>(MNL_ATTR_HDRLEN + size), .nla_type = type};
  size_t at = out_.size();
  out_.resize(at + MNL_ALIGN(header.nla_len));
  std::memcpy(out_.data() + at, &header, sizeof header);
  if (size) std::memcpy(out_.data() + at + MNL_ATTR_HDRLEN, data, size);
}

size_t AttrWriter::begin(uint16_t type) {
  size_t at = out_.size();
  flag(type);
  return at;
}

void AttrWriter::end(size_t begun) {
  size_t length = out_.size() - begun;
  if (length > UINT16_MAX) {
    ok_ = false;
    return out_.resize(begun);
  }
  auto v = static_cast<uint16_t>(length);
  std::memcpy(out_.data() + begun, &v, sizeof v);
}

void Attrs::Iterator::check() {
  auto* a = reinterpret_cast<const nlattr*>(left_.data());
  if (!mnl_attr_ok(a, static_cast<int>(left_.size()))) left_ = {};
}

Attr Attrs::Iterator::operator*() const {
  auto* a = reinterpret_cast<const nlattr*>(left_.data());
  return {mnl_attr_get_type(a), {static_cast<const uint8_t*>(mnl_attr_get_payload(a)), mnl_attr_get_payload_len(a)}};
}

Attrs::Iterator& Attrs::Iterator::operator++() {
  size_t length = MNL_ALIGN(reinterpret_cast<const nlattr*>(left_.data())->nla_len);
  left_ = left_.subspan(std::min(length, left_.size()));
  check();
  return *this;
}

std::optional<Attr> Attrs::find(uint16_t type) const {
  std::optional<Attr> found;
  for (Attr a : *this)
    if (a.type == type) found = a;
  return found;
}

}  // namespace sluice
