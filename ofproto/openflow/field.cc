// SPDX-License-Identifier: Apache-2.0
// The field table and the wire id table, expanded from fields.def at compile time, and the lookups in them.
#include "ofproto/openflow/field.h"

#include <algorithm>
#include <bit>
#include <cctype>

#include "ofproto/openflow/field_places.h"
#include "ofproto/openflow/wire_plan.h"

namespace sluice::ofp {
namespace {

// A name with its number, in static storage.
using Name = std::array<char, 40>;
constexpr Name numbered(std::string_view base, int n) {
  Name out{};
  size_t i = 0;
  for (char c : base) out[i++] = c;
  if (n >= 10) out[i++] = static_cast<char>('0' + n / 10);
  if (n >= 0) out[i] = static_cast<char>('0' + n % 10);
  return out;
}
constexpr std::string_view view(const Name& n) { return std::string_view(n.data()); }

// The NSH contexts are numbered from 1.
constexpr int first_number(FieldId id) { return id == FieldId::kNshC1 ? 1 : 0; }

struct Names {
  std::array<Name, kFieldCount> name{}, alias{};
};
constexpr Names make_names() {
  Names n;
  auto one = [&](FieldId id, std::string_view name, std::string_view alias) {
    n.name[static_cast<size_t>(id)] = numbered(name, -1);
    n.alias[static_cast<size_t>(id)] = numbered(alias, -1);
  };
  auto many = [&](FieldId id, int count, std::string_view name, std::string_view alias) {
    for (int i = 0; i < count; i++) {
      n.name[static_cast<size_t>(id) + i] = numbered(name, first_number(id) + i);
      if (!alias.empty()) n.alias[static_cast<size_t>(id) + i] = numbered(alias, first_number(id) + i);
    }
  };
#define SLUICE_FIELD(id, name, alias, ...) one(FieldId::id, name, alias);
#define SLUICE_FIELDS(id, count, name, alias, ...) many(FieldId::id, count, name, alias);
#include "ofproto/openflow/fields.def"
#undef SLUICE_FIELD
#undef SLUICE_FIELDS
  return n;
}
constexpr Names kNames = make_names();

constexpr std::array<Field, kFieldCount> make_fields() {
  std::array<Field, kFieldCount> t{};
  auto put = [&](FieldId id, uint16_t bits, uint8_t wire, Maskable m, Prereq p, Access a, Display d, Fixed of10, Fixed of11) {
    size_t i = static_cast<size_t>(id);
    Place place = kFieldPlaces[i];
    bool plain = place.bytes == wire && place.shift == 0 && place.bits == 8 * wire && id != FieldId::kActsetOutput;
    t[i] = {id, view(kNames.name[i]), view(kNames.alias[i]), place, bits, wire, m, p, a, d, of10, of11, plain};
  };
  auto many = [&](FieldId id, int count, auto... rest) {
    for (int i = 0; i < count; i++) put(id + i, rest...);
  };
#define SLUICE_FIELD(id, name, alias, place, bits, wire, mask, prereq, access, display, of10, of11) \
  put(FieldId::id, bits, wire, Maskable::mask, Prereq::prereq, Access::access, Display::display, Fixed::of10, Fixed::of11);
#define SLUICE_FIELDS(id, count, name, alias, stride, place, bits, wire, mask, prereq, access, display, of10, of11)                       \
  many(FieldId::id, count, uint16_t{bits}, uint8_t{wire}, Maskable::mask, Prereq::prereq, Access::access, Display::display, \
       Fixed::of10, Fixed::of11);
#include "ofproto/openflow/fields.def"
#undef SLUICE_FIELD
#undef SLUICE_FIELDS
  return t;
}
constexpr std::array<Field, kFieldCount> kFields = make_fields();


#define SLUICE_WIRE(...) +1
#define SLUICE_WIRES(id, offset, count, ...) +(count)
constexpr size_t kWireCount = 0
#include "ofproto/openflow/fields.def"
    ;
#undef SLUICE_WIRE
#undef SLUICE_WIRES
static_assert(kWireCount == 241);

constexpr std::array<Name, kWireCount> make_wire_names() {
  std::array<Name, kWireCount> t{};
  size_t i = 0;
#define SLUICE_WIRE(id, cls, num, exp, name, since) t[i++] = numbered(name, -1);
#define SLUICE_WIRES(id, offset, count, cls, num, exp, name, first, since) \
  for (int k = 0; k < count; k++) t[i++] = numbered(name, first + k);
#include "ofproto/openflow/fields.def"
#undef SLUICE_WIRE
#undef SLUICE_WIRES
  return t;
}
constexpr std::array<Name, kWireCount> kWireNames = make_wire_names();

constexpr std::array<WireId, kWireCount> make_wires() {
  std::array<WireId, kWireCount> t{};
  size_t i = 0;
  auto put = [&](FieldId id, uint32_t cls, uint32_t num, uint32_t exp, Version since) {
    uint32_t length = kFields[static_cast<size_t>(id)].wire_bytes + (exp ? 4u : 0u);
    t[i] = {id, {cls << 16 | num << 9 | length, exp}, view(kWireNames[i]), since};
    i++;
  };
#define SLUICE_WIRE(id, cls, num, exp, name, since) put(FieldId::id, cls, num, exp, Version::since);
#define SLUICE_WIRES(id, offset, count, cls, num, exp, name, first, since) \
  for (int k = 0; k < count; k++) put(FieldId::id + (offset + k), cls, num + k, exp, Version::since);
#include "ofproto/openflow/fields.def"
#undef SLUICE_WIRE
#undef SLUICE_WIRES
  return t;
}
constexpr std::array<WireId, kWireCount> kWires = make_wires();

// Wire classes, experimenters included, get small numbers; [class][field number] -> row + 1.
constexpr int class_index(WireHeader h) {
  switch (h.oxm_class()) {
    case 0x0000: return 0;
    case 0x0001: return 1;
    case 0x1000: return 2;
    case 0x8000: return 3;
    case 0x8001: return 4;
    case 0xffff: break;
    default: return -1;
  }
  switch (h.experimenter) {
    case kNiciraVendor: return 5;
    case kOnfVendor: return 6;
    case 0x005ad650: return 7;
    default: return -1;
  }
}
constexpr auto make_wire_index() {
  std::array<std::array<uint8_t, 128>, 8> t{};
  for (size_t i = 0; i < kWireCount; i++) t[class_index(kWires[i].header)][kWires[i].header.header >> 9 & 0x7f] = static_cast<uint8_t>(i + 1);
  return t;
}
constexpr auto kWireIndex = make_wire_index();

// [version][field] -> row + 1 of the preferred wire id.
constexpr auto make_preferred() {
  std::array<std::array<uint8_t, kFieldCount>, 7> t{};
  for (int v = 1; v <= 6; v++)
    for (size_t i = 0; i < kWireCount; i++) {
      uint8_t& slot = t[v][static_cast<size_t>(kWires[i].field)];
      if (slot == 0 || static_cast<int>(kWires[i].since) <= v) {
        bool better = slot == 0 || kWires[i].since > kWires[slot - 1].since;
        if (better) slot = static_cast<uint8_t>(i + 1);
      }
    }
  return t;
}
constexpr auto kPreferred = make_preferred();

// Fields that prerequisites_of() looks at.
constexpr FieldId kDeciding[] = {FieldId::kPacketType, FieldId::kEthType, FieldId::kVlanTci, FieldId::kNwProto, FieldId::kIpFrag,
                                 FieldId::kIcmpv6Type, FieldId::kIcmpv6Code, FieldId::kCtState, FieldId::kInPort, FieldId::kInPortOxm};

constexpr auto make_wire_plans() {
  std::array<WirePlan, kFieldCount> t{};
  for (const Field& f : kFields) {
    if (f.plain && f.wire_bytes > 8 && (f.wire_bytes != 16 || f.maskable == Maskable::kNo)) throw "not as wide fields are read";  // at compile time
    uint64_t bits = f.place.bits >= 64 ? UINT64_MAX : ((uint64_t{1} << f.place.bits) - 1) << f.place.shift;
    std::array<uint8_t, 8> ones{};
    for (size_t i = std::min<size_t>(f.place.bytes, 8); i-- > 0; bits >>= 8) ones[i] = static_cast<uint8_t>(bits);
    bool decides = std::ranges::find(kDeciding, f.id) != std::end(kDeciding);
    t[static_cast<size_t>(f.id)] = {std::bit_cast<uint64_t>(ones), f.place.offset, f.wire_bytes, f.prereq, f.plain, f.maskable != Maskable::kNo, decides};
  }
  return t;
}

constexpr auto make_plain_fields() {
  std::array<std::array<FieldId, 128>, 4> t{};
  for (auto& of_class : t) of_class.fill(FieldId::kNone);
  for (const WireId& w : kWires) {
    uint32_t h = w.header.header;
    if (!(h & 0x7ffe0000) && kFields[static_cast<size_t>(w.field)].plain) t[(h >> 30 & 2) | (h >> 16 & 1)][h >> 9 & 0x7f] = w.field;
  }
  return t;
}
// A word may be loaded from and stored to the place of each: the end of Flow has none.
static_assert(sizeof(Flow) - offsetof(Flow, tun_metadata) >= 16);

constexpr auto make_oxm_heads() {
  std::array<std::array<OxmHead, kFieldCount>, 7> t{};
  for (size_t v = 1; v < t.size(); v++)
    for (const Field& f : kFields) {
      uint8_t row = kPreferred[v][static_cast<size_t>(f.id)];
      if (!f.plain || !row) continue;
      WireHeader h = kWires[row - 1].header, m = with_mask(h);
      t[v][static_cast<size_t>(f.id)] = {swap_to_big(h.header), swap_to_big(m.header), swap_to_big(h.experimenter), static_cast<uint8_t>(h.header_size())};
    }
  return t;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

}  // namespace

constexpr std::array<Field, kFieldCount> kFieldTable = kFields;
constexpr std::array<WirePlan, kFieldCount> kWirePlans = make_wire_plans();
constexpr std::array<std::array<FieldId, 128>, 4> kPlainFields = make_plain_fields();
constexpr std::array<std::array<OxmHead, kFieldCount>, 7> kOxmHeads = make_oxm_heads();
std::span<const Field> all_fields() { return kFields; }
std::span<const WireId> all_wire_ids() { return kWires; }

const Field* field_by_name(std::string_view name) {
  if (name.empty()) return nullptr;
  for (const Field& f : kFields)
    if (equal_ignoring_case(name, f.name) || equal_ignoring_case(name, f.alias)) return &f;
  const WireId* w = wire_id_by_name(name);
  return w ? &field(w->field) : nullptr;
}

const WireId* find_wire_id(WireHeader h) {
  int c = class_index(h);
  if (c < 0) return nullptr;
  uint8_t row = kWireIndex[c][h.header >> 9 & 0x7f];
  return row ? &kWires[row - 1] : nullptr;
}

const WireId* wire_id_of(FieldId f, Version version) {
  uint8_t row = kPreferred[static_cast<size_t>(version)][static_cast<size_t>(f)];
  return row ? &kWires[row - 1] : nullptr;
}

const WireId* wire_id_by_name(std::string_view name) {
  for (const WireId& w : kWires)
    if (equal_ignoring_case(name, w.name)) return &w;
  return nullptr;
}

std::string_view wire_name(FieldId f) {
  const WireId* w = wire_id_of(f, Version::k10);
  return w ? w->name : field(f).name;
}

std::optional<WireHeader> read_wire_header(ByteReader& r) {
  WireHeader h;
  h.header = r.u32();
  if (h.is_experimenter()) h.experimenter = r.u32();
  return r.ok() ? std::optional(h) : std::nullopt;
}

void write_wire_header(ByteWriter& w, const WireHeader& h) {
  w.u32(h.header);
  if (h.is_experimenter()) w.u32(h.experimenter);
}

}  // namespace sluice::ofp
