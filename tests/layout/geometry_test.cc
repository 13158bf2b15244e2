// SPDX-License-Identifier: MIT
#include "layout/geometry.h"

#include <gtest/gtest.h>

#include <cstring>
#include <iterator>

namespace carafe {
namespace {

TEST(GeometryTest, EveryCapacityFitsItsPartsWithoutOverlap) {
  for (std::uint64_t capacity = kMinCapacityBytes; capacity <= (std::uint64_t{64} << 30); capacity = capacity * 3 / 2 + 12345) {
    const Geometry g = compute_geometry(capacity, default_worker_count(capacity));
    SCOPED_TRACE(capacity);
    EXPECT_GE(g.workers_at, sizeof(SegmentHeader));
    EXPECT_LT(g.workers_at, g.stripes_at);
    EXPECT_LT(g.stripes_at, g.directory_at);
    EXPECT_LT(g.directory_at, g.classes_at);
    EXPECT_LT(g.classes_at, g.page_infos_at);
    EXPECT_LT(g.page_infos_at, g.page_classes_at);
    EXPECT_LE(g.page_classes_at + g.page_count * 4, g.pages_at);
    EXPECT_LE(g.pages_at + g.page_count * g.page_bytes, capacity);
    EXPECT_GE(g.page_count, 90U);  // fewer and slab classes starve each other
  }
}

TEST(GeometryTest, NothingOfTheCapacityIsWasted) {
  for (std::uint64_t capacity : {std::uint64_t{1} << 20, std::uint64_t{64} << 20, std::uint64_t{10} << 30}) {
    const Geometry g = compute_geometry(capacity, default_worker_count(capacity));
    EXPECT_LT(capacity - (g.pages_at + g.page_count * g.page_bytes), g.page_bytes + 16384);
    EXPECT_LT(g.pages_at, capacity / 7);
  }
}

TEST(GeometryTest, StripesAreAPowerOfTwoAndAtLeastSixteen) {
  for (std::uint64_t capacity : {kMinCapacityBytes, std::uint64_t{5} << 20, std::uint64_t{3} << 30, kMaxCapacityBytes}) {
    const Geometry g = compute_geometry(capacity, 64);
    EXPECT_EQ(g.stripe_count & (g.stripe_count - 1), 0U);
    EXPECT_GE(g.stripe_count, kMinStripes);
    EXPECT_LE(g.stripe_count, kMaxStripes);
  }
}

TEST(GeometryTest, OneThatDiffersInAnyNumberIsAnother) {
  const Geometry g = compute_geometry(kMinCapacityBytes, 64);
  Geometry same = g;
  EXPECT_TRUE(same == g);
  std::uint64_t words[sizeof(Geometry) / 8];
  for (std::size_t i = 0; i < std::size(words); ++i) {
    std::memcpy(words, &g, sizeof g);
    words[i] ^= 1;
    std::memcpy(&same, words, sizeof g);
    EXPECT_FALSE(same == g) << "word " << i;
  }
}

}  // namespace
}  // namespace carafe
