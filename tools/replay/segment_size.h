// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "carafe/cache.h"

namespace carafe::replay {

/// A segment's size, the size of every value, and how many such items it was seen to hold.
struct UniformSegment {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t value_bytes = 0;
  std::uint64_t items = 0;
};

/// Fills `cache` with items of one size, until twice as many were set as it holds, and says how many are there then: the room for such items.
[[nodiscard]] std::uint64_t fill_uniformly(Cache& cache, std::uint64_t value_bytes);

/// A capacity at which a segment holds about `items` values of `value_bytes` bytes, found by filling segments; within 0.3 %, or as
/// near as a page's worth of items allows. Where even the smallest segment would hold more, the values are made larger.
[[nodiscard]] UniformSegment size_for_items(std::uint64_t items, std::uint64_t value_bytes, Eviction eviction = Eviction::kDuel);

}  // namespace carafe::replay
