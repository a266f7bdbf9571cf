// SPDX-License-Identifier: Apache-2.0
// Values read from JSON text straight into their encoding.  As with all of JsonScanner, "no" means: read it by parse_datum_to(), which knows why.
#pragma once

#include "dbserver/ovsdb/types.h"
#include "dbserver/ovsdb/values.h"
#include "lib/byte_buffer.h"
#include "lib/json_scanner.h"

namespace sluice::ovsdb {

/// Appends what parse_datum_to() would, or says no.
bool scan_datum(JsonScanner& scanner, const ColumnType& type, ByteBuffer& out, DatumBuilder& scratch);
/// What parse_datum_lenient() would give, or no: any number of elements, unchecked.
bool scan_datum_lenient(JsonScanner& scanner, const ColumnType& type, Datum& out, DatumBuilder& scratch);

/// A set of one text that is given as just this.
[[gnu::always_inline]] inline bool scan_text(JsonScanner& scanner, const BaseType& base, ByteBuffer& out) {
  constexpr size_t kHead = 8;  // how many, which is one, and where it ends
  size_t head = out.size();
  out.extend(kHead);
  if (!scanner.string_to(out)) return false;
  const uint32_t words[] = {1, static_cast<uint32_t>(out.size() - head - kHead)};
  std::memcpy(out.data() + head, words, kHead);
  return base.admits(out.view().substr(head + kHead));
}

[[gnu::always_inline]] inline bool scan_integer(JsonScanner& scanner, const BaseType& base, ByteBuffer& out) {
  int64_t v;
  if (!scanner.integer(v) || !base.admits(v)) return false;
  encode_scalar(out, v);
  return true;
}

/// scan_datum() with what is mostly there in line.
[[gnu::always_inline]] inline bool scan_value(JsonScanner& s, const ColumnType& type, ByteBuffer& out, DatumBuilder& scratch) {
  if (type.key.type == AtomType::string && s.at('"')) return !type.is_map() && scan_text(s, type.key, out);
  if (type.key.type == AtomType::integer && !s.at('[')) return !type.is_map() && scan_integer(s, type.key, out);
  return apart(s, [&](JsonScanner& t) { return scan_datum(t, type, out, scratch); });
}

}  // namespace sluice::ovsdb
