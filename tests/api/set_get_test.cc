// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "carafe/carafe.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

class SetGetTest : public ::testing::Test {
 protected:
  Cache cache_ = Cache::create_anonymous(with_capacity(4 * kMiB));
};

TEST_F(SetGetTest, AnAbsentKeyIsAMiss) {
  EXPECT_EQ(cache_.get("absent"), std::nullopt);
  EXPECT_FALSE(cache_.contains("absent"));
  EXPECT_EQ(cache_.get_versioned("absent"), std::nullopt);
  EXPECT_EQ(cache_.remaining_ttl("absent"), std::nullopt);
}

TEST_F(SetGetTest, WhatWasSetIsRead) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "value");
  EXPECT_TRUE(cache_.contains("key"));
}

TEST_F(SetGetTest, ASecondSetReplacesTheFirst) {
  ASSERT_EQ(cache_.set("key", "first"), Status::kOk);
  ASSERT_EQ(cache_.set("key", "the second, which is longer"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "the second, which is longer");
  ASSERT_EQ(cache_.set("key", "3"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "3");
}

TEST_F(SetGetTest, AnEmptyValueIsAValue) {
  ASSERT_EQ(cache_.set("key", ""), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "");
  EXPECT_TRUE(cache_.contains("key"));
}

TEST_F(SetGetTest, KeysAndValuesMayHoldAnyByte) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  ASSERT_EQ(cache_.set(every_byte, every_byte + every_byte), Status::kOk);
  EXPECT_EQ(cache_.get(every_byte), every_byte + every_byte);
}

TEST_F(SetGetTest, KeysThatDifferOnlyBehindANulAreDifferent) {
  const std::string one("key\0one", 7);
  const std::string two("key\0two", 7);
  ASSERT_EQ(cache_.set(one, "1"), Status::kOk);
  ASSERT_EQ(cache_.set(two, "2"), Status::kOk);
  EXPECT_EQ(cache_.get(one), "1");
  EXPECT_EQ(cache_.get(two), "2");
  EXPECT_EQ(cache_.get("key"), std::nullopt);
}

TEST_F(SetGetTest, AKeyIsNotItsPrefix) {
  ASSERT_EQ(cache_.set("ab", "two"), Status::kOk);
  ASSERT_EQ(cache_.set("abc", "three"), Status::kOk);
  EXPECT_EQ(cache_.get("a"), std::nullopt);
  EXPECT_EQ(cache_.get("ab"), "two");
  EXPECT_EQ(cache_.get("abc"), "three");
}

TEST_F(SetGetTest, GetIntoAStringSaysOkAndReplacesItsContent) {
  std::string reused = "something that was here before";
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.get("key", reused), Status::kOk);
  EXPECT_EQ(reused, "value");
}

TEST_F(SetGetTest, GetIntoAStringEmptiesItOnAMiss) {
  std::string reused = "something that was here before";
  EXPECT_EQ(cache_.get("absent", reused), Status::kNotFound);
  EXPECT_EQ(reused, "");
}

TEST_F(SetGetTest, GetIntoALargeEnoughStringDoesNotAllocate) {
  std::string reused;
  reused.reserve(1000);
  const char* const before = reused.data();
  ASSERT_EQ(cache_.set("key", std::string(900, 'v')), Status::kOk);
  ASSERT_EQ(cache_.get("key", reused), Status::kOk);
  EXPECT_EQ(reused, std::string(900, 'v'));
  EXPECT_EQ(reused.data(), before);
  ASSERT_EQ(cache_.get("absent", reused), Status::kNotFound);
  EXPECT_EQ(reused.data(), before);
}

TEST_F(SetGetTest, ErasedIsAMissAndASecondEraseSaysNotFound) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.erase("key"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), std::nullopt);
  EXPECT_FALSE(cache_.contains("key"));
  EXPECT_EQ(cache_.erase("key"), Status::kNotFound);
}

TEST_F(SetGetTest, EraseOfOneKeyLeavesTheOthers) {
  for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_EQ(cache_.set(numbered_key("k", i), value_for("k", i, 50)), Status::kOk);
  for (std::uint64_t i = 0; i < 1000; i += 2) ASSERT_EQ(cache_.erase(numbered_key("k", i)), Status::kOk);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto value = cache_.get(numbered_key("k", i));
    if (i % 2 == 0) {
      EXPECT_EQ(value, std::nullopt) << i;
    } else {
      EXPECT_EQ(value, value_for("k", i, 50)) << i;
    }
  }
  EXPECT_EQ(cache_.stats().items, 500U);
}

TEST_F(SetGetTest, TenThousandKeysAreAllReadBack) {
  for (std::uint64_t i = 0; i < 10'000; ++i) ASSERT_EQ(cache_.set(numbered_key("k", i), value_for("k", i, i % 100)), Status::kOk);
  for (std::uint64_t i = 0; i < 10'000; ++i) ASSERT_EQ(cache_.get(numbered_key("k", i)), value_for("k", i, i % 100)) << i;
  EXPECT_EQ(cache_.stats().evictions, 0U);
}

TEST_F(SetGetTest, AKeyRewrittenManyTimesUsesNoMoreRoomThanOnce) {
  ASSERT_EQ(cache_.set("key", std::string(1000, 'v')), Status::kOk);
  const std::uint64_t bytes_used = cache_.stats().bytes_used;
  for (int i = 0; i < 50'000; ++i) ASSERT_EQ(cache_.set("key", std::string(1000, static_cast<char>('a' + i % 26))), Status::kOk);
  const Stats stats = cache_.stats();
  EXPECT_EQ(stats.items, 1U);
  EXPECT_EQ(stats.bytes_used, bytes_used);
  EXPECT_EQ(stats.evictions, 0U);
}

TEST_F(SetGetTest, AKeyWhoseSizeChangesEachTimeKeepsOnlyTheLast) {
  Random random(7);
  std::string value;
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    make_value(value, "key", i, random.log_uniform(cache_.info().largest_value_bytes));
    ASSERT_EQ(cache_.set("key", value), Status::kOk);
    ASSERT_EQ(cache_.get("key"), value) << i;
  }
  EXPECT_EQ(cache_.stats().items, 1U);
  EXPECT_TRUE(cache_.verify().ok);
}

TEST_F(SetGetTest, TheValueMayBeGivenOutOfAStringThatTheKeyLiesIn) {
  const std::string text = "key=value";
  const std::string_view view = text;
  ASSERT_EQ(cache_.set(view.substr(0, 3), view.substr(4)), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "value");
}

TEST_F(SetGetTest, SetOptionsCarryTheTimeToLive) {
  ASSERT_EQ(cache_.set("for ever", "value", SetOptions{}), Status::kOk);
  ASSERT_EQ(cache_.set("an hour", "value", SetOptions{.ttl = std::chrono::hours(1)}), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("for ever"), kForever);
  const auto left = cache_.remaining_ttl("an hour");
  ASSERT_TRUE(left.has_value());
  EXPECT_LE(*left, std::chrono::hours(1));
  EXPECT_GT(*left, std::chrono::minutes(59));
}

}  // namespace
}  // namespace carafe::test
