// SPDX-License-Identifier: Apache-2.0
#include "utilities/ofctl/color.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace sluice::ofctl {
namespace {

constexpr std::string_view kParameter = "36", kSpecial = "33", kWord = "32", kParens = "35", kLearn = "31", kDrop = "34", kActions = "1;31";
/// Keys and words that stand out, and actions whose arguments are plain words.
constexpr std::string_view kFlags[] = {"send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts"};  // of flows: not painted
constexpr std::string_view kSpecialWords[] = {"table", "priority", "load", "set_field", "move", "output", "resubmit", "group", "exit", "push", "pop"};
constexpr std::string_view kPlainArguments[] = {"multipath", "bundle", "bundle_load", "conjunction", "dec_ttl", "resubmit", "set_mpls_ttl", "output"};

template <typename Words>
bool is_one_of(const Words& words, std::string_view w) { return std::ranges::find(words, w) != std::end(words); }
bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '[' || c == ']' || c == '.'; }

class Painter {
 public:
  explicit Painter(std::string_view line) : in_(line) {}
  std::string run() {
    while (at_ < in_.size()) {
      if (in_[at_] == ')') close();
      else if (in_[at_] == '-' && in_.substr(at_).starts_with("->")) paint(kSpecial, take(2));
      else if (begins_token()) token();
      else out_ += take(1);
    }
    return std::move(out_);
  }

 private:
  struct Open { std::string_view color; bool plain; };
  std::string_view in_;
  size_t at_ = 0;
  bool in_actions_ = false;
  std::vector<Open> open_;
  std::string out_;

  std::string_view take(size_t n) {
    std::string_view s = in_.substr(at_, n);
    at_ += n;
    return s;
  }
  void paint(std::string_view color, std::string_view text) {
    if (color.empty()) {
      out_ += text;
      return;
    }
    out_ += "\033[";
    out_ += color;
    out_ += "m\033[K";
    out_ += text;
    out_ += "\033[m\033[K";
  }
  bool begins_token() const {
    char before = at_ ? in_[at_ - 1] : ' ';
    return std::islower(static_cast<unsigned char>(in_[at_])) && (before == ' ' || before == ',' || before == '(' || at_ == 0 || in_.substr(0, at_).ends_with("actions="));
  }
  void close() {
    std::string_view color = open_.empty() ? std::string_view() : open_.back().color;
    if (!open_.empty()) open_.pop_back();
    paint(color, take(1));
  }

  void token() {
    size_t end = at_;
    while (end < in_.size() && is_name(in_[end])) end++;
    std::string_view name = in_.substr(at_, end - at_);
    char next = end < in_.size() ? in_[end] : ',';
    bool special = is_one_of(kSpecialWords, name), plain = (!open_.empty() && open_.back().plain) || is_one_of(kFlags, name);
    if (plain) {
      out_ += take(name.size());
    } else if (next == '=' || next == ':') {
      bool actions = name == "actions";
      in_actions_ |= actions;
      paint(actions ? kActions : special ? kSpecial : kParameter, take(name.size() + 1));
      if (!in_actions_) value();
    } else if (next == '(') {
      std::string_view color = name == "learn" ? kLearn : kParens;
      paint(color, take(name.size() + 1));
      open_.push_back({color, is_one_of(kPlainArguments, name)});
    } else {
      paint(name == "drop" ? kDrop : special ? kSpecial : kWord, take(name.size()));
    }
  }
  /// The value of a match field, with what parentheses it has.
  void value() {
    int depth = 0;
    while (at_ < in_.size() && (depth || (in_[at_] != ',' && in_[at_] != ' '))) {
      depth += in_[at_] == '(' ? 1 : in_[at_] == ')' ? -1 : 0;
      out_ += take(1);
    }
  }
};

}  // namespace

std::string color_flow(std::string_view line) {
  bool flow = line.starts_with(' ') && line.find("actions=") != line.npos;
  return flow ? Painter(line).run() : std::string(line);
}

std::string color_flows(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t end = text.find('\n');
    out += color_flow(text.substr(0, end));
    if (end == text.npos) break;
    out += '\n';
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace sluice::ofctl
