// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>

#include "carafe/carafe.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

class ForEachTest : public ::testing::Test {
 protected:
  /// How often each key is visited.
  std::map<std::string, int> visits() {
    std::map<std::string, int> seen;
    cache_.for_each([&seen](std::string_view key, std::string_view) { ++seen[std::string(key)]; });
    return seen;
  }

  Cache cache_ = Cache::create_anonymous(with_capacity(8 * kMiB));
};

TEST_F(ForEachTest, AnEmptyCacheHasNoVisits) { EXPECT_TRUE(visits().empty()); }

TEST_F(ForEachTest, EachItemIsVisitedOnceWithItsValue) {
  constexpr std::uint64_t kItems = 5000;
  for (std::uint64_t i = 0; i < kItems; ++i) {
    const std::string key = numbered_key("k", i, 5 + i % 40);
    ASSERT_EQ(cache_.set(key, value_for(key, i, 24 + i % 300)), Status::kOk);
  }
  std::map<std::string, int> seen;
  cache_.for_each([&seen](std::string_view key, std::string_view value) {
    EXPECT_TRUE(sequence_of(key, value).has_value()) << key;
    ++seen[std::string(key)];
  });
  EXPECT_EQ(seen.size(), kItems);
  for (const auto& [key, count] : seen) EXPECT_EQ(count, 1) << key;
}

TEST_F(ForEachTest, ChainedValuesAreVisitedWhole) {
  const std::string value = value_for("large", 1, cache_.info().largest_value_bytes);
  ASSERT_EQ(cache_.set("large", value), Status::kOk);
  ASSERT_EQ(cache_.set("empty", ""), Status::kOk);
  std::map<std::string, std::string> seen;
  cache_.for_each([&seen](std::string_view key, std::string_view found) { seen[std::string(key)] = found; });
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_TRUE(seen["large"] == value);
  EXPECT_EQ(seen["empty"], "");
}

TEST_F(ForEachTest, AVisitorThatSaysFalseEndsTheWalk) {
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(cache_.set(numbered_key("k", i), "value"), Status::kOk);
  int count = 0;
  cache_.for_each([&count](std::string_view, std::string_view) { return ++count < 10; });
  EXPECT_EQ(count, 10);
}

TEST_F(ForEachTest, ErasedAndClearedItemsAreNotVisited) {
  ASSERT_EQ(cache_.set("cleared", "value"), Status::kOk);
  cache_.clear();
  ASSERT_EQ(cache_.set("erased", "value"), Status::kOk);
  ASSERT_EQ(cache_.erase("erased"), Status::kOk);
  ASSERT_EQ(cache_.set("kept", "value"), Status::kOk);
  EXPECT_EQ(visits(), (std::map<std::string, int>{{"kept", 1}}));
}

TEST_F(ForEachTest, VisitsCountAsNeitherHitNorMiss) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const std::uint64_t gets = cache_.stats().gets;
  ASSERT_EQ(visits().size(), 1U);
  EXPECT_EQ(cache_.stats().gets, gets);
}

TEST_F(ForEachTest, TheVisitorMayUseTheCacheItself) {
  for (std::uint64_t i = 0; i < 500; ++i) ASSERT_EQ(cache_.set(numbered_key("k", i), "value"), Status::kOk);
  cache_.for_each([this](std::string_view key, std::string_view) {
    if (key.substr(0, 2) != "k-") return;
    EXPECT_EQ(cache_.get(key), "value") << key;
    EXPECT_EQ(cache_.erase(key), Status::kOk) << key;
    EXPECT_EQ(cache_.increment("count", 1).status, Status::kOk);
  });
  EXPECT_EQ(cache_.get("count"), "500");
  EXPECT_EQ(cache_.stats().items, 1U);
}

TEST_F(ForEachTest, ItemsPresentThroughoutAreSeenOnceWhileOthersComeAndGo) {
  constexpr std::uint64_t kStaying = 500;
  for (std::uint64_t i = 0; i < kStaying; ++i) ASSERT_EQ(cache_.set(numbered_key("stays", i), "value"), Status::kOk);
  std::map<std::string, int> seen;
  std::uint64_t added = 0;
  // The walk itself makes the index grow many times over, and shrink again.
  cache_.for_each([&](std::string_view key, std::string_view) {
    if (key.substr(0, 5) != "stays") return;
    ++seen[std::string(key)];
    for (int i = 0; i < 50; ++i) ASSERT_EQ(cache_.set(numbered_key("comes", added++), "value"), Status::kOk);
    if (seen.size() == kStaying / 2) {
      for (std::uint64_t i = 0; i < added; ++i) ASSERT_EQ(cache_.erase(numbered_key("comes", i)), Status::kOk);
    }
  });
  ASSERT_EQ(cache_.stats().evictions, 0U) << "the test means to stay below the capacity";
  EXPECT_EQ(seen.size(), kStaying);
  for (const auto& [key, count] : seen) EXPECT_EQ(count, 1) << key;
}

TEST_F(ForEachTest, AReadOnlyHandleVisitsToo) {
  const ScratchName name("for_each");
  Cache writer = Cache::create(name, with_capacity(kMiB));
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(writer.set(numbered_key("k", i), "value"), Status::kOk);
  Cache reader = Cache::open_read_only(name);
  int count = 0;
  reader.for_each([&count](std::string_view, std::string_view value) {
    EXPECT_EQ(value, "value");
    ++count;
  });
  EXPECT_EQ(count, 100);
}

}  // namespace
}  // namespace carafe::test
