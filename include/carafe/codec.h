// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "carafe/codec_parts.h"

namespace carafe {
inline namespace v0 {

/// How a T becomes bytes and bytes become a T again.
///
///   static void encode(const T& value, std::string& to);              appends
///   static std::optional<T> decode(std::string_view bytes);           all of `bytes` is the value; nothing where it is none
///
/// There is one for trivially copyable types (their bytes as they lie in memory), std::string, vector, array, optional, pair, tuple, map
/// and unordered_map of any of these; carafe/codec_json.h adds JSON documents. Specialise it for a type of your own, and for a trivially
/// copyable struct that holds pointers: nobody else can see that its bytes will not do.
///
/// decode believes nothing: no length is used, and nothing allocated, before the bytes are known to be there. It never throws (but
/// std::bad_alloc). Only what lies in a trivially copyable struct is taken as it comes, a bool in it too.
template <typename T>
struct Codec;

/// The type's shape in 32 bits: kinds, sizes, nesting, versions, this machine's byte order. Bytes of another shape are not read. What it
/// cannot see, it does not tell apart: the members of a struct. When they change but its size does not, raise the struct's
/// `static constexpr std::uint32_t kCodecVersion`; a specialised Codec may have one too.
template <typename T>
[[nodiscard]] constexpr std::uint32_t shape_of() noexcept {
  std::uint32_t shape = detail::mix(0x63617261U, static_cast<std::uint32_t>(std::endian::native == std::endian::little));
  return detail::mix(shape, detail::shape<T>());
}

/// The value's bytes, with its shape in front.
template <typename T>
[[nodiscard]] std::string encode(const T& value) {
  std::string bytes;
  detail::put_number(shape_of<T>(), bytes);
  Codec<T>::encode(value, bytes);
  return bytes;
}

/// The value that encode had; nothing where the bytes are of another shape, damaged, or no value at all.
template <typename T>
[[nodiscard]] std::optional<T> decode(std::string_view bytes) {
  std::uint32_t shape = 0;
  if (!detail::take_number(bytes, shape) || shape != shape_of<T>()) return std::nullopt;
  return Codec<T>::decode(bytes);
}

/// Trivially copyable types, but for those that only point at what they mean.
template <detail::Plain T>
struct Codec<T> {
  static constexpr bool kIsMemory = true;
  static constexpr std::size_t kBytes = sizeof(T);
  static constexpr std::uint32_t kShape = detail::plain_shape<T>();

  static void encode(const T& value, std::string& to) {
    if constexpr (std::is_empty_v<T>) {
      to += '\0';
    } else {
      T copy = value;
      detail::clear_padding(copy);
      to.append(reinterpret_cast<const char*>(std::addressof(copy)), sizeof(T));
    }
  }

  static std::optional<T> decode(std::string_view bytes) {
    if (bytes.size() != sizeof(T)) return std::nullopt;
    if constexpr (std::is_same_v<T, bool>) {
      if (bytes[0] != 0 && bytes[0] != 1) return std::nullopt;  // no bool has other bytes
    }
    std::array<char, sizeof(T)> copy;
    std::memcpy(copy.data(), bytes.data(), sizeof(T));
    return std::bit_cast<T>(copy);
  }
};

template <>
struct Codec<std::string> {
  static constexpr std::uint32_t kShape = detail::mix(detail::kNoShape, "string");
  static void encode(const std::string& value, std::string& to) { to += value; }
  static std::optional<std::string> decode(std::string_view bytes) { return std::string(bytes); }
};

/// For keys only: there is nothing that a decoded one could point at.
template <>
struct Codec<std::string_view> {
  static constexpr std::uint32_t kShape = detail::mix(detail::kNoShape, "string");
  static void encode(std::string_view value, std::string& to) { to += value; }
};

template <typename T>
struct Codec<std::optional<T>> {
  static constexpr std::uint32_t kShape = detail::shape_with<T>("optional");

  static void encode(const std::optional<T>& value, std::string& to) {
    to += value ? '\1' : '\0';
    if (value) Codec<T>::encode(*value, to);
  }

  static std::optional<std::optional<T>> decode(std::string_view bytes) {
    if (bytes == std::string_view("\0", 1)) return std::optional<std::optional<T>>(std::in_place, std::nullopt);
    if (bytes.empty() || bytes[0] != 1) return std::nullopt;
    std::optional<T> value = Codec<T>::decode(bytes.substr(1));
    if (!value) return std::nullopt;
    return std::optional<std::optional<T>>(std::in_place, std::move(value));
  }
};

template <typename... Ts>
struct Codec<std::tuple<Ts...>> {
  static constexpr std::uint32_t kShape = detail::shape_with<Ts...>("tuple");

  static void encode(const std::tuple<Ts...>& value, std::string& to) {
    std::apply(
        [&to](const Ts&... parts) {
          static_cast<void>(to);  // of a tuple of nothing
          (detail::put_part<Ts>(parts, to), ...);
        },
        value);
  }

  static std::optional<std::tuple<Ts...>> decode(std::string_view bytes) {
    std::tuple<std::optional<Ts>...> parts{detail::take_part<Ts>(bytes)...};  // in order: braces promise it
    if (!bytes.empty()) return std::nullopt;
    return std::apply(
        [](std::optional<Ts>&... part) -> std::optional<std::tuple<Ts...>> {
          if (!(part.has_value() && ...)) return std::nullopt;
          return std::tuple<Ts...>(*std::move(part)...);
        },
        parts);
  }
};

template <typename A, typename B>
struct Codec<std::pair<A, B>> {
  static constexpr std::uint32_t kShape = detail::shape_with<A, B>("pair");

  static void encode(const std::pair<A, B>& value, std::string& to) {
    detail::put_part<A>(value.first, to);
    detail::put_part<B>(value.second, to);
  }

  static std::optional<std::pair<A, B>> decode(std::string_view bytes) {
    auto both = Codec<std::tuple<A, B>>::decode(bytes);
    if (!both) return std::nullopt;
    return std::pair<A, B>(std::get<0>(*std::move(both)), std::get<1>(*std::move(both)));
  }
};

template <typename T, std::size_t N>
struct Codec<std::array<T, N>> {
  static constexpr std::uint32_t kShape = detail::mix(detail::shape_with<T>("array"), static_cast<std::uint32_t>(N));

  static void encode(const std::array<T, N>& value, std::string& to) {
    for (const T& part : value) detail::put_part<T>(part, to);
  }

  static std::optional<std::array<T, N>> decode(std::string_view bytes) { return decode_each(bytes, std::make_index_sequence<N>()); }

 private:
  template <std::size_t... I>
  static std::optional<std::array<T, N>> decode_each(std::string_view bytes, std::index_sequence<I...>) {
    [[maybe_unused]] std::array<std::optional<T>, N> parts{(static_cast<void>(I), detail::take_part<T>(bytes))...};
    if (!bytes.empty() || !(parts[I].has_value() && ...)) return std::nullopt;
    return std::array<T, N>{*std::move(parts[I])...};
  }
};

template <typename T, typename A>
struct Codec<std::vector<T, A>> {
  static constexpr std::uint32_t kShape = detail::shape_with<T>("vector");

  static void encode(const std::vector<T, A>& value, std::string& to) {
    if constexpr (detail::kIsNumber<T>) {
      to.append(reinterpret_cast<const char*>(value.data()), value.size() * sizeof(T));
    } else {
      for (const auto& part : value) detail::put_part<T>(part, to);  // to the end: their number need not be said
    }
  }

  static std::optional<std::vector<T, A>> decode(std::string_view bytes) {
    std::vector<T, A> value;
    if constexpr (detail::kIsNumber<T>) {
      if (bytes.size() % sizeof(T) != 0) return std::nullopt;
      value.resize(bytes.size() / sizeof(T));
      if (!bytes.empty()) std::memcpy(value.data(), bytes.data(), bytes.size());
    } else {
      if constexpr (detail::kIsFixed<T>) value.reserve(bytes.size() / Codec<T>::kBytes);
      while (!bytes.empty()) {
        std::optional<T> part = detail::take_part<T>(bytes);
        if (!part) return std::nullopt;
        value.push_back(*std::move(part));
      }
    }
    return value;
  }
};

namespace detail {

/// Maps are pairs of key and value, to the end, in an order that depends on nothing but them.
template <typename Map>
struct MapCodec {
  using K = typename Map::key_type;
  using V = typename Map::mapped_type;

  static std::optional<Map> decode(std::string_view bytes) {
    Map value;
    while (!bytes.empty()) {
      std::optional<K> key = take_part<K>(bytes);
      if (!key) return std::nullopt;
      std::optional<V> mapped = take_part<V>(bytes);
      if (!mapped || !value.emplace(*std::move(key), *std::move(mapped)).second) return std::nullopt;
    }
    return value;
  }

 protected:
  static void put(const typename Map::value_type& entry, std::string& to) {
    put_part<K>(entry.first, to);
    put_part<V>(entry.second, to);
  }
};

}  // namespace detail

template <typename K, typename V, typename C, typename A>
struct Codec<std::map<K, V, C, A>> : detail::MapCodec<std::map<K, V, C, A>> {
  static constexpr std::uint32_t kShape = detail::shape_with<K, V>("map");

  static void encode(const std::map<K, V, C, A>& value, std::string& to) {
    for (const auto& entry : value) Codec::put(entry, to);
  }
};

template <typename K, typename V, typename H, typename E, typename A>
struct Codec<std::unordered_map<K, V, H, E, A>> : detail::MapCodec<std::unordered_map<K, V, H, E, A>> {
  static constexpr std::uint32_t kShape = detail::shape_with<K, V>("map");

  static void encode(const std::unordered_map<K, V, H, E, A>& value, std::string& to) {
    std::vector<std::string> entries(value.size());
    std::size_t i = 0;
    for (const auto& entry : value) Codec::put(entry, entries[i++]);
    std::sort(entries.begin(), entries.end());
    for (const std::string& entry : entries) to += entry;
  }
};

}  // namespace v0
}  // namespace carafe
