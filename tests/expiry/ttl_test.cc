// SPDX-License-Identifier: MIT
#include "expiry/ttl.h"

#include <gtest/gtest.h>

namespace carafe {
namespace {

using std::chrono::milliseconds;

class TtlTest : public testing::Test {
 protected:
  void SetUp() override {
    override_time_for_tests(+[]() noexcept { return std::uint64_t{1000}; });
  }
  void TearDown() override { override_time_for_tests(nullptr); }
};

TEST_F(TtlTest, ForeverNeverExpires) {
  EXPECT_TRUE(Expiry::from_ttl(kForever).forever());
  EXPECT_FALSE(has_expired(kNeverExpires));
}

TEST_F(TtlTest, ZeroAndLessIsAlreadyExpired) {
  EXPECT_TRUE(Expiry::from_ttl(milliseconds(0)).already);
  EXPECT_TRUE(Expiry::from_ttl(milliseconds(-5)).already);
  EXPECT_TRUE(Expiry::from_ttl(milliseconds::min()).already);
}

TEST_F(TtlTest, ATimeToLiveEndsAtItsMillisecond) {
  const Expiry expiry = Expiry::from_ttl(milliseconds(5));
  EXPECT_EQ(expiry.at_ms, 1005U);
  EXPECT_FALSE(has_expired(1001));
  EXPECT_TRUE(has_expired(1000));
  EXPECT_TRUE(has_expired(999));
}

TEST_F(TtlTest, AVeryLongOneDoesNotWrap) {
  const Expiry expiry = Expiry::from_ttl(kForever - milliseconds(1));
  EXPECT_FALSE(expiry.already);
  EXPECT_FALSE(expiry.forever());
  EXPECT_FALSE(has_expired(expiry.at_ms));
}

TEST_F(TtlTest, AHintOnlyGoesDown) {
  Atomic<std::uint64_t> hint{50};
  note_expiry(hint, 60);
  EXPECT_EQ(hint.load(), 50U);
  note_expiry(hint, 40);
  EXPECT_EQ(hint.load(), 40U);
}

}  // namespace
}  // namespace carafe
