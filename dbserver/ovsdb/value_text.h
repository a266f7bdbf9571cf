// SPDX-License-Identifier: Apache-2.0
// Values as people type and read them in vsctl and ovsdb-client: 5, true, "quoted text" or bare-words, [a, b], {k=v, "k 2"=v}.
// Symbols: @NAME stands for a row that the same transaction makes.
#pragma once

#include <string>
#include <string_view>

#include "dbserver/ovsdb/types.h"
#include "dbserver/ovsdb/value_json.h"
#include "dbserver/ovsdb/values.h"

namespace sluice::ovsdb {

/// Integers also as ranges in sets ("1-5").  Error texts as ovs-vsctl prints them.
std::expected<Datum, std::string> parse_datum_text(std::string_view text, const ColumnType& type, SymbolTable* symbols = nullptr);
std::expected<Atom, std::string> parse_atom_text(std::string_view text, const BaseType& type, SymbolTable* symbols = nullptr);

/// Reads one token of a column argument: an atom, quoted or bare, up to one of `stop`.  Advances `text`.
std::expected<std::string, std::string> parse_token(std::string_view& text, std::string_view stop);

std::string atom_to_text(AtomRef a);     // strings quoted unless they are identifiers that can't be taken for something else
std::string datum_to_text(DatumRef d, const ColumnType& type);
std::string atom_to_bare(AtomRef a);     // no quotes: ovs-vsctl --bare
std::string datum_to_bare(DatumRef d);   // elements separated by blanks
/// True if the string must be quoted to be read back as a string.
bool needs_quotes(std::string_view s);

}  // namespace sluice::ovsdb
