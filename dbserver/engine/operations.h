// SPDX-License-Identifier: Apache-2.0
// Texts that operations and tests share.
#pragma once

#include <string_view>

namespace sluice::ovsdb {

inline constexpr std::string_view kDuplicateUuid =
    "This UUID would duplicate a UUID already present within the table or deleted within the same transaction.";
inline constexpr std::string_view kDuplicateUuidName = "This \"uuid-name\" appeared on an earlier \"insert\" operation.";

}  // namespace sluice::ovsdb
