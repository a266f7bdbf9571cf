// SPDX-License-Identifier: Apache-2.0
// The "dpctl/" commands of the daemon: those of datapath/kernel/dpctl/ on the datapaths of this process, those that dpctl/add-dp made, and the kernel's.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "datapath/kernel/dpctl/datapath.h"
#include "datapath/kernel/dpctl/kernel_datapath.h"
#include "lib/unixctl.h"
#include "vswitchd/datapaths.h"

namespace sluice {

class DaemonDpctlSource final : public DpctlSource {
 public:
  DaemonDpctlSource(Datapaths& datapaths, NetdevFactory& factory) : datapaths_(datapaths), factory_(factory) {}
  std::vector<std::string> names() override;
  std::expected<std::unique_ptr<DpctlDatapath>, int> open(const std::string& type, const std::string& name) override;
  std::expected<std::unique_ptr<DpctlDatapath>, int> create(const std::string& type, const std::string& name) override;

 private:
  std::expected<std::unique_ptr<DpctlDatapath>, int> wrap(Dpif& dpif, Switch* of);
  KernelDpctlSource* kernel();
  Datapaths& datapaths_;
  NetdevFactory& factory_;
  std::unique_ptr<KernelDpctlSource> kernel_;
};

void add_dpctl_commands(UnixctlServer& server, Loop& loop, DaemonDpctlSource& source);

}  // namespace sluice
