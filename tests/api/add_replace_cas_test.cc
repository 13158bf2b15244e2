// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>

#include "carafe/carafe.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

class AddReplaceCasTest : public ::testing::Test {
 protected:
  /// The version that `key` has now; the key must be there.
  std::uint64_t version_of(std::string_view key) {
    const auto seen = cache_.get_versioned(key);
    EXPECT_TRUE(seen.has_value()) << key;
    return seen ? seen->version : 0;
  }

  Cache cache_ = Cache::create_anonymous(with_capacity(4 * kMiB));
};

TEST_F(AddReplaceCasTest, AddStoresOnlyWhereNothingIs) {
  EXPECT_EQ(cache_.add("key", "first"), Status::kOk);
  EXPECT_EQ(cache_.add("key", "second"), Status::kExists);
  EXPECT_EQ(cache_.get("key"), "first");
}

TEST_F(AddReplaceCasTest, AddStoresAgainAfterErase) {
  ASSERT_EQ(cache_.add("key", "first"), Status::kOk);
  ASSERT_EQ(cache_.erase("key"), Status::kOk);
  EXPECT_EQ(cache_.add("key", "second"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "second");
}

TEST_F(AddReplaceCasTest, ARefusedAddLeavesNothingBehind) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const std::uint64_t bytes_used = cache_.stats().bytes_used;
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(cache_.add("key", std::string(1000, 'x')), Status::kExists);
  const Stats stats = cache_.stats();
  EXPECT_EQ(stats.items, 1U);
  EXPECT_EQ(stats.bytes_used, bytes_used);
  EXPECT_EQ(stats.evictions, 0U);
}

TEST_F(AddReplaceCasTest, ReplaceStoresOnlyWhereSomethingIs) {
  EXPECT_EQ(cache_.replace("key", "value"), Status::kNotFound);
  EXPECT_EQ(cache_.get("key"), std::nullopt);
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.replace("key", "other"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "other");
}

TEST_F(AddReplaceCasTest, AddAndReplaceTakeATimeToLive) {
  ASSERT_EQ(cache_.add("key", "value", std::chrono::hours(1)), Status::kOk);
  const auto added = cache_.remaining_ttl("key");
  ASSERT_TRUE(added.has_value());
  EXPECT_LE(*added, std::chrono::hours(1));
  ASSERT_EQ(cache_.replace("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), kForever);
}

TEST_F(AddReplaceCasTest, GetVersionedHasTheValueToo) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const auto seen = cache_.get_versioned("key");
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->value, "value");
}

TEST_F(AddReplaceCasTest, AVersionStaysWhileNobodyWrites) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const std::uint64_t version = version_of("key");
  ASSERT_EQ(cache_.set("other", "value"), Status::kOk);
  ASSERT_EQ(cache_.get("key"), "value");
  EXPECT_EQ(version_of("key"), version);
}

TEST_F(AddReplaceCasTest, CompareAndSetStoresOverTheItemThatWasSeen) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.compare_and_set("key", version_of("key"), "other"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "other");
}

TEST_F(AddReplaceCasTest, AVersionIsGoodForOneCompareAndSet) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const std::uint64_t version = version_of("key");
  ASSERT_EQ(cache_.compare_and_set("key", version, "other"), Status::kOk);
  EXPECT_EQ(cache_.compare_and_set("key", version, "third"), Status::kVersionChanged);
  EXPECT_EQ(cache_.get("key"), "other");
}

TEST_F(AddReplaceCasTest, CompareAndSetIsRefusedAfterASetOfTheSameValue) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const std::uint64_t version = version_of("key");
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.compare_and_set("key", version, "other"), Status::kVersionChanged);
  EXPECT_EQ(cache_.get("key"), "value");
}

TEST_F(AddReplaceCasTest, CompareAndSetIsRefusedAfterEraseAndSetOfTheSameValue) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const std::uint64_t version = version_of("key");
  ASSERT_EQ(cache_.erase("key"), Status::kOk);
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.compare_and_set("key", version, "other"), Status::kVersionChanged);
  EXPECT_EQ(cache_.get("key"), "value");
}

