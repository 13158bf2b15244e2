// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "carafe/carafe.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

class BadInputTest : public ::testing::Test {
 protected:
  Cache cache_ = Cache::create_anonymous(with_capacity(kMiB));
  const std::size_t largest_ = kMiB / 4;
};

TEST_F(BadInputTest, KeysOfNoBytesOrTooManyAreBadKeysForEveryVerb) {
  for (const std::string& key : {std::string(), std::string(4097, 'k'), std::string(100'000, 'k')}) {
    SCOPED_TRACE(key.size());
    std::string reused = "before";
    EXPECT_EQ(cache_.set(key, "value"), Status::kBadKey);
    EXPECT_EQ(cache_.set(key, "value", SetOptions{}), Status::kBadKey);
    EXPECT_EQ(cache_.set(key, "value", std::chrono::milliseconds(0)), Status::kBadKey);
    EXPECT_EQ(cache_.add(key, "value"), Status::kBadKey);
    EXPECT_EQ(cache_.replace(key, "value"), Status::kBadKey);
    EXPECT_EQ(cache_.get(key), std::nullopt);
    EXPECT_EQ(cache_.get(key, reused), Status::kBadKey);
    EXPECT_EQ(reused, "");
    EXPECT_EQ(cache_.increment(key, 1).status, Status::kBadKey);
    EXPECT_EQ(cache_.get_versioned(key), std::nullopt);
    EXPECT_EQ(cache_.compare_and_set(key, 1, "value"), Status::kBadKey);
    EXPECT_FALSE(cache_.contains(key));
    EXPECT_EQ(cache_.touch(key, std::chrono::hours(1)), Status::kBadKey);
    EXPECT_EQ(cache_.erase(key), Status::kBadKey);
    EXPECT_EQ(cache_.remaining_ttl(key), std::nullopt);
  }
  EXPECT_EQ(cache_.stats().items, 0U);
}

TEST_F(BadInputTest, ABadKeyIsABadKeyEvenWithAValueThatIsTooLarge) {
  EXPECT_EQ(cache_.set("", std::string(largest_ + 1, 'x')), Status::kBadKey);
}

TEST_F(BadInputTest, KeysOfOneAndOf4096BytesAreGood) {
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{2}, std::size_t{255}, std::size_t{256}, std::size_t{4095}, std::size_t{4096}}) {
    const std::string key(bytes, 'k');
    EXPECT_EQ(cache_.set(key, value_for(key, bytes, 100)), Status::kOk) << bytes;
  }
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{2}, std::size_t{255}, std::size_t{256}, std::size_t{4095}, std::size_t{4096}}) {
    const std::string key(bytes, 'k');
    EXPECT_EQ(cache_.get(key), value_for(key, bytes, 100)) << bytes;
  }
}

TEST_F(BadInputTest, KeysOfNulBytesAreTheirOwn) {
  for (std::size_t bytes = 1; bytes <= 20; ++bytes) {
    ASSERT_EQ(cache_.set(std::string(bytes, '\0'), std::to_string(bytes)), Status::kOk);
  }
  for (std::size_t bytes = 1; bytes <= 20; ++bytes) EXPECT_EQ(cache_.get(std::string(bytes, '\0')), std::to_string(bytes));
}

TEST_F(BadInputTest, TheLargestValueIsAQuarterOfTheCapacity) {
  EXPECT_EQ(cache_.info().largest_value_bytes, largest_);
  for (const std::size_t key_bytes : {std::size_t{1}, std::size_t{4096}}) {
    const std::string key(key_bytes, 'k');
    ASSERT_EQ(cache_.set(key, value_for(key, 1, largest_)), Status::kOk) << key_bytes;
    EXPECT_EQ(cache_.get(key), value_for(key, 1, largest_)) << key_bytes;
  }
  EXPECT_TRUE(cache_.verify().ok);
}

TEST_F(BadInputTest, AValueThatIsTooLargeIsRefusedAndTheOldOneIsGone) {
  const std::string too_large(largest_ + 1, 'x');
  ASSERT_EQ(cache_.set("key", "old"), Status::kOk);
  EXPECT_EQ(cache_.set("key", too_large), Status::kTooLarge);
  EXPECT_EQ(cache_.get("key"), std::nullopt);
  EXPECT_EQ(cache_.stats().too_large, 1U);
  EXPECT_EQ(cache_.stats().items, 0U);
}

TEST_F(BadInputTest, EveryStoringVerbRefusesAValueThatIsTooLarge) {
  const std::string too_large(largest_ + 1, 'x');
  EXPECT_EQ(cache_.set("absent", too_large), Status::kTooLarge);
  EXPECT_EQ(cache_.add("absent", too_large), Status::kTooLarge);
  EXPECT_EQ(cache_.get("absent"), std::nullopt);

  ASSERT_EQ(cache_.set("replaced", "old"), Status::kOk);
  EXPECT_EQ(cache_.replace("replaced", too_large), Status::kTooLarge);
  EXPECT_EQ(cache_.get("replaced"), std::nullopt);

  ASSERT_EQ(cache_.set("swapped", "old"), Status::kOk);
  const auto seen = cache_.get_versioned("swapped");
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(cache_.compare_and_set("swapped", seen->version, too_large), Status::kTooLarge);
  EXPECT_EQ(cache_.get("swapped"), std::nullopt);
}

TEST_F(BadInputTest, AMuchTooLargeValueDisturbsNobodyElse) {
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(cache_.set(numbered_key("k", i), "value"), Status::kOk);
  EXPECT_EQ(cache_.set("key", std::string(8 * kMiB, 'x')), Status::kTooLarge);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(cache_.get(numbered_key("k", i)), "value");
}

TEST_F(BadInputTest, EveryStatusHasAWordOfItsOwnAndAnAdvice) {
  std::set<std::string_view> words;
  const auto look_at = [&words](unsigned first, unsigned last) {
    for (unsigned number = first; number <= last; ++number) {
      const auto status = static_cast<Status>(number);
      EXPECT_TRUE(words.insert(to_string(status)).second) << number << ' ' << to_string(status);
      EXPECT_EQ(to_string(status).find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << to_string(status);
      EXPECT_FALSE(to_string(status).empty()) << number;
      EXPECT_GE(advice(status).size(), status == Status::kOk ? 1U : 10U) << number;
      EXPECT_EQ(advice(status).find('\n'), std::string_view::npos) << number;
    }
  };
  look_at(static_cast<unsigned>(Status::kOk), static_cast<unsigned>(Status::kStale));
  look_at(static_cast<unsigned>(Status::kAbsent), static_cast<unsigned>(Status::kSystem));
  EXPECT_EQ(to_string(Status::kNotFound), "not_found");
  EXPECT_EQ(to_string(Status::kOk), "ok");
}

TEST_F(BadInputTest, AStatusOutOfRangeHasAWordToo) {
  EXPECT_FALSE(to_string(static_cast<Status>(255)).empty());
  EXPECT_FALSE(advice(static_cast<Status>(40)).empty());
}

}  // namespace
}  // namespace carafe::test
