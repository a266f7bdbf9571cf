// SPDX-License-Identifier: Apache-2.0
// Differences between two values of a column, as update2 and the journal's _is_diff carry them (spec/ovsdb-protocol.md section 9): a
// column with one element at most the new value; a set's symmetric difference; of a map the pairs with changed keys, and changed values with the new value.
#pragma once

#include "dbserver/ovsdb/error.h"
#include "dbserver/ovsdb/types.h"
#include "dbserver/ovsdb/values.h"

namespace sluice::ovsdb {

Datum datum_diff(DatumRef from, DatumRef to, const ColumnType& type);
/// Error ("set contains ..." , too many elements) if the result can't be of the type.
Result<Datum> datum_apply_diff(DatumRef from, DatumRef diff, const ColumnType& type);

// Set algebra; for maps by key and value.
bool datum_includes(DatumRef whole, DatumRef part);  // part is a subset
bool datum_excludes(DatumRef a, DatumRef b);         // no common element
Datum datum_union(DatumRef a, DatumRef b);           // of equal keys a's pair stays
Datum datum_subtract(DatumRef a, DatumRef b);        // b may be a set of keys when a is a map

}  // namespace sluice::ovsdb
