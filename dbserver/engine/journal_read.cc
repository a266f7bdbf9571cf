// SPDX-License-Identifier: Apache-2.0
// Reading a journal back: records by length and sum, transactions onto the database built so far.
#include <fmt/core.h>

#include <charconv>

#include "dbserver/engine/journal.h"
#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"
#include "dbserver/engine/sha1.h"

namespace sluice::ovsdb {
namespace {

constexpr std::string_view kMagic = "OVSDB JSON ";
constexpr size_t kMaxHeader = 128, kSha1Length = 40;

}  // namespace

std::unexpected<JournalDamage> RecordReader::damage(std::string_view tag, std::string what, std::string io_error) const {
  return std::unexpected(JournalDamage{at_, {std::string(tag), fmt::format("{}: {}", name_, what), {}, std::move(io_error)}});
}

std::expected<std::optional<RawRecord>, JournalDamage> RecordReader::next() {
  std::string_view rest = bytes_.substr(at_);
  if (rest.empty()) return std::nullopt;
  size_t newline = rest.substr(0, kMaxHeader).find('\n');
  auto bad_header = [&] {
    std::string_view line = rest.substr(0, std::min<size_t>(newline == rest.npos ? 60 : newline, 60));
    std::string shown;
    append_json_string(shown, is_valid_utf8(line) ? line : std::string_view());
    return damage("syntax error", fmt::format("parse error at offset {} in header line {}", at_, shown));
  };
  if (newline == rest.npos || !rest.starts_with(kMagic)) return bad_header();
  std::string_view header = rest.substr(kMagic.size(), newline - kMagic.size());
  uint64_t length = 0;
  auto [end, ec] = std::from_chars(header.data(), header.data() + header.size(), length);
  std::string_view sum = header.substr(static_cast<size_t>(end - header.data()));
  if (ec != std::errc() || sum.size() != kSha1Length + 1 || sum[0] != ' ') return bad_header();
  sum.remove_prefix(1);

  uint64_t data_at = at_ + newline + 1;
  if (length == 0 || length > bytes_.size() - data_at)
    return damage("I/O error", fmt::format("error reading {} bytes starting at offset {}", length, data_at), "End of file");
  std::string_view data = bytes_.substr(data_at, length);
  std::string actual;
  append_sha1(actual, data);
  if (actual != sum)
    return damage("syntax error", fmt::format("{} bytes starting at offset {} have SHA-1 hash {} but should have hash {}", length, data_at, actual, sum));
  RawRecord r{at_, data_at + length, data};
  at_ = r.end;
  return r;
}

namespace {

std::unexpected<DbError> bad(std::string details, const Json& j) { return std::unexpected(DbError{"syntax error", std::move(details), j.to_error_text(), {}}); }

/// Buffers that are kept from row to row.
struct Scratch {
  RowBuilder builder;
  DatumBuilder datum;
};

Result<RowPtr> read_row(Database& db, const TableSchema& table, const Uuid& uuid, const RowPtr& before, const Json& j, bool is_diff, Scratch& scratch) {
  if (!j.is_object()) return bad("row must be JSON object", j);
  RowBuilder& builder = scratch.builder;
  if (before) builder.start(table, *before);
  else builder.start(table);
  for (const JsonMember& m : j.members()) {
    const ColumnSchema* c = table.find(m.name());
    if (!c || c->index >= kVersionColumn)
      return std::unexpected(DbError{"unknown column", fmt::format("No column {} in table {}.", m.name(), table.name), j.to_error_text(), {}});
    if (!is_diff || !before || c->type.is_scalar()) {
      size_t from = builder.buffer().size();
      if (auto s = parse_datum_to(builder.buffer(), m.value, c->type, nullptr, scratch.datum); !s) return std::unexpected(s.error());
      builder.set_from_buffer(*c, from);
      continue;
    }
    auto value = parse_datum_lenient(m.value, c->type);
    if (value) value = datum_apply_diff(builder.get(*c), *value, c->type);
    if (!value) return std::unexpected(value.error());
    builder.set(*c, *value);
  }
  return builder.build(uuid, db.uuids().next());
}

Status read_table(Database& db, Table& t, const Json& j, bool is_diff, std::vector<RowChange>& out) {
  if (!j.is_object()) return bad("object expected", j);
  Scratch scratch;
  for (const JsonMember& m : j.members()) {
    auto uuid = parse_uuid(m.name());
    if (!uuid) return bad(fmt::format("\"{}\" is not a valid UUID", m.name()), m.key);
    const RowPtr* found = t.find(*uuid);
    RowPtr before = found ? *found : RowPtr();
    if (m.value.is_null()) {
      if (!before) return bad(fmt::format("transaction deletes row {} that does not exist", m.name()), m.key);
      out.push_back({t.schema().index, std::move(before), {}});
      continue;
    }
    auto row = read_row(db, t.schema(), *uuid, before, m.value, is_diff, scratch);
    if (!row) return std::unexpected(row.error());
    out.push_back({t.schema().index, std::move(before), std::move(*row)});
  }
  return {};
}

}  // namespace

Result<ReadTransaction> parse_transaction(Database& db, const Json& j) {
  if (!j.is_object()) return bad("object expected", j);
  constexpr int64_t kFirstMilliseconds = int64_t{1} << 32;  // smaller dates are seconds
  ReadTransaction t;
  bool is_diff = j.get("_is_diff").boolean();
  for (const JsonMember& m : j.members()) {
    if (m.name() == "_date") {
      if (!m.value.is_integer()) continue;
      t.date_ms = m.value.integer() < kFirstMilliseconds ? m.value.integer() * 1000 : m.value.integer();
    } else if (m.name() == "_comment") {
      t.comment = m.value.string();
    } else if (m.name() != "_is_diff") {
      Table* table = db.find_table(m.name());
      if (!table) return std::unexpected(DbError{"unknown table", fmt::format("No table named {}.", m.name()), j.to_error_text(), {}});
      if (auto s = read_table(db, *table, m.value, is_diff, t.changes); !s) return std::unexpected(s.error());
    }
  }
  return t;
}

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

  JsonArena arena;
  for (;;) {
    auto record = reader.next();
    if (!record) {
      opened.damage = record.error();
      break;
    }
    if (!*record) break;
    auto report = [&](std::string what) {
      opened.damage = JournalDamage{(*record)->offset, {"syntax error", fmt::format("{}: record at offset {}: {}", name, (*record)->offset, what), {}, {}}};
    };
    auto j = arena.parse((*record)->data);
    if (!j) {
      report(fmt::format("not valid JSON ({})", j.error().text));
      break;
    }
    auto t = parse_transaction(*opened.db, **j);
    if (!t) {
      report(t.error().to_string());
      break;
    }
    opened.db->apply(t->changes);
    opened.records++;
    opened.size = (*record)->end;
  }
  return opened;
}

}  // namespace sluice::ovsdb
