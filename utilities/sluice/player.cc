// SPDX-License-Identifier: Apache-2.0
// Steps come in groups: packets in, then what must come out.  The group ends with the next step that is no expectation; then nothing may be left over.
#include "utilities/sluice/player.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "datapath/pcap_file.h"
#include "utilities/sluice/child.h"
#include "utilities/sluice/reality.h"

namespace sluice::cli {
namespace {

constexpr Duration kRetryLimit = seconds(5);  // of "%" commands, in the machine's time
constexpr Duration kRetryStep = milliseconds(20);
constexpr size_t kMaxFailures = 20;
constexpr size_t kMaxShown = 5;  // unexpected packets of one port

std::string indented(std::string_view text, std::string_view indent) {
  std::string out;
  for (const std::string& line : split_lines(text)) out += fmt::format("{}{}\n", indent, line);
  return out;
}

}  // namespace

Player::Player(const Scenario& scenario, std::string scenario_directory, Testbed& bed)
    : scenario_(scenario), scenario_directory_(std::move(scenario_directory)), bed_(bed), mentioned_(mentioned_ports(scenario)) {}

void Player::play() {
  for (const Step& s : scenario_.steps) {
    if (interrupted()) return (void)stop(0, "interrupted\n");
    if (!std::visit([&](const auto& x) { return step(x); }, s)) return;
    if (auto dead = bed_.death()) return (void)stop(std::visit([](const auto& x) { return x.line; }, s), *dead);
    if (failures_.size() >= kMaxFailures) return (void)stop(0, "too many failures: no more is tried\n");
  }
  close_group();
}

bool Player::fail(int line, std::string text) {
  failures_.push_back({line, std::move(text)});
  return true;
}

bool Player::stop(int line, std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  fail(line, std::move(text));
  return false;
}

bool Player::as_expected(const CommandStep& s, const ShellResult& r) const {
  return r.status == s.status && (!bed_.is_exact() || (matches(s.out, r.out) && matches(s.err, r.err)));
}

bool Player::step(const CommandStep& s) {
  close_group();
  auto result = bed_.shell(s.command, s.input);
  for (Duration waited{}; s.retry && result && !as_expected(s, *result) && waited < kRetryLimit && !interrupted(); waited += kRetryStep) {
    usleep(static_cast<useconds_t>(kRetryStep / std::chrono::microseconds(1)));
    result = bed_.shell(s.command, s.input);
  }
  if (!result) return stop(s.line, result.error());
  std::string text;
  if (result->status != s.status) {
    text += fmt::format("exit status {}, not {}\n", result->status, s.status);
    if (!s.err.wanted) text += indented(result->err, "! ");
  }
  if (bed_.is_exact() && !matches(s.err, result->err)) text += "errors (- expected, + came):\n" + diff(s.err, result->err);
  if (bed_.is_exact() && !matches(s.out, result->out)) text += "output (- expected, + came):\n" + diff(s.out, result->out);
  if (!text.empty()) {
    fail(s.line, fmt::format("$ {}\n{}", s.command, text));
    new_outputs_.push_back({s.line, result->out, result->err});
  }
  return fetch(s.line);
}

bool Player::step(const TimeStep& s) {
  close_group();
  if (auto done = bed_.warp(s.duration); !done) return stop(s.line, done.error());
  return fetch(s.line);
}

bool Player::step(const InputStep& s) {
  if (expecting_) close_group();
  if (auto* file = std::get_if<CaptureFile>(&s.what)) return input_capture(s, file->path);
  const auto& frames = std::get<Frames>(s.what);
  return input_frames(s, std::vector<Bytes>(frames.count, frames.frame));
}

bool Player::input_frames(const InputStep& s, const std::vector<Bytes>& frames) {
  received_.insert(received_.end(), frames.begin(), frames.end());
  if (auto done = bed_.receive(s.port, frames); !done) return stop(s.line, done.error());
  return fetch(s.line);
}

bool Player::input_capture(const InputStep& s, const std::string& path) {
  auto frames = read_pcap(find_file(path));
  if (!frames) return stop(s.line, frames.error());
  Duration passed{};  // since the first frame
  std::vector<Bytes> together;
  for (const CapturedFrame& f : *frames) {
    Duration wait = f.timestamp - frames->front().timestamp - passed;
    if (wait >= milliseconds(1)) {
      if (!input_frames(s, together)) return false;
      together.clear();
      wait = milliseconds(to_ms(wait));
      if (auto done = bed_.warp(wait); !done) return stop(s.line, done.error());
      passed += wait;
    }
    together.push_back(f.bytes);
  }
  return input_frames(s, together);
}

bool Player::fetch(int line) {
  auto frames = bed_.sent();
  if (!frames) return stop(line, frames.error());
  for (SentFrame& f : *frames) pending_[f.port].push_back(std::move(f.frame));
  cause_ = line;
  return true;
}

void Player::close_group() {
  for (const auto& [port, frames] : pending_) {
    if (frames.empty() || is_silent(port)) continue;
    std::string text = fmt::format("{} {} out of {} unexpectedly:\n", frames.size(), frames.size() == 1 ? "packet came" : "packets came", port);
    for (size_t i = 0; i < frames.size() && i < kMaxShown; i++) text += show_frame(frames[i], "  ");
    if (frames.size() > kMaxShown) text += "  ...\n";
    fail(cause_, std::move(text));
  }
  pending_.clear();
  received_.clear();
  expecting_ = false;
}

bool Player::is_silent(const std::string& port) {
  if (mentioned_.contains(port)) return false;
  auto bridges = bed_.control("ofproto/list", {});
  if (!bridges) return false;
  auto names = split_lines(*bridges);
  return std::ranges::find(names, port) != names.end();
}

bool Player::step(const OutputStep& s) {
  expecting_ = true;
  for (const std::string& port : s.ports) {
    if (std::holds_alternative<Same>(s.what)) {
      for (const Bytes& frame : received_) expect(s, port, frame);
      if (received_.empty()) fail(s.line, "no packet came in that this could be the same as\n");
    } else if (auto* exact = std::get_if<Frames>(&s.what)) {
      for (unsigned i = 0; i < exact->count; i++) expect(s, port, exact->frame);
    } else if (auto* patterns = std::get_if<Patterns>(&s.what)) {
      for (unsigned i = 0; i < patterns->count; i++) expect(s, port, patterns->pattern);
    } else if (auto* file = std::get_if<CaptureFile>(&s.what)) {
      auto frames = read_pcap(find_file(file->path));
      if (!frames) return stop(s.line, frames.error());
      for (const CapturedFrame& f : *frames) expect(s, port, f.bytes);
    }  // Nothing: close_group() sees to that.
  }
  return true;
}

void Player::expect(const OutputStep& s, const std::string& port, ByteView frame) {
  auto& queue = pending_[port];
  if (queue.empty()) return (void)fail(s.line, fmt::format("no packet came out of {}, but this was expected:\n{}", port, show_frame(frame, "  ")));
  Bytes got = std::move(queue.front());
  queue.pop_front();
  if (std::ranges::equal(got, frame)) return;
  fail(s.line, fmt::format("another packet came out of {}: {}\nexpected:\n{}came:\n{}", port, differences(frame, got), show_frame(frame, "  "), show_frame(got, "  ")));
}

void Player::expect(const OutputStep& s, const std::string& port, const PacketPattern& pattern) {
  auto& queue = pending_[port];
  if (queue.empty()) return (void)fail(s.line, fmt::format("no packet came out of {}, but this was expected:\n  {}\n", port, pattern.text));
  Bytes got = std::move(queue.front());
  queue.pop_front();
  if (pattern.matches(got)) return;
  fail(s.line, fmt::format("another packet came out of {}: {}\nexpected:\n  {}\ncame:\n{}", port, differences(pattern, got), pattern.text, show_frame(got, "  ")));
}

std::string Player::find_file(const std::string& path) const {
  for (const std::string& dir : {scenario_directory_, bed_.directory()}) {
    std::string full = path.starts_with("/") ? path : dir + "/" + path;
    if (access(full.c_str(), R_OK) == 0) return full;
  }
  return path;
}

}  // namespace sluice::cli
