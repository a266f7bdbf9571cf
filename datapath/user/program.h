// SPDX-License-Identifier: Apache-2.0
// Program: datapath actions compiled to a flat list of operations, shared by all megaflows with the same actions.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "datapath/edits.h"
#include "datapath/odp_action.h"

namespace sluice {

enum class OpCode : uint8_t {
  kOutput,      // arg: port
  kUserspace, kSet, kPushVlan, kPopVlan, kPushMpls, kPopMpls, kRecirc, kHash, kTrunc, kMeter, kClone, kSample, kDrop,
  kCt, kCtClear,
  kCheckPktLen,   // arg: length
  kTunnelPush, kTunnelPop,
  kPushEth, kPopEth, kPushNsh, kPopNsh, kAddMpls,
  kDecTtl, kOther,   // not done here: the packet ends
};

/// How a flow's program is run: the common ones without looking at it.
enum class ProgramKind : uint8_t {
  kDrop,      // empty
  kOutput,    // one output, `port`
  kOutputs,   // outputs only
  kGeneral,
};

class Program;

struct Op {
  OpCode code;
  bool last = false;           // nothing follows: the packet may be consumed
  uint32_t arg = 0;
  const OdpAction* action;     // within the program's actions
  const FieldEdit* edit = nullptr;   // of kSet
  const Program *nested = nullptr, *otherwise = nullptr;   // otherwise: of a packet that is not longer
};

class Program {
 public:
  explicit Program(OdpActions actions);
  Program(const Program&) = delete;
  const OdpActions& actions() const { return actions_; }
  const std::vector<Op>& ops() const { return ops_; }
  ProgramKind kind() const { return kind_; }
  /// Of kOutput.
  uint32_t port() const { return ops_.front().arg; }

 private:
  OdpActions actions_;
  std::vector<Op> ops_;
  std::vector<std::unique_ptr<Program>> nested_;
  std::vector<std::unique_ptr<FieldEdit>> edits_;
  ProgramKind kind_;
};

/// Programs by their actions; each lives as long as a flow holds it.
class ProgramCache {
 public:
  std::shared_ptr<const Program> get(const OdpActions& actions);

 private:
  void sweep();
  std::unordered_multimap<uint64_t, std::weak_ptr<const Program>> programs_;
  size_t sweep_at_ = 1024;
};

}  // namespace sluice
