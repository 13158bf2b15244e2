// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "carafe/codec.h"

namespace carafe {
inline namespace v0 {

namespace detail {

/// Niels Lohmann's basic_json, known by its verbs: so this header needs none of his, and serves every instance of his template.
template <typename T>
concept JsonDocument = requires(const T& document, std::string_view text, typename T::error_handler_t on_bad_text) {
  { document.dump(-1, ' ', false, on_bad_text) } -> std::convertible_to<std::string>;
  { T::parse(text.begin(), text.end(), nullptr, false) } -> std::same_as<T>;
  { document.is_discarded() } -> std::same_as<bool>;
};

}  // namespace detail

/// JSON documents, as text: what JSON has no words for (NaN, binary values, text that is no UTF-8) comes back as what dump makes of it.
template <detail::JsonDocument T>
struct Codec<T> {
  static constexpr std::uint32_t kShape = detail::mix(detail::kNoShape, "json");

  static void encode(const T& value, std::string& to) { to += value.dump(-1, ' ', false, T::error_handler_t::replace); }

  static std::optional<T> decode(std::string_view bytes) {
    T value = T::parse(bytes.begin(), bytes.end(), nullptr, false);
    if (value.is_discarded()) return std::nullopt;
    return std::optional<T>(std::in_place, std::move(value));
  }
};

}  // namespace v0
}  // namespace carafe
