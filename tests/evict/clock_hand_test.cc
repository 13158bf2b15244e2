// SPDX-License-Identifier: MIT
#include "evict/clock_hand.h"

#include <gtest/gtest.h>

#include <set>

#include "base/time.h"
#include "support/small_engine.h"

namespace carafe {
namespace {

std::uint64_t fake_now = 1000;

class ClockHandTest : public testing::Test {
 protected:
  ClockHandTest() {
    override_time_for_tests(+[]() noexcept { return fake_now; });
  }
  ~ClockHandTest() override { override_time_for_tests(nullptr); }
  Engine engine_ = test::small_engine();
  const Worker me_ = engine_.worker();
};

TEST_F(ClockHandTest, GoesRoundThePagesOfItsClassOnly) {
  for (std::uint32_t page : {3U, 7U, 90U}) ASSERT_TRUE(engine_.slabs.adopt_page(page, 5, me_));
  ASSERT_TRUE(engine_.slabs.adopt_page(4, 6, me_));
  const ClockHand hand(engine_.view, 5);
  std::uint32_t page = 0;
  for (std::uint32_t expected : {3U, 7U, 90U, 3U}) {
    ASSERT_TRUE(hand.next_page(page));
    EXPECT_EQ(page, expected);
  }
}

TEST_F(ClockHandTest, AClassWithoutPagesHasNoNext) {
  std::uint32_t page = 0;
  EXPECT_FALSE(ClockHand(engine_.view, 5).next_page(page));
}

TEST_F(ClockHandTest, ADamagedPositionIsAPageAllTheSame) {
  const ClockHand hand(engine_.view, 5);
  hand.move_to({0xffffffffU, 0xffffffffU});
  EXPECT_LT(hand.position().page, engine_.view.geometry().page_count);
}

TEST_F(ClockHandTest, AgeIsTheTimeOfATurnAndGrowsWhileTheHandStands) {
  ASSERT_TRUE(engine_.slabs.adopt_page(3, 5, me_));
  ASSERT_TRUE(engine_.slabs.adopt_page(4, 5, me_));
  const ClockHand hand(engine_.view, 5);
  for (int i = 0; i < 40; ++i) {
    fake_now += 100;
    engine_.view.size_class(5).evictions.fetch_add(1);
    ASSERT_TRUE(hand.note_page_turn());
  }
  EXPECT_NEAR(static_cast<double>(hand.age_ms(fake_now)), 200, 20);  // two pages, 100 ms each
  EXPECT_NEAR(static_cast<double>(hand.age_ms(fake_now + 5000)), 10000, 20);
}

TEST_F(ClockHandTest, APageWithoutAnEvictionTellsNothing) {
  ASSERT_TRUE(engine_.slabs.adopt_page(3, 5, me_));
  const ClockHand hand(engine_.view, 5);
  EXPECT_FALSE(hand.note_page_turn());
  EXPECT_EQ(engine_.view.size_class(5).turn_ms.load(), 0U);
}

}  // namespace
}  // namespace carafe
