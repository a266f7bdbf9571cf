// SPDX-License-Identifier: Apache-2.0
// One table serves both questions: cost(i, j) is the number of lines that must be removed or added to make the expectation's lines from i on
// match the output's lines from j on.  0 is a match; the way through the table is the diff.
#include "utilities/sluice/text_expectation.h"

#include <algorithm>

namespace sluice::cli {
namespace {

constexpr size_t kMaxCells = 4'000'000;  // beyond, the diff is all expected lines and then all that came

std::string_view without_end_blanks(std::string_view s) {
  size_t end = s.find_last_not_of(" \t\r");
  return s.substr(0, end == s.npos ? 0 : end + 1);
}

class CostTable {
 public:
  CostTable(const std::vector<LinePattern>& want, const std::vector<std::string>& got)
      : want_(want), got_(got), width_(got.size() + 1), cost_((want.size() + 1) * width_) {
    for (size_t i = want.size() + 1; i-- > 0;)
      for (size_t j = width_; j-- > 0;) cost_[i * width_ + j] = compute(i, j);
  }
  unsigned at(size_t i, size_t j) const { return cost_[i * width_ + j]; }
  bool is_any(size_t i) const { return i < want_.size() && want_[i].kind == LinePattern::Kind::kAnyLines; }
  bool pairs(size_t i, size_t j) const { return i < want_.size() && j < got_.size() && !is_any(i) && want_[i].matches(got_[j]); }

 private:
  unsigned compute(size_t i, size_t j) const {
    size_t more_want = want_.size() - i, more_got = got_.size() - j;
    if (!more_want) return static_cast<unsigned>(more_got);
    if (is_any(i)) return more_got ? std::min(at(i + 1, j), at(i, j + 1)) : at(i + 1, j);
    unsigned best = 1 + at(i + 1, j);
    if (!more_got) return best;
    best = std::min(best, 1 + at(i, j + 1));
    return pairs(i, j) ? std::min(best, at(i + 1, j + 1)) : best;
  }
  const std::vector<LinePattern>& want_;
  const std::vector<std::string>& got_;
  size_t width_;
  std::vector<unsigned> cost_;
};

std::string shown(const LinePattern& p) {
  switch (p.kind) {
    case LinePattern::Kind::kAnyLines: return "...";
    case LinePattern::Kind::kRegex: return "~ " + p.text;
    case LinePattern::Kind::kText: break;
  }
  return p.text;
}

}  // namespace

bool LinePattern::matches(std::string_view line) const {
  line = without_end_blanks(line);
  if (kind == Kind::kRegex) return std::regex_match(line.begin(), line.end(), *regex);
  return line == without_end_blanks(text);
}

std::expected<LinePattern, std::string> parse_line_pattern(std::string_view rest) {
  LinePattern p;
  bool regex = rest.starts_with("~");
  if (regex) rest.remove_prefix(1);
  if (rest.starts_with(" ")) rest.remove_prefix(1);
  p.text = without_end_blanks(rest);
  if (!regex) {
    if (p.text == "...") p.kind = LinePattern::Kind::kAnyLines;
    return p;
  }
  p.kind = LinePattern::Kind::kRegex;
  try {
    p.regex.emplace(p.text, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& e) {
    return std::unexpected("\"" + p.text + "\" is no regular expression: " + e.what());
  }
  return p;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool matches(const TextExpectation& expectation, std::string_view text) {
  if (!expectation.wanted) return true;
  auto got = split_lines(text);
  if ((expectation.lines.size() + 1) * (got.size() + 1) > kMaxCells) return false;
  return CostTable(expectation.lines, got).at(0, 0) == 0;
}

std::string diff(const TextExpectation& expectation, std::string_view text) {
  const auto& want = expectation.lines;
  auto got = split_lines(text);
  std::string out;
  size_t i = 0, j = 0;
  if ((want.size() + 1) * (got.size() + 1) <= kMaxCells) {
    CostTable table(want, got);
    while (i < want.size() && j < got.size()) {
      unsigned here = table.at(i, j);
      if (table.is_any(i)) {
        if (table.at(i + 1, j) == here) i++;
        else out += " " + got[j++] + "\n";
      } else if (table.pairs(i, j) && table.at(i + 1, j + 1) == here) {
        out += " " + got[j++] + "\n";
        i++;
      } else if (table.at(i + 1, j) + 1 == here) {
        out += "-" + shown(want[i++]) + "\n";
      } else {
        out += "+" + got[j++] + "\n";
      }
    }
  }
  for (; i < want.size(); i++)
    if (want[i].kind != LinePattern::Kind::kAnyLines) out += "-" + shown(want[i]) + "\n";
  for (; j < got.size(); j++) out += "+" + got[j] + "\n";
  return out;
}

}  // namespace sluice::cli
