// SPDX-License-Identifier: Apache-2.0
// The first characters of a line say what it is; each kind has a function.  "<", "|", "!" and "?" lines belong to the command above them.
#include <fmt/core.h>

#include <cctype>

#include "ofproto/openflow/text.h"
#include "lib/decimal.h"
#include "utilities/sluice/scenario.h"

namespace sluice::cli {
namespace {

using ofp::trim;

constexpr unsigned kMaxCount = 1'000'000;
constexpr int64_t kMaxDuration_ms = int64_t{10} * 365 * 24 * 3600 * 1000;

struct Unit { std::string_view name; int64_t ms; };
constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};

std::optional<int64_t> parse_integer(std::string_view s) {
  auto v = parse_decimal<int64_t>(s);
  return v && *v >= 0 ? v : std::nullopt;
}

/// Cuts "N * " from the front; 1 if there is none.
std::expected<unsigned, std::string> take_count(std::string_view& text) {
  size_t digits = 0;
  while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits]))) digits++;
  std::string_view rest = trim(text.substr(digits));
  if (!digits || !rest.starts_with("*")) return 1;
  auto n = parse_integer(text.substr(0, digits));
  if (!n || *n > kMaxCount) return std::unexpected(fmt::format("\"{}\": a count is at most {}", text.substr(0, digits), kMaxCount));
  text = trim(rest.substr(1));
  return static_cast<unsigned>(*n);
}

/// The text behind "WORD " if the text begins so.
std::optional<std::string_view> after_word(std::string_view text, std::string_view word) {
  if (!text.starts_with(word) || text.size() == word.size() || !std::isspace(static_cast<unsigned char>(text[word.size()]))) return std::nullopt;
  return trim(text.substr(word.size()));
}

/// What stands behind "PORT >".
std::expected<decltype(OutputStep::what), std::string> parse_output(std::string_view what) {
  if (what == "none") return Nothing{};
  if (what == "same") return Same{};
  if (auto path = after_word(what, "pcap")) return CaptureFile{std::string(*path)};
  auto count = take_count(what);
  if (!count) return std::unexpected(count.error());
  if (*count == 0) return Nothing{};
  auto exact = after_word(what, "exactly");
  if (exact || is_hex(what)) {
    auto frame = parse_frame(exact.value_or(what));
    if (!frame) return std::unexpected(frame.error());
    return Frames{*count, std::move(*frame)};
  }
  auto pattern = parse_pattern(what);
  if (!pattern) return std::unexpected(pattern.error());
  return Patterns{*count, std::move(*pattern)};
}

class Parser {
 public:
  explicit Parser(std::string path) { scenario_.path = std::move(path); }
  void line(std::string_view text);
  std::expected<Scenario, std::vector<ScenarioError>> finish();

 private:
  void comment(std::string_view text);
  void command(std::string_view text, bool retry);
  void expectation(std::string_view rest, bool of_stderr);
  void status(std::string_view text);
  void standard_input(std::string_view rest);
  void time(std::string_view text);
  void packet(std::string_view text);
  void input(std::string_view port, std::string_view what);
  void output(std::string_view ports, std::string_view what);
  CommandStep* last_command(std::string_view what);
  void error(std::string text) { errors_.push_back({line_, std::move(text)}); }

  Scenario scenario_;
  std::vector<ScenarioError> errors_;
  int line_ = 0;
  bool continued_ = false;  // the last line was a command that ends with a backslash
};

void Parser::line(std::string_view text) {
  line_++;
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  if (continued_) {
    auto& c = std::get<CommandStep>(scenario_.steps.back());
    c.command += "\n" + std::string(text);
    continued_ = text.ends_with("\\");
    return;
  }
  if (trim(text).empty()) return;
  switch (text[0]) {
    case '#': return comment(text.substr(1));
    case '$': return command(text.substr(1), false);
    case '%': return command(text.substr(1), true);
    case '|': return expectation(text.substr(1), false);
    case '!': return expectation(text.substr(1), true);
    case '?': return status(trim(text.substr(1)));
    case '<': return standard_input(text.substr(1));
    case '+': return time(trim(text.substr(1)));
    default: return packet(trim(text));
  }
}

void Parser::comment(std::string_view text) {
  if (scenario_.title.empty() && scenario_.steps.empty() && !trim(text).starts_with("SPDX-")) scenario_.title = trim(text);
}

void Parser::command(std::string_view text, bool retry) {
  CommandStep c;
  c.line = line_;
  c.retry = retry;
  c.command = trim(text);
  if (c.command.empty()) return error("a command is missing");
  continued_ = c.command.ends_with("\\");
  scenario_.steps.emplace_back(std::move(c));
}

CommandStep* Parser::last_command(std::string_view what) {
  auto* c = scenario_.steps.empty() ? nullptr : std::get_if<CommandStep>(&scenario_.steps.back());
  if (!c) error(fmt::format("{} must stand below the command that it is about", what));
  return c;
}

