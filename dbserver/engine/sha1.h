// SPDX-License-Identifier: Apache-2.0
// SHA-1 as the journal's records carry it: 40 hex digits.  Not for security: it finds damage.
#pragma once

#include <string>
#include <string_view>

namespace sluice::ovsdb {

/// Appends 40 hex digits.
void append_sha1(std::string& out, std::string_view bytes);

}  // namespace sluice::ovsdb
