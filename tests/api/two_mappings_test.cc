// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "carafe/carafe.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

/// One segment, twice in this process, so at two addresses: a pointer stored in it would be wrong for one of the two.
class TwoMappingsTest : public ::testing::Test {
 protected:
  ScratchName name_{"two"};
  Cache one_ = Cache::create(name_, with_capacity(8 * kMiB));
  Cache two_ = Cache::open(name_);
};

TEST_F(TwoMappingsTest, TheSegmentLiesAtTwoAddresses) {
  const std::vector<std::uint64_t> addresses = mappings_of(name_.path(), 8 * kMiB);
  ASSERT_EQ(addresses.size(), 2U);
  EXPECT_NE(addresses[0], addresses[1]);
}

TEST_F(TwoMappingsTest, EachReadsWhatTheOtherWrote) {
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Cache& writer = i % 2 == 0 ? one_ : two_;
    ASSERT_EQ(writer.set(numbered_key("k", i), value_for("k", i, i)), Status::kOk);
  }
  ASSERT_EQ(one_.set("large", value_for("large", 1, 2 * kMiB)), Status::kOk);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    EXPECT_EQ(one_.get(numbered_key("k", i)), value_for("k", i, i)) << i;
    EXPECT_EQ(two_.get(numbered_key("k", i)), value_for("k", i, i)) << i;
  }
  EXPECT_TRUE(two_.get("large") == value_for("large", 1, 2 * kMiB));
}

TEST_F(TwoMappingsTest, EveryVerbWorksAcross) {
  ASSERT_EQ(one_.set("key", "value"), Status::kOk);
  EXPECT_EQ(two_.add("key", "other"), Status::kExists);
  const auto seen = one_.get_versioned("key");
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(two_.compare_and_set("key", seen->version, "swapped"), Status::kOk);
  EXPECT_EQ(one_.compare_and_set("key", seen->version, "late"), Status::kVersionChanged);
  EXPECT_EQ(one_.get("key"), "swapped");
  EXPECT_EQ(two_.increment("counter", 2).value, 2);
  EXPECT_EQ(one_.increment("counter", 3).value, 5);
  EXPECT_EQ(two_.touch("counter", std::chrono::hours(1)), Status::kOk);
  EXPECT_NE(one_.remaining_ttl("counter"), kForever);
  EXPECT_EQ(one_.erase("key"), Status::kOk);
  EXPECT_EQ(two_.erase("key"), Status::kNotFound);
  two_.clear();
  EXPECT_EQ(one_.get("counter"), std::nullopt);
}

TEST_F(TwoMappingsTest, GrowthEvictionAndMovedPagesAreSeenByBoth) {
  Random random(3);
  std::string value;
  for (const std::size_t largest : {std::size_t{50}, std::size_t{5'000}, 2 * kMiB, std::size_t{300}}) {
    for (std::uint64_t i = 0; i < 6000; ++i) {
      const std::string key = numbered_key("k", random.below(20'000));
      Cache& writer = random.one_in(2) ? one_ : two_;
      Cache& reader = random.one_in(2) ? one_ : two_;
      make_value(value, key, i, kCertifiedBytes + random.log_uniform(largest - kCertifiedBytes));
      ASSERT_EQ(writer.set(key, value), Status::kOk);
      ASSERT_TRUE(reader.get(key) == value) << key;
    }
  }
  for (Cache* cache : {&one_, &two_}) {
    cache->for_each([](std::string_view key, std::string_view found) { EXPECT_TRUE(sequence_of(key, found).has_value()) << key; });
    const VerifyReport report = cache->verify();
    EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
  }
  EXPECT_EQ(one_.stats().items, two_.stats().items);
  EXPECT_EQ(one_.verify().items, two_.verify().items);
}

TEST_F(TwoMappingsTest, OneGoesOnWhenTheOtherIsClosed) {
  ASSERT_EQ(one_.set("key", "value"), Status::kOk);
  { const Cache closed = std::move(one_); }
  EXPECT_EQ(two_.get("key"), "value");
  EXPECT_EQ(two_.set("key", "other"), Status::kOk);
  EXPECT_EQ(two_.get("key"), "other");
}

}  // namespace
}  // namespace carafe::test