void Parser::expectation(std::string_view rest, bool of_stderr) {
  CommandStep* c = last_command(of_stderr ? "expected errors (\"!\")" : "expected output (\"|\")");
  if (!c) return;
  TextExpectation& e = of_stderr ? c->err : c->out;
  bool first = !e.wanted;
  e.wanted = true;
  if (trim(rest) == "-" && !rest.starts_with(" ")) {
    if (!first) error("\"-\" means no text at all: no other lines can be expected");
    return;
  }
  auto pattern = parse_line_pattern(rest);
  if (!pattern) return error(pattern.error());
  e.lines.push_back(std::move(*pattern));
}

void Parser::status(std::string_view text) {
  CommandStep* c = last_command("an exit status (\"?\")");
  if (!c) return;
  auto n = parse_integer(text);
  if (!n || *n > 255) return error(fmt::format("\"{}\": an exit status is 0 to 255", text));
  c->status = static_cast<int>(*n);
}

void Parser::standard_input(std::string_view rest) {
  CommandStep* c = last_command("standard input (\"<\")");
  if (!c) return;
  if (rest.starts_with(" ")) rest.remove_prefix(1);
  c->input += std::string(rest) + "\n";
}

void Parser::time(std::string_view text) {
  Duration total{};
  std::string_view rest = text;
  while (!rest.empty()) {
    size_t digits = 0;
    while (digits < rest.size() && std::isdigit(static_cast<unsigned char>(rest[digits]))) digits++;
    size_t end = digits;
    while (end < rest.size() && std::isalpha(static_cast<unsigned char>(rest[end]))) end++;
    auto n = parse_integer(rest.substr(0, digits));
    const Unit* unit = nullptr;
    for (const Unit& u : kUnits)
      if (u.name == rest.substr(digits, end - digits)) unit = &u;
    if (!n || !unit || *n > kMaxDuration_ms / unit->ms) return error(fmt::format("\"{}\" is no duration: +301s, +500ms, +2m, +1h30m, +1d", text));
    total += milliseconds(*n * unit->ms);
    rest = trim(rest.substr(end));
  }
  if (total <= Duration::zero()) return error("time passes by a positive duration: +301s, +500ms, +1h");
  scenario_.steps.emplace_back(TimeStep{line_, total});
}

void Parser::packet(std::string_view text) {
  size_t at = text.find_first_of("<>");
  std::string_view ports = trim(text.substr(0, at));
  bool names = at != text.npos && !ports.empty();
  for (char c : ports) names &= std::isalnum(static_cast<unsigned char>(c)) || std::string_view("_-.,: \t").find(c) != std::string_view::npos;
  if (!names)
    return error(fmt::format("\"{}\": a line begins with # (comment), $ or % (command), < | ! ? (its input, output, errors, exit status), + (time), or is "
                             "\"PORT < PACKET\" or \"PORT > PACKET\"",
                             text.substr(0, 40)));
  std::string_view what = trim(text.substr(at + 1));
  if (what.empty()) return error("a packet is missing");
  if (text[at] == '<') input(ports, what);
  else output(ports, what);
}

void Parser::input(std::string_view port, std::string_view what) {
  if (port.find_first_of(", \t") != port.npos) return error(fmt::format("\"{}\": a packet comes in at one port", port));
  if (auto path = after_word(what, "pcap")) {
    scenario_.steps.emplace_back(InputStep{line_, std::string(port), CaptureFile{std::string(*path)}});
    return;
  }
  auto count = take_count(what);
  if (!count) return error(count.error());
  auto frame = parse_frame(what);
  if (!frame) return error(frame.error());
  scenario_.steps.emplace_back(InputStep{line_, std::string(port), Frames{*count, std::move(*frame)}});
}

void Parser::output(std::string_view ports, std::string_view what) {
  OutputStep s;
  s.line = line_;
  while (!ports.empty()) {
    size_t end = ports.find_first_of(", \t");
    if (end != 0) s.ports.emplace_back(ports.substr(0, end));
    ports = end == ports.npos ? "" : ports.substr(end + 1);
  }
  auto packets = parse_output(what);
  if (!packets) return error(packets.error());
  s.what = std::move(*packets);
  scenario_.steps.emplace_back(std::move(s));
}

std::expected<Scenario, std::vector<ScenarioError>> Parser::finish() {
  if (errors_.empty() && scenario_.steps.empty()) error("there is nothing in it");
  if (!errors_.empty()) return std::unexpected(std::move(errors_));
  return std::move(scenario_);
}

}  // namespace

std::expected<Scenario, std::vector<ScenarioError>> parse_scenario(std::string path, std::string_view text) {
  Parser parser(std::move(path));
  for (const std::string& line : split_lines(text)) parser.line(line);
  return parser.finish();
}

}  // namespace sluice::cli