TEST_F(AddReplaceCasTest, CompareAndSetOnNothingSaysNotFound) {
  EXPECT_EQ(cache_.compare_and_set("key", 1, "value"), Status::kNotFound);
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const std::uint64_t version = version_of("key");
  ASSERT_EQ(cache_.erase("key"), Status::kOk);
  EXPECT_EQ(cache_.compare_and_set("key", version, "other"), Status::kNotFound);
  EXPECT_EQ(cache_.get("key"), std::nullopt);
}

TEST_F(AddReplaceCasTest, CompareAndSetAfterClearSaysNotFound) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const std::uint64_t version = version_of("key");
  cache_.clear();
  EXPECT_EQ(cache_.compare_and_set("key", version, "other"), Status::kNotFound);
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.compare_and_set("key", version, "other"), Status::kVersionChanged);
}

TEST_F(AddReplaceCasTest, CompareAndSetWithAMadeUpVersionIsRefused) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const std::uint64_t version = version_of("key");
  for (const std::uint64_t wrong : {version + 1, version - 1, ~version, version ^ (std::uint64_t{1} << 63)}) {
    EXPECT_EQ(cache_.compare_and_set("key", wrong, "other"), Status::kVersionChanged) << wrong;
  }
  EXPECT_EQ(cache_.get("key"), "value");
}

TEST_F(AddReplaceCasTest, EveryWriteGivesAVersionThatTheKeyNeverHad) {
  std::set<std::uint64_t> versions;
  for (int i = 0; i < 2'000; ++i) {
    switch (i % 4) {
      case 0:
        ASSERT_EQ(cache_.set("key", "1"), Status::kOk);
        break;
      case 1:
        ASSERT_EQ(cache_.replace("key", "1"), Status::kOk);
        break;
      case 2:
        ASSERT_EQ(cache_.increment("key", 1).status, Status::kOk);
        break;
      default:
        ASSERT_EQ(cache_.erase("key"), Status::kOk);
        ASSERT_EQ(cache_.add("key", "1"), Status::kOk);
    }
    EXPECT_TRUE(versions.insert(version_of("key")).second) << i;
  }
}

TEST_F(AddReplaceCasTest, CompareAndSetIsRefusedAfterIncrement) {
  ASSERT_EQ(cache_.set("key", "1"), Status::kOk);
  const std::uint64_t version = version_of("key");
  ASSERT_EQ(cache_.increment("key", 0).value, 1);
  EXPECT_EQ(cache_.compare_and_set("key", version, "5"), Status::kVersionChanged);
  EXPECT_EQ(cache_.get("key"), "1");
}

TEST_F(AddReplaceCasTest, CompareAndSetWorksOnValuesOfEverySize) {
  const std::size_t largest = cache_.info().largest_value_bytes;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{5'000}, std::size_t{100'000}, largest}) {
    const std::string key = numbered_key("size", bytes);
    ASSERT_EQ(cache_.set(key, value_for(key, 1, bytes)), Status::kOk);
    const std::uint64_t version = version_of(key);
    ASSERT_EQ(cache_.compare_and_set(key, version, value_for(key, 2, bytes)), Status::kOk) << bytes;
    EXPECT_EQ(cache_.get(key), value_for(key, 2, bytes)) << bytes;
    EXPECT_EQ(cache_.compare_and_set(key, version, "stale"), Status::kVersionChanged) << bytes;
  }
}

TEST_F(AddReplaceCasTest, ARefusedCompareAndSetLeavesNothingBehind) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const std::uint64_t version = version_of("key");
  const std::uint64_t bytes_used = cache_.stats().bytes_used;
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(cache_.compare_and_set("key", version + 1, std::string(1000, 'x')), Status::kVersionChanged);
  const Stats stats = cache_.stats();
  EXPECT_EQ(stats.items, 1U);
  EXPECT_EQ(stats.bytes_used, bytes_used);
  EXPECT_EQ(stats.evictions, 0U);
}

}  // namespace
}  // namespace carafe::test
