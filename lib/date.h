// SPDX-License-Identifier: Apache-2.0
// Dates as text.  Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// What people read in the tools' output: "2026-11-25 16:00:00.123".
inline constexpr std::string_view kDateFormat = "%Y-%m-%d %H:%M:%S.###";

/// strftime of milliseconds since 1970-01-01 UTC, with a run of # replaced by the leading digits of the milliseconds; in UTC or local time.
std::string format_date(int64_t wall_ms, bool utc, std::string_view format = kDateFormat);

}  // namespace sluice
