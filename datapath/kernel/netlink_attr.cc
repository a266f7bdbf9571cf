// SPDX-License-Identifier: Apache-2.0
// See netlink_attr.h.
#include "datapath/kernel/netlink_attr.h"

#include <cerrno>

namespace sluice {

int netlink_error(const nlmsghdr* h) {
  if (h->nlmsg_len < sizeof(nlmsghdr) + sizeof(int)) return EBADMSG;
  return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(h))->error;
}

void AttrWriter::put(uint16_t type, const void* data, size_t size) {
  if (size > UINT16_MAX - sizeof(nlattr)) {
    ok_ = false;
    return;
  }
  uint8_t* payload = room(type, size);
  if (size) std::memcpy(payload, data, size);
}

uint8_t* AttrWriter::room(uint16_t type, size_t size) {
  nlattr header{.nla_len = static_cast<uint16_t>(sizeof header + size), .nla_type = type};
  size_t at = out_.size();
  out_.resize(at + MNL_ALIGN(header.nla_len));
  std::memcpy(out_.data() + at, &header, sizeof header);
  return out_.data() + at + sizeof header;
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

std::optional<Attr> Attrs::find(uint16_t type) const {
  std::optional<Attr> found;
  for (Attr a : *this)
    if (a.type == type) found = a;
  return found;
}

}  // namespace sluice
