// SPDX-License-Identifier: MIT
#include "support/capacity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "carafe/carafe.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

/// The largest is left out where a run has to be short (sanitizers).
std::vector<std::size_t> capacities() {
  if (number_from_environment("CARAFE_TEST_SHORT", 0) != 0) return {kMiB, 8 * kMiB};
  return {kMiB, 8 * kMiB, 64 * kMiB};
}

std::string first_problem(const VerifyReport& report) { return report.problems.empty() ? "" : report.problems.front(); }

class CapacityTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  std::size_t capacity() const { return GetParam(); }

  /// Sets new keys with values of `low` to `high` bytes, small ones likelier, until `bytes` of value were given. None may fail.
  void churn(std::size_t low, std::size_t high, std::uint64_t bytes) {
    std::uint64_t given = 0;
    for (std::uint64_t operations = 0; given < bytes && operations < 2'000'000; ++operations) {
      const std::string key = numbered_key("c", next_key_++);
      make_value(value_, key, 1, low + random_.log_uniform(high - low));
      const Status status = cache_.set(key, value_);
      ASSERT_EQ(status, Status::kOk) << to_string(status) << ", " << value_.size() << " bytes, after " << given << " bytes";
      given += key.size() + value_.size() + 40;
    }
  }

  Cache cache_ = Cache::create_anonymous(with_capacity(GetParam()));
  Random random_{GetParam()};
  std::string value_;
  std::uint64_t next_key_ = 0;
};

TEST_P(CapacityTest, SetNeverFailsWhileMixedSizesFillFourTimesTheCapacity) {
  ASSERT_NO_FATAL_FAILURE(churn(0, capacity() / 4, 4 * capacity()));
  const Stats stats = cache_.stats();
  EXPECT_EQ(stats.no_space, 0U);
  EXPECT_GT(stats.evictions, 0U);
  const VerifyReport report = cache_.verify();
  EXPECT_TRUE(report.ok) << first_problem(report);
}

TEST_P(CapacityTest, SetNeverFailsWhenTheSizesShift) {
  for (const std::size_t bytes :
       {std::size_t{20}, capacity() / 4, std::size_t{0}, std::size_t{5'000}, std::size_t{120}, capacity() / 8, std::size_t{1'000}}) {
    ASSERT_NO_FATAL_FAILURE(churn(bytes, bytes + bytes / 10 <= capacity() / 4 ? bytes + bytes / 10 : bytes, capacity() + capacity() / 2));
    const VerifyReport report = cache_.verify();
    ASSERT_TRUE(report.ok) << bytes << ": " << first_problem(report);
  }
  EXPECT_EQ(cache_.stats().no_space, 0U);
}

TEST_P(CapacityTest, TheLargestValuesFindRoomAmongTheSmallest) {
  ASSERT_NO_FATAL_FAILURE(churn(0, 8, 2 * capacity()));
  for (std::uint64_t i = 0; i < 8; ++i) {
    const std::string key = numbered_key("large", i);
    ASSERT_EQ(cache_.set(key, value_for(key, i, capacity() / 4)), Status::kOk) << i;
    ASSERT_TRUE(cache_.get(key) == value_for(key, i, capacity() / 4)) << i;
  }
}

TEST_P(CapacityTest, OfManyLargeValuesAtLeastTwoAreKept) {
  for (std::uint64_t i = 0; i < 20; ++i) {
    const std::string key = numbered_key("large", i);
    ASSERT_EQ(cache_.set(key, value_for(key, i, capacity() / 4)), Status::kOk) << i;
  }
  EXPECT_GE(cache_.stats().items, 2U);
}

TEST_P(CapacityTest, AfterChurnAndClearAUniformFillHolds98PercentOfAFreshSegment) {
  ASSERT_NO_FATAL_FAILURE(churn(0, 30, 2 * capacity()));
  ASSERT_NO_FATAL_FAILURE(churn(capacity() / 16, capacity() / 4, 2 * capacity()));
  const VerifyReport report = cache_.verify();
  EXPECT_TRUE(report.ok) << first_problem(report);
  std::vector<std::size_t> sizes = {100, 1'000, 10'000, capacity() / 20};
  if (capacity() < 64 * kMiB) sizes.insert(sizes.end(), {0, 333, 5'000});
  for (const std::size_t bytes : sizes) {
    EXPECT_HOLDS_98_PERCENT_OF_FRESH(cache_, 17U, bytes);
  }
  EXPECT_TRUE(cache_.verify().ok);
}

/// A chain goes as a whole, and with it the room of all its chunks; yet storing one must not cost several others.
TEST_P(CapacityTest, LargeValuesFillMostOfTheSegment) {
  for (const std::size_t bytes : {capacity() / 17, capacity() / 40}) {
    const std::string value(bytes, 'v');
    double sum = 0.0;
    for (std::uint64_t i = 0; i < 400; ++i) {
      ASSERT_EQ(cache_.set(numbered_key(std::to_string(bytes), i), value), Status::kOk);
      if (i >= 200) sum += static_cast<double>(cache_.stats().items * bytes) / static_cast<double>(capacity());
    }
    EXPECT_GE(sum / 200, 0.6) << "values of " << bytes << " bytes";
  }
}

/// Pages move by age, so a moment has to pass before those of the large values are old; a few hundred milliseconds do. In the smallest segment
/// the tables of the index fill their pages more or less well, as its seed decides, and each page is nearly a hundredth of all.
TEST_P(CapacityTest, AfterLargeValuesASmallFillHolds98PercentOfAFreshSegmentWithoutClear) {
  ASSERT_NO_FATAL_FAILURE(churn(capacity() / 8, capacity() / 4, 2 * capacity()));
  const Filled fresh = fill_fresh(capacity(), 17, 100);
  Filled after;
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    after = fill_uniformly(cache_, 17, 100);
    EXPECT_EQ(after.failed, 0U);
  }
  const double share = capacity() == kMiB ? 0.96 : 0.98;
  EXPECT_GE(static_cast<double>(after.items), share * static_cast<double>(fresh.items)) << after.items << " of " << fresh.items;
}

TEST_P(CapacityTest, AQuarterOfTheCapacityIsKeptWithoutOneEviction) {
  const std::uint64_t count = capacity() / 4 / 210;
  for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(cache_.set(numbered_key("k", i), std::string(150, 'v')), Status::kOk);
  EXPECT_EQ(cache_.stats().evictions, 0U);
  EXPECT_EQ(cache_.stats().items, count);
}

INSTANTIATE_TEST_SUITE_P(Capacities, CapacityTest, ::testing::ValuesIn(capacities()),
                         [](const auto& capacity) { return std::to_string(capacity.param / kMiB) + "MiB"; });

TEST(ItemOverheadTest, AnItemOf17And100BytesCostsAtMost44BytesMore) {
  const Filled fresh = fill_fresh(64 * kMiB, 17, 100);
  ASSERT_EQ(fresh.failed, 0U);
  const double bytes_per_item = static_cast<double>(64 * kMiB) / static_cast<double>(fresh.items);
  EXPECT_LE(bytes_per_item - 117, 44.0) << fresh.items << " items";
  RecordProperty("overhead_bytes", std::to_string(bytes_per_item - 117));
}

}  // namespace
}  // namespace carafe::test
