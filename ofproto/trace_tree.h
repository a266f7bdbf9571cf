// SPDX-License-Identifier: Apache-2.0
// TraceTree: the path of a packet through a translation as a tree of lines, for ofproto/trace.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

enum class TraceKind : uint8_t { kBridge, kTable, kThaw, kAction, kBucket, kDetail, kWarning, kError };

struct TraceNode {
  TraceKind kind;
  std::string text;
  std::vector<std::unique_ptr<TraceNode>> children;
};

class TraceTree {
 public:
  void open(TraceKind kind, std::string text) {
    at().children.push_back(std::make_unique<TraceNode>(TraceNode{kind, std::move(text), {}}));
    path_.push_back(at().children.back().get());
  }
  /// As open(), but inside of the node that was closed last.
  void reopen_and_open(TraceKind kind, std::string text) {
    TraceNode& outer = at().children.empty() ? at() : *at().children.back();
    outer.children.push_back(std::make_unique<TraceNode>(TraceNode{kind, std::move(text), {}}));
    path_.push_back(outer.children.back().get());
  }
  void close() { path_.pop_back(); }
  void add(TraceKind kind, std::string text) {
    open(kind, std::move(text));
    close();
  }
  const TraceNode& root() const { return root_; }
  /// The lines, as Open vSwitch prints them (spec/flow-syntax.md section 10).
  std::string format() const;

 private:
  TraceNode& at() { return path_.empty() ? root_ : *path_.back(); }
  TraceNode root_{TraceKind::kBridge, "", {}};
  std::vector<TraceNode*> path_;
};

}  // namespace sluice
