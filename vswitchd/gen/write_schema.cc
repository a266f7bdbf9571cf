// SPDX-License-Identifier: Apache-2.0
// Build-time program: writes the Open_vSwitch schema as JSON, for ovsdb-tool create and for people.  Usage: write_schema FILE
#include <cstdio>
#include <fstream>

#include "vswitchd/schema.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ofstream out(argv[1]);
  out << sluice::schema::make_vswitch_schema()->to_json().to_pretty_string() << '\n';
  out.flush();
  if (!out) std::fprintf(stderr, "%s: cannot write\n", argv[1]);
  return out ? 0 : 1;
}
