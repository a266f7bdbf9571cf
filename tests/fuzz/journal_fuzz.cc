// SPDX-License-Identifier: Apache-2.0
// Recovery of journals.  Byte 0 odd: the rest is a file.  Even: its lines become records with good sums behind a schema, so that their contents are reached.
// Whatever comes, the part that is called good is good when it is read again.
#include <string>

#include "dbserver/engine/open.h"
#include "tests/fuzz/database.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;
using namespace sluice::ovsdb;

namespace {

std::string as_records(std::string_view lines) {
  std::string bytes;
  append_record(bytes, fuzz_schema()->to_json().to_string() + "\n");
  while (!lines.empty()) {
    size_t end = std::min(lines.find('\n'), lines.size() - 1);
    append_record(bytes, lines.substr(0, end + 1));
    lines.remove_prefix(end + 1);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::string_view rest = as_text(data + 1, size - 1);
  std::string bytes = data[0] & 1 ? std::string(rest) : as_records(rest);
  UuidSource uuids{{1, 2, 3, 4}};
  auto loaded = load_journal(bytes, "f", uuids);
  if (!loaded) return 0;
  require(loaded->size <= bytes.size());
  if (loaded->damage) {
    require(loaded->damage->offset >= loaded->size);
    (void)is_torn_write(bytes, loaded->damage->offset);
  }
  auto again = load_journal(std::string_view(bytes).substr(0, loaded->size), "g", uuids);
  require(again && !again->damage && again->records == loaded->records);
  require(Snapshot(*loaded->db).render_file("c", 1).size() > 0);
  return 0;
}
