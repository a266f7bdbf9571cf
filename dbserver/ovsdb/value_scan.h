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

}  // namespace sluice::ovsdb
