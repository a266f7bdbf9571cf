// SPDX-License-Identifier: Apache-2.0
// Build-time program: writes the Open_vSwitch schema as JSON, for ovsdb-tool create, and as the manual page conf.db(5).
// Usage: write_schema SCHEMA-FILE MANUAL-FILE
#include <fmt/core.h>

#include <cstdio>
#include <fstream>

#include "vswitchd/schema.h"

using namespace sluice;

namespace {

/// Text that troff takes literally.
std::string troff(std::string_view s) {
  std::string out;
  for (char c : s) {
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string flags_text(unsigned flags) {
  std::string out;
  if (flags & schema::kReported) out += ", reported";
  if (flags & schema::kEphemeral) out += ", not kept on disk";
  if (flags & schema::kImmutable) out += ", set at creation only";
  return out;
}

std::string manual() {
  std::string out = fmt::format(R"(.TH conf.db 5 "" "Sluice" "Open vSwitch Manual"
.SH NAME
conf.db \- configuration database of the switch (schema {} {})
.SH DESCRIPTION
Each table is listed with its columns, their types and what they do.
Types: \fIA\fR..\fIB\fR is a range, {{a, b}} the values that are allowed, => separates key and value of a map; then how many:
? none or one, * any number, + one or more, {{0..\fIN\fR}} up to \fIN\fR, nothing exactly one.
Columns that are \fIreported\fR are written by the daemons and meant to be read.
Rows of tables that are not marked as root exist as long as a row elsewhere refers to them.
)", schema::kDatabase, schema::kVersion);
  for (const schema::TableInfo& t : schema::kTables) {
    out += fmt::format(".SH TABLE {}\n", troff(t.name));
    if (t.is_root) out += "A root table.\n";
    if (t.max_rows) out += fmt::format("At most {} row.\n", t.max_rows);
    if (!t.index.empty()) out += fmt::format("Unique: {}.\n", troff(t.index));
    for (const schema::ColumnInfo& c : schema::kColumns)
      if (c.table == t.name)
        out += fmt::format(".TP\n\\fB{}\\fR: {}{}\n{}\n", troff(c.name), troff(c.type), flags_text(c.flags), troff(c.effect.empty() ? "\\-" : c.effect));
  }
  return out;
}

bool write(const char* path, const std::string& text) {
  std::ofstream out(path);
  out << text;
  out.flush();
  if (!out) std::fprintf(stderr, "%s: cannot write\n", path);
  return static_cast<bool>(out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  bool ok = write(argv[1], schema::make_vswitch_schema()->to_json().to_pretty_string() + "\n") && write(argv[2], manual());
  return ok ? 0 : 1;
}
