// SPDX-License-Identifier: Apache-2.0
// See trace_tree.h.  Open vSwitch's layout: what the last action of a list enters (a table, another bridge) is printed at that list's own level, so that a chain
// of tables does not wander to the right; what another action enters is printed one level deeper, its actions two.
#include "ofproto/trace_tree.h"

#include <span>
#include <string_view>

namespace sluice {
namespace {

using Children = std::span<const std::unique_ptr<TraceNode>>;

void print_list(Children nodes, size_t level, std::string& out);

void line(size_t level, std::string_view text, std::string& out) {
  out.append(level * 4, ' ');
  out += text;
  out += '\n';
}

bool is_block(TraceKind k) { return k == TraceKind::kTable || k == TraceKind::kThaw || k == TraceKind::kBridge; }

void print_block(const TraceNode& n, size_t level, size_t inner, std::string& out) {
  if (n.kind != TraceKind::kBridge) {
    line(level, n.text, out);
    return print_list(n.children, inner, out);
  }
  out += '\n';
  line(level, n.text, out);
  line(level, std::string(n.text.size(), '-'), out);
  size_t i = 0;
  for (; i < n.children.size() && is_block(n.children[i]->kind); i++) print_block(*n.children[i], inner, inner, out);
  print_list(std::span(n.children).subspan(i), inner, out);   // a packet-out's actions, or those that go on
}

void print_node(const TraceNode& n, size_t level, bool is_last, std::string& out) {
  switch (n.kind) {
    case TraceKind::kBridge:
    case TraceKind::kTable:
    case TraceKind::kThaw: return print_block(n, is_last ? level : level + 1, is_last ? level : level + 2, out);
    case TraceKind::kAction:
      line(level + 1, n.text, out);
      for (size_t i = 0; i < n.children.size(); i++) print_node(*n.children[i], level, is_last && i + 1 == n.children.size(), out);
      return;
    case TraceKind::kBucket:
      line(level + 1, n.text, out);
      return print_list(n.children, level + 2, out);
    case TraceKind::kDetail: return line(level + 1, n.text == "drop" || n.text == "CONTROLLER" ? n.text : " -> " + n.text, out);
    case TraceKind::kWarning: return line(level + 1, " >> " + n.text, out);
    case TraceKind::kError: return line(level + 1, " >>>> " + n.text + " <<<<", out);
  }
}

void print_list(Children nodes, size_t level, std::string& out) {
  for (size_t i = 0; i < nodes.size(); i++) print_node(*nodes[i], level, i + 1 == nodes.size(), out);
}

}  // namespace

std::string TraceTree::format() const {
  std::string out;
  for (const auto& n : root_.children) print_block(*n, 0, 0, out);
  return out;
}

}  // namespace sluice
