// SPDX-License-Identifier: Apache-2.0
// OpenFlow errors: one table (errors.def), names of the specifications.  A decode or check that fails returns such an Error, which
// is at the same time what goes back on the wire: (type, code) of the version, or a vendor (Nicira, ONF) error, or, if a version
// has no number for it, UNENCODABLE_ERROR.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "ofproto/openflow/version.h"

namespace sluice::ofp {

enum class Error : uint8_t {
#define SLUICE_OF_ERROR(name, ...) name,
#include "ofproto/openflow/errors.def"
#undef SLUICE_OF_ERROR
};

inline constexpr uint32_t kNiciraVendor = 0x00002320;
inline constexpr uint32_t kOnfVendor = 0x4f4e4600;

/// Result of a decode or check.
template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;
inline std::unexpected<Error> fail(Error e) { return std::unexpected(e); }

/// An error's place on the wire.  vendor 0: type and code are of the standard error message.  Otherwise: 1.0 and 1.1 carry type
/// and code in the body of a Nicira error (outer type 0xb0c2, code 0); from 1.2 on an experimenter error whose exp_type is `code`.
struct ErrorNumbers {
  uint32_t vendor = 0;
  uint16_t type = 0, code = 0;
  friend bool operator==(const ErrorNumbers&, const ErrorNumbers&) = default;
};

std::string_view error_name(Error e);             // "OFPBRC_BAD_TYPE"
std::optional<Error> error_by_name(std::string_view name);
/// Nothing if the version has no number for it.
std::optional<ErrorNumbers> error_numbers(Error e, Version v);
/// The first Error of the table with these numbers in that version.
std::optional<Error> error_from_numbers(const ErrorNumbers& n, Version v);

}  // namespace sluice::ofp
