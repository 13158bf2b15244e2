// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "carafe/carafe.h"
#include "support/fake_clock.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

class TtlTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  Cache cache_ = Cache::create_anonymous(with_capacity(4 * kMiB));
};

TEST_F(TtlTest, AValueIsReadUntilItsTimeIsOverAndNotAfter) {
  ASSERT_EQ(cache_.set("key", "value", 1000ms), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "value");
  clock_.advance(999ms);
  EXPECT_EQ(cache_.get("key"), "value");
  EXPECT_TRUE(cache_.contains("key"));
  clock_.advance(1ms);
  EXPECT_EQ(cache_.get("key"), std::nullopt);
  EXPECT_FALSE(cache_.contains("key"));
}

TEST_F(TtlTest, OneMillisecondIsATimeToLive) {
  ASSERT_EQ(cache_.set("key", "value", 1ms), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "value");
  clock_.advance(1ms);
  EXPECT_EQ(cache_.get("key"), std::nullopt);
}

TEST_F(TtlTest, EveryVerbMissesAnExpiredItem) {
  const auto expired = [this](std::string_view key) {
    ASSERT_EQ(cache_.set(key, "17", 10ms), Status::kOk);
    clock_.advance(11ms);
  };
  std::string reused = "before";
  expired("get");
  EXPECT_EQ(cache_.get("get", reused), Status::kNotFound);
  EXPECT_EQ(reused, "");
  expired("replace");
  EXPECT_EQ(cache_.replace("replace", "new"), Status::kNotFound);
  EXPECT_EQ(cache_.get("replace"), std::nullopt);
  expired("touch");
  EXPECT_EQ(cache_.touch("touch", 1h), Status::kNotFound);
  EXPECT_EQ(cache_.get("touch"), std::nullopt);
  expired("erase");
  EXPECT_EQ(cache_.erase("erase"), Status::kNotFound);
  expired("versioned");
  EXPECT_EQ(cache_.get_versioned("versioned"), std::nullopt);
  expired("remaining");
  EXPECT_EQ(cache_.remaining_ttl("remaining"), std::nullopt);
  expired("add");
  EXPECT_EQ(cache_.add("add", "new"), Status::kOk);
  EXPECT_EQ(cache_.get("add"), "new");
  expired("increment");
  EXPECT_EQ(cache_.increment("increment", 1, 100).value, 101);
  expired("many");
  const std::string_view keys[] = {"many", "add"};
  const auto many = cache_.get_many(keys);
  ASSERT_EQ(many.size(), 2U);
  EXPECT_EQ(many[0], std::nullopt);
  EXPECT_EQ(many[1], "new");
  cache_.for_each([](std::string_view key, std::string_view) { EXPECT_NE(key, "many"); });
}

TEST_F(TtlTest, CompareAndSetOnAnExpiredItemSaysNotFound) {
  ASSERT_EQ(cache_.set("key", "value", 10ms), Status::kOk);
  const auto seen = cache_.get_versioned("key");
  ASSERT_TRUE(seen.has_value());
  clock_.advance(11ms);
  EXPECT_EQ(cache_.compare_and_set("key", seen->version, "new"), Status::kNotFound);
  EXPECT_EQ(cache_.get("key"), std::nullopt);
}

TEST_F(TtlTest, ZeroAndNegativeTimesKeepNothingAndEraseWhatWasThere) {
  for (const milliseconds ttl : {0ms, -1ms, -1000ms, milliseconds::min(), milliseconds::min() + 1ms}) {
    ASSERT_EQ(cache_.set("key", "old"), Status::kOk);
    EXPECT_EQ(cache_.set("key", "new", ttl), Status::kOk) << ttl.count();
    EXPECT_EQ(cache_.get("key"), std::nullopt) << ttl.count();
    EXPECT_EQ(cache_.set("fresh", "new", ttl), Status::kOk) << ttl.count();
    EXPECT_EQ(cache_.get("fresh"), std::nullopt) << ttl.count();
  }
  EXPECT_EQ(cache_.stats().items, 0U);
}

