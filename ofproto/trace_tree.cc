// SPDX-License-Identifier: Apache-2.0
// See trace_tree.h.  Open Vswitch's layout: a table that the last action of a list enters is printed at that list's own level, so that a chain of tables
// does not wander to the right.
#include "ofproto/trace_tree.h"

namespace sluice {
namespace {

using Children = std::vector<std::unique_ptr<TraceNode>>;

bool is_block(TraceKind k) { return k == TraceKind::kTable || k == TraceKind::kThaw || k == TraceKind::kBridge; }

void print(const Children& nodes, int level, std::string& out);

void line(int level, std::string_view text, std::string& out) {
  out.append(static_cast<size_t>(level) * 4, ' ');
  out += text;
  out += '\n';
}

void print_node(const TraceNode& n, int level, bool is_last, std::string& out) {
  switch (n.kind) {
    case TraceKind::kBridge:
      out += '\n' + n.text + '\n' + std::string(n.text.size(), '-') + '\n';
      print(n.children, 0, out);
      return;
    case TraceKind::kTable:
    case TraceKind::kThaw:
    case TraceKind::kBucket:
      line(level, n.text, out);
      print(n.children, level + (n.kind == TraceKind::kBucket ? 2 : 1), out);
      return;
    case TraceKind::kAction: {
      line(level, n.text, out);
      for (size_t i = 0; i < n.children.size(); i++) {
        const TraceNode& c = *n.children[i];
        bool last = is_last && i + 1 == n.children.size();
        if (is_block(c.kind))
          print_node(c, last ? level - 1 : level, last, out);
        else
          print_node(c, level, last, out);
      }
      return;
    }
    case TraceKind::kDetail: line(level, n.text == "drop" || n.text == "CONTROLLER" ? n.text : " -> " + n.text, out); return;
    case TraceKind::kWarning:
    case TraceKind::kError: line(level, " >> " + n.text, out); return;
  }
}

void print(const Children& nodes, int level, std::string& out) {
  for (size_t i = 0; i < nodes.size(); i++) print_node(*nodes[i], level, i + 1 == nodes.size(), out);
}

}  // namespace

std::string TraceTree::format() const {
  std::string out;
  print(root_.children, 0, out);
  return out;
}

}  // namespace sluice
