// SPDX-License-Identifier: Apache-2.0
#include "utilities/sluice/accept.h"

#include <map>

namespace sluice::cli {
namespace {

std::string as_expectation(std::string_view text, char mark) {
  if (text.empty()) return std::string(1, mark) + "-\n";
  std::string out;
  for (const std::string& line : split_lines(text)) {
    out += mark;
    if (!line.empty()) out += " " + line;
    out += '\n';
  }
  return out;
}

}  // namespace

std::string accept_outputs(std::string_view text, const std::vector<NewOutput>& outputs) {
  std::map<size_t, const NewOutput*> by_line;
  for (const NewOutput& o : outputs) by_line[static_cast<size_t>(o.line)] = &o;
  auto lines = split_lines(text);
  std::string out;
  for (size_t i = 0; i < lines.size(); i++) {
    out += lines[i] + "\n";
    auto found = by_line.find(i + 1);
    if (found == by_line.end()) continue;
    while (lines[i].ends_with('\\') && i + 1 < lines.size()) out += lines[++i] + "\n";
    std::string kept;
    bool had_out = false, had_err = false;
    for (; i + 1 < lines.size() && !lines[i + 1].empty() && std::string_view("|!?<").find(lines[i + 1][0]) != std::string_view::npos; i++) {
      char mark = lines[i + 1][0];
      had_out |= mark == '|';
      had_err |= mark == '!';
      if (mark == '<') out += lines[i + 1] + "\n";
      if (mark == '?') kept += lines[i + 1] + "\n";
    }
    if (had_out) out += as_expectation(found->second->out, '|');
    if (had_err) out += as_expectation(found->second->err, '!');
    out += kept;
  }
  return out;
}

}  // namespace sluice::cli
