// SPDX-License-Identifier: Apache-2.0
// is_alternative<T, std::variant<...>>: T is one of the variant's types.  For structs around large variants, whose copies and destructor are
// defined in one file: instantiating them everywhere is what compiling such headers would cost most.
#pragma once

#include <type_traits>
#include <variant>

namespace sluice {

template <typename T, typename Variant>
inline constexpr bool is_alternative = false;
template <typename T, typename... Types>
inline constexpr bool is_alternative<T, std::variant<Types...>> = (std::is_same_v<T, Types> || ...);

}  // namespace sluice
