// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "carafe/carafe.h"
#include "support/capacity.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

TEST(ClearTest, EverythingIsGoneForEveryHandleAtOnce) {
  const ScratchName name("clear");
  Cache one = Cache::create(name, with_capacity(4 * kMiB));
  Cache two = Cache::open(name);
  for (std::uint64_t i = 0; i < 2000; ++i) ASSERT_EQ(one.set(numbered_key("k", i), std::string(i % 500, 'v')), Status::kOk);
  ASSERT_EQ(one.set("large", std::string(kMiB, 'v')), Status::kOk);
  one.clear();
  for (std::uint64_t i = 0; i < 2000; ++i) {
    ASSERT_EQ(two.get(numbered_key("k", i)), std::nullopt) << i;
    ASSERT_FALSE(one.contains(numbered_key("k", i))) << i;
  }
  EXPECT_EQ(two.get("large"), std::nullopt);
  EXPECT_EQ(two.stats().items, 0U);
  EXPECT_EQ(two.stats().bytes_used, 0U);
}

TEST(ClearTest, EveryVerbTakesAClearedKeyAsAbsent) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  for (const std::string_view key : {"add", "replace", "touch", "erase", "increment", "versioned", "remaining"})
    ASSERT_EQ(cache.set(key, "7"), Status::kOk);
  cache.clear();
  EXPECT_EQ(cache.add("add", "new"), Status::kOk);
  EXPECT_EQ(cache.get("add"), "new");
  EXPECT_EQ(cache.replace("replace", "new"), Status::kNotFound);
  EXPECT_EQ(cache.touch("touch", std::chrono::hours(1)), Status::kNotFound);
  EXPECT_EQ(cache.erase("erase"), Status::kNotFound);
  EXPECT_EQ(cache.increment("increment", 1).value, 1);
  EXPECT_EQ(cache.get_versioned("versioned"), std::nullopt);
  EXPECT_EQ(cache.remaining_ttl("remaining"), std::nullopt);
}

TEST(ClearTest, WhatIsSetAfterwardsStays) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "old"), Status::kOk);
  cache.clear();
  ASSERT_EQ(cache.set("key", "new"), Status::kOk);
  EXPECT_EQ(cache.get("key"), "new");
  EXPECT_EQ(cache.stats().items, 1U);
}

TEST(ClearTest, IsCountedAndShownAsTheEpoch) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  const std::uint64_t epoch = cache.info().epoch;
  cache.clear();
  cache.clear();
  cache.clear();
  EXPECT_EQ(cache.info().epoch, epoch + 3);
  EXPECT_EQ(cache.stats().clears, 3U);
}

TEST(ClearTest, TheSpaceComesBackAsItIsNeededWithoutEvictions) {
  Cache cache = Cache::create_anonymous(with_capacity(4 * kMiB));
  for (int round = 0; round < 10; ++round) {
    for (std::uint64_t i = 0; i < 2000; ++i) ASSERT_EQ(cache.set(numbered_key("k", i), std::string(1000, 'v')), Status::kOk);
    ASSERT_EQ(cache.stats().items, 2000U) << round;
    cache.clear();
  }
  const Stats stats = cache.stats();
  EXPECT_EQ(stats.evictions, 0U);
  EXPECT_TRUE(cache.verify().ok);
}

TEST(ClearTest, AnotherSizeFindsTheSpaceOfWhatWasCleared) {
  Cache cache = Cache::create_anonymous(with_capacity(4 * kMiB));
  for (const std::size_t bytes : {std::size_t{10}, std::size_t{10'000}, std::size_t{200}, std::size_t{500'000}, std::size_t{30}}) {
    EXPECT_HOLDS_98_PERCENT_OF_FRESH(cache, 12U, bytes);
    EXPECT_TRUE(cache.verify().ok) << bytes;
  }
}

TEST(ClearTest, TenThousandClearsInARowAreFast) {
  Cache cache = Cache::create_anonymous(with_capacity(64 * kMiB));
  ASSERT_GT(fill_uniformly(cache, 17, 1000).items, 10'000U);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 10'000; ++i) cache.clear();
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took, std::chrono::seconds(5)) << "clear is one increment, not a walk";
  EXPECT_EQ(cache.stats().items, 0U);
}

TEST(ClearTest, AReadOnlyHandleDoesNotClear) {
  const ScratchName name("clear_read_only");
  Cache writer = Cache::create(name, with_capacity(kMiB));
  ASSERT_EQ(writer.set("key", "value"), Status::kOk);
  Cache reader = Cache::open_read_only(name);
  reader.clear();
  EXPECT_EQ(writer.get("key"), "value");
}

}  // namespace
}  // namespace carafe::test
