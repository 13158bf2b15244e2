// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "carafe/carafe.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

class BatchTest : public ::testing::Test {
 protected:
  Cache cache_ = Cache::create_anonymous(with_capacity(4 * kMiB));
};

TEST_F(BatchTest, GetManyAnswersEachKeyInItsPlace) {
  ASSERT_EQ(cache_.set("a", "1"), Status::kOk);
  ASSERT_EQ(cache_.set("c", "3"), Status::kOk);
  const std::string_view keys[] = {"c", "b", "a", "c"};
  const std::vector<std::optional<std::string>> expected = {"3", std::nullopt, "1", "3"};
  EXPECT_EQ(cache_.get_many(keys), expected);
}

TEST_F(BatchTest, GetManyIntoAVectorUsesItsStringsAgain) {
  const std::string long_one(300, '1');
  ASSERT_EQ(cache_.set("a", long_one), Status::kOk);
  ASSERT_EQ(cache_.set("b", "2"), Status::kOk);
  std::vector<std::optional<std::string>> reused(7, "what was there before");
  const std::string_view keys[] = {"a", "absent", "b", ""};
  cache_.get_many(keys, reused);
  EXPECT_EQ(reused, (std::vector<std::optional<std::string>>{long_one, std::nullopt, "2", std::nullopt}));
  const char* const room = reused[0]->data();
  cache_.get_many(keys, reused);
  EXPECT_EQ(reused[0]->data(), room);
  cache_.clear();
  cache_.get_many(keys, reused);
  EXPECT_EQ(reused, std::vector<std::optional<std::string>>(4));
  cache_.get_many({}, reused);
  EXPECT_TRUE(reused.empty());
}

TEST_F(BatchTest, ABadKeyMissesAtItsPlace) {
  const std::string too_long(4097, 'k');
  ASSERT_EQ(cache_.set("a", "1"), Status::kOk);
  const std::string_view keys[] = {"", "a", too_long, "a"};
  const std::vector<std::optional<std::string>> expected = {std::nullopt, "1", std::nullopt, "1"};
  EXPECT_EQ(cache_.get_many(keys), expected);
}

TEST_F(BatchTest, EmptyBatchesHaveEmptyAnswers) {
  EXPECT_TRUE(cache_.get_many({}).empty());
  EXPECT_TRUE(cache_.set_many({}).empty());
  EXPECT_TRUE(cache_.erase_many({}).empty());
}

TEST_F(BatchTest, SetManyStoresAllAndSaysWhichItCouldNot) {
  const std::string too_large(cache_.info().largest_value_bytes + 1, 'x');
  const KeyValue items[] = {{"a", "1"}, {"", "no key"}, {"large", too_large}, {"b", "2"}};
  const std::vector<Status> expected = {Status::kOk, Status::kBadKey, Status::kTooLarge, Status::kOk};
  EXPECT_EQ(cache_.set_many(items), expected);
  EXPECT_EQ(cache_.get("a"), "1");
  EXPECT_EQ(cache_.get("large"), std::nullopt);
  EXPECT_EQ(cache_.get("b"), "2");
}

TEST_F(BatchTest, SetManyWithAKeyTwiceKeepsTheLater) {
  const KeyValue items[] = {{"a", "first"}, {"a", "second"}};
  EXPECT_EQ(cache_.set_many(items), (std::vector<Status>{Status::kOk, Status::kOk}));
  EXPECT_EQ(cache_.get("a"), "second");
}

TEST_F(BatchTest, SetManyGivesAllTheSameTimeToLive) {
  const KeyValue items[] = {{"a", "1"}, {"b", "2"}};
  ASSERT_EQ(cache_.set_many(items, std::chrono::hours(1)), (std::vector<Status>{Status::kOk, Status::kOk}));
  for (const std::string_view key : {"a", "b"}) {
    const auto left = cache_.remaining_ttl(key);
    ASSERT_TRUE(left.has_value()) << key;
    EXPECT_LE(*left, std::chrono::hours(1)) << key;
    EXPECT_GT(*left, std::chrono::minutes(59)) << key;
  }
}

TEST_F(BatchTest, EraseManySaysForEachWhetherItWasThere) {
  ASSERT_EQ(cache_.set("a", "1"), Status::kOk);
  ASSERT_EQ(cache_.set("b", "2"), Status::kOk);
  const std::string_view keys[] = {"a", "absent", "", "b", "a"};
  const std::vector<Status> expected = {Status::kOk, Status::kNotFound, Status::kBadKey, Status::kOk, Status::kNotFound};
  EXPECT_EQ(cache_.erase_many(keys), expected);
  EXPECT_EQ(cache_.get("a"), std::nullopt);
  EXPECT_EQ(cache_.get("b"), std::nullopt);
}

TEST_F(BatchTest, ABatchCountsEachOfItsKeys) {
  const KeyValue items[] = {{"a", "1"}, {"b", "2"}, {"c", "3"}};
  ASSERT_EQ(cache_.set_many(items).size(), 3U);
  const Stats before = cache_.stats();
  const std::string_view keys[] = {"a", "absent", "b"};
  ASSERT_EQ(cache_.get_many(keys).size(), 3U);
  const Stats after = cache_.stats();
  EXPECT_EQ(before.sets, 3U);
  EXPECT_EQ(after.gets - before.gets, 3U);
  EXPECT_EQ(after.hits - before.hits, 2U);
  EXPECT_EQ(after.misses - before.misses, 1U);
}

TEST_F(BatchTest, LargeBatchesOfValuesOfAllSizesComeBackWhole) {
  constexpr std::uint64_t kKeys = 1000;
  std::vector<std::string> keys;
  std::vector<std::string> values;
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    keys.push_back(numbered_key("k", i, 6 + i % 60));
    values.push_back(value_for(keys.back(), i, i % 50 == 0 ? 20'000 : i));
  }
  std::vector<KeyValue> items;
  std::vector<std::string_view> views;
  for (std::size_t i = 0; i < kKeys; ++i) {
    items.push_back({keys[i], values[i]});
    views.emplace_back(keys[i]);
  }
  EXPECT_EQ(cache_.set_many(items), std::vector<Status>(kKeys, Status::kOk));
  const auto found = cache_.get_many(views);
  ASSERT_EQ(found.size(), kKeys);
  for (std::size_t i = 0; i < kKeys; ++i) EXPECT_EQ(found[i], values[i]) << i;
  EXPECT_EQ(cache_.erase_many(views), std::vector<Status>(kKeys, Status::kOk));
  EXPECT_EQ(cache_.stats().items, 0U);
}

}  // namespace
}  // namespace carafe::test