TEST_F(TtlTest, TheOtherVerbsTakeZeroAsAlreadyExpiredToo) {
  EXPECT_EQ(cache_.add("added", "value", 0ms), Status::kOk);
  EXPECT_EQ(cache_.get("added"), std::nullopt);

  ASSERT_EQ(cache_.set("there", "value"), Status::kOk);
  EXPECT_EQ(cache_.add("there", "other", 0ms), Status::kExists);
  EXPECT_EQ(cache_.get("there"), "value");

  EXPECT_EQ(cache_.replace("there", "other", 0ms), Status::kOk);
  EXPECT_EQ(cache_.get("there"), std::nullopt);

  ASSERT_EQ(cache_.set("swapped", "value"), Status::kOk);
  const auto seen = cache_.get_versioned("swapped");
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(cache_.compare_and_set("swapped", seen->version, "other", -1ms), Status::kOk);
  EXPECT_EQ(cache_.get("swapped"), std::nullopt);

  ASSERT_EQ(cache_.set("touched", "value"), Status::kOk);
  EXPECT_EQ(cache_.touch("touched", 0ms), Status::kOk);
  EXPECT_EQ(cache_.get("touched"), std::nullopt);

  const Counter counter = cache_.increment("counter", 1, 10, 0ms);
  EXPECT_EQ(counter.status, Status::kOk);
  EXPECT_EQ(counter.value, 11);
  EXPECT_EQ(cache_.get("counter"), std::nullopt);

  const KeyValue items[] = {{"many", "value"}};
  EXPECT_EQ(cache_.set_many(items, 0ms), std::vector<Status>{Status::kOk});
  EXPECT_EQ(cache_.get("many"), std::nullopt);
}

TEST_F(TtlTest, ForeverHasNoEnd) {
  ASSERT_EQ(cache_.set("default", "value"), Status::kOk);
  ASSERT_EQ(cache_.set("named", "value", kForever), Status::kOk);
  clock_.advance(std::chrono::hours(24 * 365 * 100));
  EXPECT_EQ(cache_.get("default"), "value");
  EXPECT_EQ(cache_.get("named"), "value");
  EXPECT_EQ(cache_.remaining_ttl("default"), kForever);
}

TEST_F(TtlTest, AnEndBeyondTheEndOfTimeDoesNotWrapIntoThePast) {
  ASSERT_EQ(cache_.set("key", "value", kForever - 1ms), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "value");
  clock_.advance(std::chrono::hours(24 * 365));
  EXPECT_EQ(cache_.get("key"), "value");
  const auto left = cache_.remaining_ttl("key");
  ASSERT_TRUE(left.has_value());
  EXPECT_GT(*left, std::chrono::hours(24 * 365 * 1000));
}

TEST_F(TtlTest, RemainingTimeCountsDown) {
  ASSERT_EQ(cache_.set("key", "value", 1000ms), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), 1000ms);
  clock_.advance(400ms);
  EXPECT_EQ(cache_.remaining_ttl("key"), 600ms);
  clock_.advance(599ms);
  EXPECT_EQ(cache_.remaining_ttl("key"), 1ms);
  clock_.advance(1ms);
  EXPECT_EQ(cache_.remaining_ttl("key"), std::nullopt);
}

TEST_F(TtlTest, TouchCountsFromNowAndKeepsTheValue) {
  ASSERT_EQ(cache_.set("key", "value", 1000ms), Status::kOk);
  clock_.advance(900ms);
  ASSERT_EQ(cache_.touch("key", 1000ms), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), 1000ms);
  clock_.advance(999ms);
  EXPECT_EQ(cache_.get("key"), "value");
  clock_.advance(1ms);
  EXPECT_EQ(cache_.get("key"), std::nullopt);
}

TEST_F(TtlTest, TouchShortensLengthensStartsAndEndsAnExpiry) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  ASSERT_EQ(cache_.touch("key", 50ms), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), 50ms);
  ASSERT_EQ(cache_.touch("key", 10ms), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), 10ms);
  ASSERT_EQ(cache_.touch("key", kForever), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), kForever);
  clock_.advance(1h);
  EXPECT_EQ(cache_.get("key"), "value");
}

