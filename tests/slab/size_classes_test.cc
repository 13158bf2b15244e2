// SPDX-License-Identifier: MIT
#include "slab/size_classes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "layout/item.h"

namespace carafe {
namespace {

class SizeClassesTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(SizeClassesTest, ChunksLieWithinTheirPageAndApartFromSideWords) {
  const SizeClasses classes(GetParam());
  ASSERT_LE(classes.count(), kMaxClasses);
  for (std::uint32_t i = 0; i < classes.count(); ++i) {
    const ClassShape& shape = classes.shape(i);
    EXPECT_GE(shape.bitmap_at, shape.chunks * 8);
    EXPECT_GE(shape.chunks_at, shape.bitmap_at + shape.bitmap_words() * 8);
    EXPECT_EQ(shape.chunks_at % kCacheLineBytes, 0U);
    EXPECT_EQ(shape.chunk_bytes % (shape.is_index ? kCacheLineBytes : 8), 0U);
    EXPECT_LE(shape.chunks_at + std::uint64_t{shape.chunk_bytes} * shape.chunks, GetParam());
  }
}

TEST_P(SizeClassesTest, TheSmallestClassThatHoldsASizeIsFound) {
  const SizeClasses classes(GetParam());
  for (std::uint64_t bytes = 1; bytes <= classes.largest_item_bytes(); bytes += 1 + bytes / 50) {
    const std::uint32_t found = classes.item_class(bytes);
    ASSERT_LT(found, classes.item_count());
    EXPECT_GE(classes.shape(found).chunk_bytes, bytes);
    if (found > 0) {
      EXPECT_LT(classes.shape(found - 1).chunk_bytes, bytes);
    }
  }
  EXPECT_EQ(classes.item_class(classes.largest_item_bytes() + 1), kNoClass);
}

TEST_P(SizeClassesTest, TheLongestKeyFitsTheLargestChunk) {
  const SizeClasses classes(GetParam());
  EXPECT_GE(classes.largest_item_bytes(), ItemHeader::make(0, kMaxKeyBytes, 1, true, true).bytes());
  EXPECT_LE(classes.largest_item_bytes(), ItemHeader::kMaxValueBytes + 8);
}

TEST_P(SizeClassesTest, ATableOfAnySizeFindsAClass) {
  const SizeClasses classes(GetParam());
  for (std::uint32_t buckets = 1; buckets * kCacheLineBytes <= classes.shape(classes.count() - 1).chunk_bytes; ++buckets) {
    const std::uint32_t found = classes.index_class(buckets);
    ASSERT_NE(found, kNoClass);
    EXPECT_TRUE(classes.shape(found).is_index);
    EXPECT_GE(classes.buckets(found), buckets);
    EXPECT_LE(classes.buckets(found), buckets + buckets / 6 + 1);
  }
}

INSTANTIATE_TEST_SUITE_P(PageSizes, SizeClassesTest, testing::Values(8 << 10, 16 << 10, 32 << 10, 64 << 10, 256 << 10, 1 << 20));

TEST(SizeClassesLossTest, LogUniformSizesLoseAtMostSevenPercentToRounding) {
  const SizeClasses classes(1 << 20);
  double used = 0;
  double held = 0;
  for (double value = 16; value <= 65536; value *= 1.001) {
    const double bytes = ItemHeader::make(0, 17, 0, false, false).bytes() + std::floor(value);
    const std::uint32_t found = classes.item_class(static_cast<std::uint64_t>(bytes));
    const double chunk = 1048576.0 / classes.shape(found).chunks - 8;  // what a chunk really takes of its page
    used += bytes / chunk;
    held += 1;
  }
  EXPECT_GE(used / held, 0.93);
}

}  // namespace
}  // namespace carafe
