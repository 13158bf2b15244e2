// SPDX-License-Identifier: MIT
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace carafe {

/// XXH3-64 of a key (Yann Collet), seeded per segment so that nobody can choose keys that meet in one bucket. Part of the
/// layout: every process must compute the same. 2 to 10 ns for short keys.
inline std::uint64_t hash_key(std::string_view key, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

/// What hash_key answers for a fixed text: two builds whose hashes differ must not share a segment.
inline std::uint64_t hash_probe() noexcept { return hash_key("carafe", 0x1234567890abcdefULL); }

}  // namespace carafe