TEST_F(TtlTest, TouchWorksOnValuesOfEverySize) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{10'000}, std::size_t{1} << 20}) {
    const std::string key = numbered_key("size", bytes);
    ASSERT_EQ(cache_.set(key, value_for(key, 1, bytes)), Status::kOk);
    ASSERT_EQ(cache_.touch(key, 100ms), Status::kOk) << bytes;
    EXPECT_EQ(cache_.get(key), value_for(key, 1, bytes)) << bytes;
    EXPECT_EQ(cache_.remaining_ttl(key), 100ms) << bytes;
    clock_.advance(100ms);
    EXPECT_EQ(cache_.get(key), std::nullopt) << bytes;
  }
  EXPECT_TRUE(cache_.verify().ok);
}

TEST_F(TtlTest, TouchOfAnAbsentKeySaysNotFound) { EXPECT_EQ(cache_.touch("absent", 1h), Status::kNotFound); }

TEST_F(TtlTest, IncrementKeepsTheExpiryOfAnExistingCounter) {
  ASSERT_EQ(cache_.increment("counter", 1, 0, 1000ms).value, 1);
  clock_.advance(400ms);
  ASSERT_EQ(cache_.increment("counter", 1, 0, 1h).value, 2);
  EXPECT_EQ(cache_.remaining_ttl("counter"), 600ms);
  clock_.advance(600ms);
  EXPECT_EQ(cache_.get("counter"), std::nullopt);
  EXPECT_EQ(cache_.increment("counter", 1, 0, 1h).value, 1);
  EXPECT_EQ(cache_.remaining_ttl("counter"), 1h);
}

TEST_F(TtlTest, IncrementKeepsTheExpiryWhenTheNumberGrowsLonger) {
  ASSERT_EQ(cache_.set("counter", "9", 1000ms), Status::kOk);
  ASSERT_EQ(cache_.increment("counter", 1'000'000'000'000).value, 1'000'000'000'009);
  EXPECT_EQ(cache_.remaining_ttl("counter"), 1000ms);
}

TEST_F(TtlTest, ASetWithoutTimeToLiveEndsAnEarlierOne) {
  ASSERT_EQ(cache_.set("key", "first", 10ms), Status::kOk);
  ASSERT_EQ(cache_.set("key", "second"), Status::kOk);
  clock_.advance(1h);
  EXPECT_EQ(cache_.get("key"), "second");
}

/// Fills with 4000 items that stay and 8000 of which all expire, then sets 7000 more: there is no need to evict anything.
class ExpiredRoomTest : public TtlTest {
 protected:
  std::uint64_t evictions_when(std::size_t expiring_bytes) {
    const auto set = [this](std::string_view prefix, std::uint64_t count, std::size_t bytes, milliseconds ttl) {
      for (std::uint64_t i = 0; i < count; ++i) {
        EXPECT_EQ(cache_.set(numbered_key(prefix, i), std::string(bytes, 'v'), ttl), Status::kOk);
        if (i % 10 == 0) clock_.advance(1ms);
      }
    };
    set("stays", 4000, 200, 10h);
    set("brief", 8000, expiring_bytes, 2000ms);
    EXPECT_EQ(cache_.stats().evictions, 0U) << "the test means to start below the capacity";
    clock_.advance(3000ms);
    set("later", 7000, 200, 10h);
    std::uint64_t missing = 0;
    for (std::uint64_t i = 0; i < 4000; ++i) missing += cache_.contains(numbered_key("stays", i)) ? 0 : 1;
    EXPECT_LE(missing, cache_.stats().evictions);
    EXPECT_GT(cache_.stats().expirations, 0U);
    return cache_.stats().evictions;
  }
};

TEST_F(ExpiredRoomTest, ExpiredItemsMakeRoomBeforeLiveOnesAreEvicted) { EXPECT_EQ(evictions_when(200), 0U); }

TEST_F(ExpiredRoomTest, ExpiredItemsOfAnotherSizeMakeRoomBeforeLiveOnesAreEvicted) { EXPECT_EQ(evictions_when(240), 0U); }

}  // namespace
}  // namespace carafe::test
