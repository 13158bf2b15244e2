// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace carafe {

/// What eviction's advice calls a key: 32 bits made of stripe and tag, that is of the key's hash. Both are in a chunk's side word, so a hand can
/// name what it meets without hashing the key again. Two keys of one id are taken for one, which costs nothing but a little advice.
struct KeyId {
  std::uint32_t bits = 0;

  [[nodiscard]] static KeyId of(std::uint32_t stripe, std::uint32_t tag) noexcept {
    std::uint64_t x = (std::uint64_t{stripe} << 20) | tag;
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;  // rrxmrrxmsx, Pelle Evensen
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
    return {static_cast<std::uint32_t>(x >> 32)};
  }
  /// Spread over 64 bits: whoever needs a place and a fingerprint takes them from different ends.
  [[nodiscard]] constexpr std::uint64_t spread() const noexcept { return bits * 0x9e3779b97f4a7c15ULL; }
};

}  // namespace carafe
