// SPDX-License-Identifier: Apache-2.0
// Opening files, and telling a torn end from damage.
#include "dbserver/engine/open.h"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dbserver/engine/sha1.h"

namespace sluice::ovsdb {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

/// The rest is the beginning of a header line and nothing else.
bool is_header_prefix(std::string_view rest) {
  size_t m = std::min(rest.size(), kRecordMagic.size());
  if (rest.substr(0, m) != kRecordMagic.substr(0, m)) return false;
  rest.remove_prefix(m);
  while (!rest.empty() && is_digit(rest[0])) rest.remove_prefix(1);
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  return rest.size() <= 40 && std::all_of(rest.begin(), rest.end(), is_hex);
}

}  // namespace

bool is_torn_write(std::string_view bytes, uint64_t offset) {
  std::string_view rest = bytes.substr(offset);
  // Lost sectors read as zeros.  No text that we write has any; one flipped bit makes at most one, and none of an 'O' or a newline.
  if (rest.empty() || rest.front() == '\0' || rest.back() == '\0' || rest.find(std::string_view("\0\0", 2)) != rest.npos) return true;
  size_t newline = rest.find('\n');
  if (newline == rest.npos) return is_header_prefix(rest);
  RecordReader reader(bytes, "", offset);
  std::string_view header = rest.substr(0, newline);
  if (!is_header_prefix(header) || header.size() < kRecordMagic.size() + kSha1Length + 2) return false;
  std::string_view sum = header.substr(header.size() - kSha1Length), data = rest.substr(newline + 1);
  uint64_t length = std::strtoull(std::string(header.substr(kRecordMagic.size())).c_str(), nullptr, 10);
  if (data.size() >= length) return false;
  // Short.  Unless its length is what was damaged: then the data is whole, or other records follow.
  return sha1(data) != sum && data.find("\nOVSDB JSON ") == data.npos && !data.ends_with("}\n");
}

namespace {

DbError damage_error(const JournalDamage& d) {
  DbError e = d.error;
  if (!e.io_error.empty()) e.details += fmt::format(" ({})", std::exchange(e.io_error, {}));
  e.details += fmt::format(".  The file is damaged at offset {} and has been left as it is; see \"ovsdb-tool verify\" and \"ovsdb-tool salvage\".", d.offset);
  return e;
}

bool is_torn(std::string_view bytes, const OpenedJournal& opened) { return opened.damage && is_torn_write(bytes, opened.damage->offset); }

std::unexpected<DbError> io_error(const IoError& e) { return std::unexpected(DbError{"I/O error", e.what, {}, e.text()}); }

/// Keeps what is behind the good part in NAME.torn and cuts the file.  Returns what to tell the user.
Result<std::string> cut_torn_end(Storage& storage, const std::string& name, std::string_view bytes, uint64_t good) {
  std::string aside = name + ".torn";
  std::string_view tail = bytes.substr(good);
  if (auto s = replace_file(aside, tail, 0640); !s)
    return std::unexpected(DbError{"I/O error", fmt::format("{}: cannot set aside {} torn bytes: {}", aside, tail.size(), s.error().what), {}, std::strerror(s.error().error)});
  if (auto s = storage.truncate(good); !s) return io_error(s.error());
  return fmt::format("{}: the last write was cut off: {} bytes at offset {} are no whole record; moved to {}", name, tail.size(), good, aside);
}

/// Keeps the whole file as NAME.damaged (or NAME.damaged.2, ...), a second name for it, and puts the good part in its place.
Result<std::string> set_damaged_aside(Storage& storage, const std::string& name, std::string_view bytes, const OpenedJournal& opened) {
  constexpr int kMostKept = 100;
  std::string path = follow_links(name), kept;
  int error = EEXIST;
  for (int n = 1; error == EEXIST && n <= kMostKept; n++) {
    kept = path + ".damaged" + (n > 1 ? fmt::format(".{}", n) : "");
    error = link(path.c_str(), kept.c_str()) ? errno : 0;
  }
  if (error) return std::unexpected(DbError{"I/O error", fmt::format("{}: cannot keep the damaged file", kept), {}, std::strerror(error)});
  if (auto s = replace_contents(storage, bytes.substr(0, opened.size)); !s) return io_error(s.error());
  return fmt::format("{}; kept as {}.  Serving the {} transaction(s) before the damage; {} bytes at and behind it are not served", opened.damage->error.details, kept,
                     opened.records, bytes.size() - opened.size);
}

}  // namespace

Result<OpenedDatabase> open_database(const std::string& name, UuidSource& uuids, int64_t now_ms, OnDamage on_damage) {
  auto storage = FileStorage::open(name, FileStorage::Open::existing);
  if (!storage) return io_error(storage.error());
  auto bytes = (*storage)->read_all();
  if (!bytes) return io_error(bytes.error());
  auto loaded = load_journal(*bytes, name, uuids);
  if (!loaded) return std::unexpected(loaded.error());
  OpenedDatabase opened;
  if (loaded->damage) {
    bool torn = is_torn(*bytes, *loaded);
    if (!torn && on_damage == OnDamage::refuse) return std::unexpected(damage_error(*loaded->damage));
    auto mended = torn ? cut_torn_end(**storage, name, *bytes, loaded->size) : set_damaged_aside(**storage, name, *bytes, *loaded);
    if (!mended) return std::unexpected(mended.error());
    opened.warning = std::move(*mended);
  }
  opened.db = std::move(loaded->db);
  opened.journal = std::make_unique<Journal>(std::move(*storage), loaded->records, now_ms);
  return opened;
}

DbError read_error(const std::string& name, const FileError& error) {
  return {"I/O error", fmt::format("{}: {} {}", name, error.what, error.what == "read" ? "error" : "failed"), {}, std::strerror(error.error)};
}

Result<OpenedJournal> read_database(const std::string& name, UuidSource& uuids) {
  auto bytes = read_file(name);
  if (!bytes) return std::unexpected(read_error(name, bytes.error()));
  auto loaded = load_journal(*bytes, name, uuids);
  if (loaded && loaded->damage && !is_torn(*bytes, *loaded)) return std::unexpected(damage_error(*loaded->damage));
  return loaded;
}

}  // namespace sluice::ovsdb
