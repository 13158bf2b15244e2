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

/// XXH3-128: names what is too long to be a name itself. Not for keys that an enemy chooses: compare them where it matters.
struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
};
inline Hash128 hash_128(std::string_view bytes) noexcept {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

/// What hash_key answers for a fixed text: two builds whose hashes differ must not share a segment.
inline std::uint64_t hash_probe() noexcept { return hash_key("carafe", 0x1234567890abcdefULL); }

}  // namespace carafe
