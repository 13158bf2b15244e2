// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace carafe::bench {

/// What the loops found out, for the counters beside each figure.
struct Tally {
  std::uint64_t gets = 0;
  std::uint64_t hits = 0;
  std::uint64_t wrong = 0;  // a value that is not this key's
  std::uint64_t sets = 0;
  std::uint64_t refused = 0;  // sets that were not done: busy, since the holder of a lock lost its core

  Tally& operator+=(const Tally& other) noexcept {
    gets += other.gets;
    hits += other.hits;
    wrong += other.wrong;
    sets += other.sets;
    refused += other.refused;
    return *this;
  }
};

}  // namespace carafe::bench
