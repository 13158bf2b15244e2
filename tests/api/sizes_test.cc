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

/// The largest is left out where a run has to be short (sanitizers).
std::vector<std::size_t> capacities() {
  if (number_from_environment("CARAFE_TEST_SHORT", 0) != 0) return {kMiB, 8 * kMiB};
  return {kMiB, 8 * kMiB, 64 * kMiB};
}

/// The length of a value decides its chunk, whether it is chained, and where its last byte lies. Wherever that could change,
/// one byte less and one byte more are tried.
class SizesTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  /// Stores a value of that size, once for a short and once for a long key, and reads it back; then erases it.
  void store_and_read(std::size_t bytes) {
    for (const std::size_t key_bytes : {std::size_t{8}, bytes % 3 == 0 ? std::size_t{4096} : std::size_t{33}}) {
      const std::string key = numbered_key("k", bytes, key_bytes);
      make_value(value_, key, bytes, bytes);
      ASSERT_EQ(cache_.set(key, value_), Status::kOk) << bytes << " bytes, key of " << key_bytes;
      ASSERT_EQ(cache_.get(key, read_), Status::kOk) << bytes << " bytes, key of " << key_bytes;
      ASSERT_TRUE(read_ == value_) << bytes << " bytes, key of " << key_bytes;
      if (bytes % 2 == 0) {
        ASSERT_EQ(cache_.erase(key), Status::kOk);
      }
    }
  }

  Cache cache_ = Cache::create_anonymous(with_capacity(GetParam()));
  std::string value_;
  std::string read_;
};

TEST_P(SizesTest, ValuesAroundEveryPowerOfTwoComeBackWhole) {
  const std::size_t largest = GetParam() / 4;
  for (std::size_t power = 1; power <= largest; power *= 2) {
    const std::size_t step = power < 256 * 1024 ? 1 : 7;
    for (std::size_t bytes = power < 24 ? 0 : power - 24; bytes <= power + 24 && bytes <= largest; bytes += step) {
      ASSERT_NO_FATAL_FAILURE(store_and_read(bytes));
    }
    if (power >= 256 * 1024) {
      ASSERT_NO_FATAL_FAILURE(store_and_read(power - 1));
      ASSERT_NO_FATAL_FAILURE(store_and_read(power));
      if (power < largest) {
        ASSERT_NO_FATAL_FAILURE(store_and_read(power + 1));
      }
    }
  }
  const VerifyReport report = cache_.verify();
  EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
}

TEST_P(SizesTest, ValuesAroundEveryChunkSizeComeBackWhole) {
  const std::size_t largest = GetParam() / 4;
  for (const SlabStats& slab : cache_.slabs()) {
    if (slab.is_index) continue;
    const std::size_t low = slab.chunk_bytes < 96 ? 0 : slab.chunk_bytes - 96;
    for (std::size_t bytes = low; bytes <= slab.chunk_bytes + 8 && bytes <= largest; ++bytes)
      ASSERT_NO_FATAL_FAILURE(store_and_read(bytes));
  }
  EXPECT_TRUE(cache_.verify().ok);
}

TEST_P(SizesTest, ValuesAroundMultiplesOfTheLargestChunkComeBackWhole) {
  std::size_t chunk_bytes = 0;
  for (const SlabStats& slab : cache_.slabs()) {
    if (!slab.is_index) chunk_bytes = std::max<std::size_t>(chunk_bytes, slab.chunk_bytes);
  }
  if (chunk_bytes == 0) GTEST_SKIP() << "slabs() lists no class before its first page";
  for (std::size_t chunks = 1; chunks <= 4; ++chunks) {
    for (std::size_t bytes = chunks * chunk_bytes - 160; bytes <= chunks * chunk_bytes + 16 && bytes <= GetParam() / 4; bytes += 3) {
      ASSERT_NO_FATAL_FAILURE(store_and_read(bytes));
    }
  }
  EXPECT_TRUE(cache_.verify().ok);
}

TEST_P(SizesTest, TheLargestValueIsStoredTenTimesOver) {
  for (std::uint64_t i = 0; i < 10; ++i) {
    const std::string key = numbered_key("large", i);
    make_value(value_, key, i, GetParam() / 4);
    ASSERT_EQ(cache_.set(key, value_), Status::kOk) << i;
    ASSERT_TRUE(cache_.get(key) == value_) << i;
  }
  EXPECT_EQ(cache_.set("larger", std::string(GetParam() / 4 + 1, 'x')), Status::kTooLarge);
  EXPECT_TRUE(cache_.verify().ok);
}

INSTANTIATE_TEST_SUITE_P(Capacities, SizesTest, ::testing::ValuesIn(capacities()),
                         [](const auto& capacity) { return std::to_string(capacity.param / kMiB) + "MiB"; });

}  // namespace
}  // namespace carafe::test
