// SPDX-License-Identifier: Apache-2.0
// openvswitch.ko as dpctl sees it: each datapath of this network namespace, whoever made it, by a netlink socket of its own.
#pragma once

#include <expected>
#include <memory>

#include "datapath/kernel/dpctl/datapath.h"

namespace sluice {

class KernelDpctlSource final : public DpctlSource {
 public:
  KernelDpctlSource();
  ~KernelDpctlSource() override;
  std::vector<std::string> names() override;
  std::expected<std::unique_ptr<DpctlDatapath>, int> open(const std::string& type, const std::string& name) override;
  std::expected<std::unique_ptr<DpctlDatapath>, int> create(const std::string& type, const std::string& name) override;
  /// Why there are none: 0, or ENOENT without the module, EPERM...
  int error() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sluice
