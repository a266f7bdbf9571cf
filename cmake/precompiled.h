// SPDX-License-Identifier: Apache-2.0
// What nearly every file of the product includes of the libraries, precompiled once (sluice_precompile).  A file still names all that it uses: the
// build is the same without this, only slower.  None of our own headers: a change to one must not rebuild everything.
#include <algorithm>
#include <array>
#include <bit>
#include <bitset>
#include <charconv>
#include <chrono>
#include <compare>
#include <cstdint>
#include <cstring>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <fmt/core.h>
