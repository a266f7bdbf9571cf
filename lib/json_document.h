// SPDX-License-Identifier: Apache-2.0
// JSON texts that people write: files, and arguments of commands.  Like a message they are an object or an array; the error is worded as for a message.
#pragma once

#include <string>

#include "lib/json.h"

namespace sluice {

std::expected<Json, JsonError> parse_json_document(std::string_view text);
/// "invalid character '#'": of one that begins no token.
std::string json_invalid_character(char c);

}  // namespace sluice
