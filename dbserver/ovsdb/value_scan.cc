// SPDX-License-Identifier: Apache-2.0
// Atoms, sets and maps by column type.
#include "dbserver/ovsdb/value_scan.h"

namespace sluice::ovsdb {
namespace {

/// One thing that the scanner reads.
template <typename T>
bool scan_as(JsonScanner& s, bool (JsonScanner::*read)(T&), AtomRef& out) {
  T v;
  if (!(s.*read)(v)) return false;
  out = v;
  return true;
}

bool scan_atom(JsonScanner& s, AtomType type, AtomRef& out) {
  switch (type) {
    case AtomType::none: return false;
    case AtomType::integer: return scan_as(s, &JsonScanner::integer, out);
    case AtomType::boolean: return scan_as(s, &JsonScanner::boolean, out);
    case AtomType::string: return scan_as(s, &JsonScanner::string, out);
    case AtomType::uuid: return s.literal("[\"uuid\",") && scan_as(s, &JsonScanner::uuid, out) && s.take(']');
    case AtomType::real: {
      Json v;
      if (!s.number(v)) return false;
      out = v.number();
      return true;
    }
  }
  return false;
}

bool scan_scalar(JsonScanner& s, const BaseType& base, ByteBuffer& out) {
  if (base.type == AtomType::string) return scan_text(s, base, out);
  if (base.type == AtomType::integer) return scan_integer(s, base, out);
  AtomRef v;
  if (!scan_atom(s, base.type, v) || !base.admits(v)) return false;
  encode_scalar(out, v);
  return true;
}

class DatumScan {
 public:
  DatumScan(JsonScanner& scanner, const ColumnType& type, bool checked) : s_(scanner), type_(type), checked_(checked) {}

  bool starts_collection() { return s_.at('[') && s_.literal(type_.is_map() ? "[\"map\",[" : "[\"set\",["); }
  bool atom(const BaseType& base, AtomRef& out) { return scan_atom(s_, base.type, out) && (!checked_ || base.admits(out)); }
  bool elements(DatumBuilder& out) {
    if (!s_.take(']')) {
      bool of_texts = type_.key.type == AtomType::string && type_.value.type == AtomType::string;
      if (of_texts ? !text_pairs(out) : !atoms(out)) return false;
      if (!s_.take(']')) return false;
    }
    bool fits = !checked_ || (out.size() >= type_.n_min && out.size() <= type_.n_max);
    return fits && s_.take(']') && out.sort();
  }

 private:
  bool atoms(DatumBuilder& out) {
    do {
      AtomRef key, value;
      if (type_.is_map() ? !pair(key, value) : !atom(type_.key, key)) return false;
      out.add(key, value);
    } while (s_.take(','));
    return true;
  }
  bool pair(AtomRef& key, AtomRef& value) { return s_.take('[') && atom(type_.key, key) && s_.take(',') && atom(type_.value, value) && s_.take(']'); }
  /// Most maps are of texts.
  bool text_pairs(DatumBuilder& out) {
    JsonScanner s = s_;
    do {
      std::string_view key, value;
      if (!s.take('[') || !s.string(key) || !s.take(',') || !s.string(value) || !s.take(']')) return false;
      if (checked_ && !(type_.key.admits(key) && type_.value.admits(value))) return false;
      out.add(key, value);
    } while (s.take(','));
    s_ = s;
    return true;
  }

  JsonScanner& s_;
  const ColumnType& type_;
  bool checked_;
};

}  // namespace

bool scan_datum(JsonScanner& scanner, const ColumnType& type, ByteBuffer& out, DatumBuilder& scratch) {
  if (!type.is_map() && !scanner.at('[')) return scan_scalar(scanner, type.key, out);
  DatumScan scan(scanner, type, true);
  if (scan.starts_collection()) {
    scratch.reset(type.key.type, type.value.type);
    if (!scan.elements(scratch)) return false;
    scratch.encode(out);
    return true;
  }
  AtomRef only;
  if (type.is_map() || !scan.atom(type.key, only)) return false;
  encode_scalar(out, only);
  return true;
}

bool scan_datum_lenient(JsonScanner& scanner, const ColumnType& type, Datum& out, DatumBuilder& scratch) {
  DatumScan scan(scanner, type, false);
  scratch.reset(type.key.type, type.value.type);
  AtomRef only;
  if (scan.starts_collection()) {
    if (!scan.elements(scratch)) return false;
  } else {
    if (type.is_map() || !scan.atom(type.key, only)) return false;
    scratch.add(only);
  }
  out = scratch.finish();
  return true;
}

}  // namespace sluice::ovsdb
