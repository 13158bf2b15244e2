// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

/// What carafe/codec.h is made of; include that one.
namespace carafe {
inline namespace v0 {

template <typename T>
struct Codec;

namespace detail {

// Plain types: those whose bytes are the value.

/// Trivially copyable, but its bytes are an address.
template <typename T>
inline constexpr bool kPointsElsewhere = std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T>;
template <typename T, typename Traits>
inline constexpr bool kPointsElsewhere<std::basic_string_view<T, Traits>> = true;
template <typename T, std::size_t N>
inline constexpr bool kPointsElsewhere<std::span<T, N>> = true;
template <typename T>
inline constexpr bool kPointsElsewhere<std::reference_wrapper<T>> = true;

template <typename T>
concept Plain = std::is_trivially_copyable_v<T> && std::is_object_v<T> && !std::is_array_v<T> && std::is_same_v<T, std::remove_cv_t<T>> &&
                !kPointsElsewhere<T> && !std::is_same_v<T, long double>;  // which is ten bytes of sixteen, and six of nothing

/// May be copied by the thousand.
template <typename T>
inline constexpr bool kIsNumber = std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && Plain<T>;

/// So that no bytes of our stack go along. clang 14 cannot.
template <typename T>
void clear_padding([[maybe_unused]] T& value) noexcept {
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
  __builtin_clear_padding(std::addressof(value));
#endif
#endif
}

/// Whether equal values have equal bytes, as a key needs: padding may hold anything, and so may what a template has as its parts.
template <typename T>
inline constexpr bool kHasNoPadding = !requires {
  Codec<T>::kIsMemory;
}
|| !std::is_class_v<T> || std::is_empty_v<T> || std::has_unique_object_representations_v<T>;
template <typename T>
inline constexpr bool kHasOneForm = kHasNoPadding<T>;
template <template <typename...> typename Container, typename... Ts>
inline constexpr bool kHasOneForm<Container<Ts...>> = kHasNoPadding<Container<Ts...>> && (kHasOneForm<Ts> && ...);
template <typename T, std::size_t N>
inline constexpr bool kHasOneForm<std::array<T, N>> = kHasOneForm<T>;

// Shapes: FNV-1a (Fowler, Noll, Vo) in 32 bits.

inline constexpr std::uint32_t kNoShape = 2166136261U;

constexpr std::uint32_t mix(std::uint32_t shape, std::uint32_t word) noexcept {
  for (int i = 0; i < 4; ++i, word >>= 8) shape = (shape ^ (word & 0xff)) * 16777619U;
  return shape;
}

constexpr std::uint32_t mix(std::uint32_t shape, std::string_view word) noexcept {
  for (const char c : word) shape = (shape ^ static_cast<unsigned char>(c)) * 16777619U;
  return shape;
}

/// Of the type and all it is made of. A Codec that has no kShape is a user's.
template <typename T>
constexpr std::uint32_t shape() noexcept {
  std::uint32_t shape = 0;
  if constexpr (requires { Codec<T>::kShape; })
    shape = Codec<T>::kShape;
  else
    shape = mix(mix(kNoShape, "own"), static_cast<std::uint32_t>(sizeof(T)));
  if constexpr (requires { Codec<T>::kCodecVersion; }) shape = mix(shape, Codec<T>::kCodecVersion);
  if constexpr (requires { T::kCodecVersion; }) shape = mix(shape, T::kCodecVersion);
  return shape;
}

template <typename... Ts>
constexpr std::uint32_t shape_with(std::string_view kind) noexcept {
  std::uint32_t all = mix(mix(kNoShape, kind), static_cast<std::uint32_t>(sizeof...(Ts)));
  ((all = mix(all, shape<Ts>())), ...);
  return all;
}

template <typename T>
constexpr std::uint32_t plain_shape() noexcept {
  std::string_view kind = "class";
  if (std::is_same_v<T, bool>)
    kind = "bool";
  else if (std::is_enum_v<T>)
    kind = "enum";
  else if (std::is_floating_point_v<T>)
    kind = "float";
  else if (std::is_signed_v<T>)
    kind = "signed";
  else if (std::is_unsigned_v<T>)
    kind = "unsigned";
  return mix(mix(mix(kNoShape, kind), static_cast<std::uint32_t>(sizeof(T))), static_cast<std::uint32_t>(alignof(T)));
}

// Parts: how values stand one behind the other. One whose size the type does not fix has its length in front.

inline void put_number(std::uint32_t number, std::string& to) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  to.append(bytes, sizeof number);
}

/// Takes it off the front; false where there are too few bytes.
inline bool take_number(std::string_view& from, std::uint32_t& number) noexcept {
  if (from.size() < sizeof number) return false;
  std::memcpy(&number, from.data(), sizeof number);
  from.remove_prefix(sizeof number);
  return true;
}

template <typename T>
inline constexpr bool kIsFixed = requires {
  Codec<T>::kBytes;
};

template <typename T>
void put_part(const T& value, std::string& to) {
  if constexpr (kIsFixed<T>) {
    Codec<T>::encode(value, to);
  } else {
    const std::size_t place = to.size();
    put_number(0, to);
    Codec<T>::encode(value, to);
    const std::size_t bytes = to.size() - place - sizeof(std::uint32_t);
    if (bytes > std::numeric_limits<std::uint32_t>::max()) throw std::length_error("carafe: a part of a value exceeds 4 GiB");
    const auto length = static_cast<std::uint32_t>(bytes);
    std::memcpy(to.data() + place, &length, sizeof length);
  }
}

/// Takes it off the front; nothing where it is not there, or no T.
template <typename T>
std::optional<T> take_part(std::string_view& from) {
  std::uint32_t length = 0;
  if constexpr (kIsFixed<T>) {
    static_assert(Codec<T>::kBytes > 0);
    length = static_cast<std::uint32_t>(Codec<T>::kBytes);
  } else if (!take_number(from, length)) {
    return std::nullopt;
  }
  if (length > from.size()) return std::nullopt;
  const std::string_view bytes = from.substr(0, length);
  from.remove_prefix(length);
  return Codec<T>::decode(bytes);
}

}  // namespace detail
}  // namespace v0
}  // namespace carafe
