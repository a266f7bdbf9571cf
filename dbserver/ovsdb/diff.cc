// SPDX-License-Identifier: Apache-2.0
// Differences and set algebra, by merging two sorted sequences.
#include "dbserver/ovsdb/diff.h"

#include <fmt/core.h>

namespace sluice::ovsdb {
namespace {

/// Walks two sorted datums at once.  left(i): key only in a; right(j): only in b; both(i, j): in both.
template <typename Left, typename Right, typename Both>
void merge(DatumRef a, DatumRef b, Left left, Right right, Both both) {
  size_t i = 0, j = 0, n = a.size(), m = b.size();
  while (i < n && j < m) {
    auto order = a.key(i) <=> b.key(j);
    if (order < 0) left(i++);
    else if (order > 0) right(j++);
    else both(i++, j++);
  }
  while (i < n) left(i++);
  while (j < m) right(j++);
}

AtomRef value_of(DatumRef d, size_t i) { return d.is_map() ? d.value(i) : AtomRef(); }

}  // namespace

Datum datum_diff(DatumRef from, DatumRef to, const ColumnType& type) {
  if (type.is_single()) return Datum(to);
  DatumBuilder b(type.key.type, type.value.type);
  merge(
      from, to, [&](size_t i) { b.add(from.key(i), value_of(from, i)); }, [&](size_t j) { b.add(to.key(j), value_of(to, j)); },
      [&](size_t i, size_t j) {
        if (from.is_map() && from.value(i) != to.value(j)) b.add(to.key(j), to.value(j));
      });
  return b.finish();
}

Result<Datum> datum_apply_diff(DatumRef from, DatumRef diff, const ColumnType& type) {
  if (type.is_scalar()) return Datum(diff);
  DatumBuilder b(type.key.type, type.value.type);
  merge(
      from, diff, [&](size_t i) { b.add(from.key(i), value_of(from, i)); }, [&](size_t j) { b.add(diff.key(j), value_of(diff, j)); },
      [&](size_t i, size_t j) {
        if (from.is_map() && from.value(i) != diff.value(j)) b.add(diff.key(j), diff.value(j));
      });
  // Older releases of ours wrote the symmetric difference here too.  The two can be told apart, since a difference is never written for a value that stays.
  if (type.is_single() && (b.size() > 1 || diff.empty())) return Datum(diff);
  if (b.size() < type.n_min || b.size() > type.n_max)
    return constraint_violation(fmt::format("value has {} elements after the difference is applied, but {} to {} are allowed", b.size(), type.n_min, type.n_max));
  return b.finish();
}

bool datum_includes(DatumRef whole, DatumRef part) {
  if (part.size() > whole.size()) return false;
  for (size_t i = 0, n = part.size(); i < n; i++) {
    size_t at = whole.find(part.key(i));
    if (at == whole.size() || (whole.is_map() && part.is_map() && whole.value(at) != part.value(i))) return false;
  }
  return true;
}

bool datum_excludes(DatumRef a, DatumRef b) {
  for (size_t i = 0, n = b.size(); i < n; i++) {
    size_t at = a.find(b.key(i));
    if (at < a.size() && (!a.is_map() || !b.is_map() || a.value(at) == b.value(i))) return false;
  }
  return true;
}

Datum datum_union(DatumRef a, DatumRef b) {
  DatumBuilder out(a.key_type(), a.value_type());
  merge(
      a, b, [&](size_t i) { out.add(a.key(i), value_of(a, i)); }, [&](size_t j) { out.add(b.key(j), value_of(b, j)); },
      [&](size_t i, size_t) { out.add(a.key(i), value_of(a, i)); });
  return out.finish();
}

Datum datum_subtract(DatumRef a, DatumRef b) {
  DatumBuilder out(a.key_type(), a.value_type());
  merge(
      a, b, [&](size_t i) { out.add(a.key(i), value_of(a, i)); }, [](size_t) {},
      [&](size_t i, size_t j) {
        if (b.is_map() && a.value(i) != b.value(j)) out.add(a.key(i), a.value(i));
      });
  return out.finish();
}

}  // namespace sluice::ovsdb
