// SPDX-License-Identifier: Apache-2.0
// Reading a journal back: its transactions, one after another, onto the database built so far.
#include <fmt/core.h>

#include "dbserver/engine/journal.h"
#include "dbserver/engine/transaction_reader.h"

namespace sluice::ovsdb {

Result<OpenedJournal> load_journal(std::string_view bytes, const std::string& name, UuidSource& uuids) {
  OpenedJournal opened;
  if (!bytes.empty() && !bytes.starts_with("OVSDB ")) return fail("ovsdb error", fmt::format("{}: unexpected file format", name));
  if (bytes.starts_with("OVSDB CLUSTER")) return fail("ovsdb error", fmt::format("{}: clustered databases are not supported", name));
  RecordReader reader(bytes, name);
  auto first = reader.next();
  if (!first) return std::unexpected(first.error().error);
  if (!*first) return fail("ovsdb error", fmt::format("{}: cannot identify file type", name));
  auto schema_json = Json::parse((*first)->data);
  if (!schema_json) return fail("ovsdb error", fmt::format("{}: {} bytes starting at offset 0 are not valid JSON ({})", name, (*first)->data.size(), schema_json.error().text));
  auto schema = DatabaseSchema::from_json(*schema_json);
  if (!schema) {
    schema.error().details = fmt::format("failed to parse schema in \"{}\": {}", name, schema.error().details);
    return std::unexpected(schema.error());
  }
  opened.db = std::make_unique<Database>(*schema, uuids);
  opened.size = reader.offset();

  TransactionReader transactions(*opened.db);
  for (;;) {
    auto record = reader.next();
    if (!record) {
      opened.damage = record.error();
      break;
    }
    if (!*record) break;
    auto t = transactions.read((*record)->data);
    if (!t) {
      std::string what = fmt::format("{}: record at offset {}: {}", name, (*record)->offset, t.error().to_string());
      opened.damage = JournalDamage{(*record)->offset, {"syntax error", std::move(what), {}, {}}};
      break;
    }
    opened.db->apply((*t)->changes);
    opened.records++;
    opened.size = (*record)->end;
  }
  return opened;
}

}  // namespace sluice::ovsdb
