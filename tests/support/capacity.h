// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "carafe/cache.h"

namespace carafe::test {

/// Sets half as many items again as could fit, each under a key of its own; `failed` counts answers but kOk.
struct Filled {
  std::uint64_t items = 0;  // that the segment holds in the end
  std::uint64_t failed = 0;
};
[[nodiscard]] Filled fill_uniformly(Cache& cache, std::size_t key_bytes, std::size_t value_bytes);

/// What fill_uniformly reaches in a new segment of that capacity; the mean of several where they are small.
[[nodiscard]] Filled fill_fresh(std::size_t capacity_bytes, std::size_t key_bytes, std::size_t value_bytes);

}  // namespace carafe::test

/// The rule that no history of sizes may cost room: after clear, a uniform fill holds at least 98 % of a new segment's items. In small segments, whose
/// pages are large beside them, half a percent less, since the tables of the index fill their pages more or less well as the seed decides; and one
/// item less, where so few fit that one is more than 2 %.
#define EXPECT_HOLDS_98_PERCENT_OF_FRESH(cache, key_bytes, value_bytes)                                                   \
  do {                                                                                                                    \
    (cache).clear();                                                                                                      \
    const auto used = ::carafe::test::fill_uniformly((cache), (key_bytes), (value_bytes));                                \
    const auto fresh = ::carafe::test::fill_fresh((cache).info().capacity_bytes, (key_bytes), (value_bytes));             \
    EXPECT_EQ(used.failed, 0U) << "value bytes: " << (value_bytes);                                                       \
    EXPECT_EQ(fresh.failed, 0U) << "value bytes: " << (value_bytes);                                                      \
    const double share_kept = (cache).info().capacity_bytes <= (std::size_t{8} << 20) ? 0.975 : 0.98;                     \
    EXPECT_GE(static_cast<double>(used.items + (fresh.items < 50 ? 1 : 0)), share_kept* static_cast<double>(fresh.items)) \
        << "value bytes: " << (value_bytes) << ", items: " << used.items << ", in a new segment: " << fresh.items;        \
  } while (false)
