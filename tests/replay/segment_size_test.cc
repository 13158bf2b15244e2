// SPDX-License-Identifier: MIT
#include "replay/segment_size.h"

#include <gtest/gtest.h>

#include <cmath>

namespace carafe::replay {
namespace {

TEST(SegmentSizeTest, ASegmentIsFoundThatHoldsAboutSoMany) {
  for (const std::uint64_t items : {300U, 2000U, 20'000U}) {
    const UniformSegment found = size_for_items(items, 100);
    EXPECT_LT(std::fabs(static_cast<double>(found.items) / static_cast<double>(items) - 1), 0.02) << items;
    Options options;  // another segment of that size: its seed may make a page or two of difference
    options.capacity_bytes = found.capacity_bytes;
    Cache cache = Cache::create_anonymous(options);
    EXPECT_NEAR(static_cast<double>(fill_uniformly(cache, found.value_bytes)), static_cast<double>(found.items),
                0.025 * static_cast<double>(items));
  }
}

TEST(SegmentSizeTest, ValuesGrowWhereTheSmallestSegmentHoldsTooMany) {
  EXPECT_EQ(size_for_items(20'000, 100).value_bytes, 100U);
  EXPECT_GT(size_for_items(300, 100).value_bytes, 1000U);
}

TEST(SegmentSizeTest, AFilledSegmentIsFull) {
  Options options;
  options.capacity_bytes = 1 << 20;
  Cache cache = Cache::create_anonymous(options);
  const std::uint64_t items = fill_uniformly(cache, 1000);
  EXPECT_GT(items * 1000, cache.info().capacity_bytes * 2 / 3);
  EXPECT_GT(cache.stats().evictions, 0U);
}

}  // namespace
}  // namespace carafe::replay
