// SPDX-License-Identifier: Apache-2.0
// Arguments of datapath actions in text: "name=value,name=value".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lib/bytes.h"

namespace sluice {

using OdpArguments = std::map<std::string, std::string, std::less<>>;

/// Nothing if something is not of that form, or not one of `names`.
std::optional<OdpArguments> parse_arguments(std::string_view body, std::initializer_list<std::string_view> names);
/// The value, or `usual` if there is none; nothing if it is no number or larger than `most`.
std::optional<uint32_t> number_argument(const OdpArguments& a, std::string_view name, uint32_t usual, uint32_t most);
/// "0x0a0b", "0".
std::optional<Bytes> parse_bytes(std::string_view text);

}  // namespace sluice
