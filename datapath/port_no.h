// SPDX-License-Identifier: Apache-2.0
// Port numbers: of a datapath and of an OpenFlow bridge, as distinct types, host order.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace sluice {

template <typename Tag>
struct Number32 {
  uint32_t value = 0;
  friend constexpr auto operator<=>(Number32, Number32) = default;
};

/// Port number in a datapath (the numbers of openvswitch.ko).
using OdpPort = Number32<struct OdpPortTag>;
inline constexpr OdpPort kOdpLocal{0};
inline constexpr OdpPort kOdpNone{UINT32_MAX};

/// OpenFlow port number, 32-bit form of 1.1+ (OF1.3.5 7.2.1); 1.0 numbers are converted at the wire.
using OfpPort = Number32<struct OfpPortTag>;
inline constexpr uint32_t OFPP_MAX = 0xffffff00;  // first reserved number; 0xff00 on the wire of 1.0, ports are < 0xff00
inline constexpr OfpPort OFPP_UNSET{0xfffffff7};
inline constexpr OfpPort OFPP_IN_PORT{0xfffffff8};
inline constexpr OfpPort OFPP_TABLE{0xfffffff9};
inline constexpr OfpPort OFPP_NORMAL{0xfffffffa};
inline constexpr OfpPort OFPP_FLOOD{0xfffffffb};
inline constexpr OfpPort OFPP_ALL{0xfffffffc};
inline constexpr OfpPort OFPP_CONTROLLER{0xfffffffd};
inline constexpr OfpPort OFPP_LOCAL{0xfffffffe};
inline constexpr OfpPort OFPP_NONE{0xffffffff};  // OFPP_ANY of 1.1+
inline constexpr uint32_t kMaxPorts = 0xff00;    // physical OpenFlow ports are 1..0xfeff

}  // namespace sluice

template <typename Tag>
struct std::hash<sluice::Number32<Tag>> {
  size_t operator()(sluice::Number32<Tag> n) const noexcept { return n.value * 0x9e3779b97f4a7c15ull; }
};
