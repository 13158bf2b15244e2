// SPDX-License-Identifier: MIT
#include "stats/gauge.h"

#include <gtest/gtest.h>

namespace carafe {
namespace {

TEST(GaugeTest, AddsAndSubtractsWithinItsEpoch) {
  Atomic<std::uint64_t> gauge{0};
  Gauge::add(gauge, 1, 5);
  Gauge::add(gauge, 1, -8);
  EXPECT_EQ(Gauge::value_in(gauge.load(), 1), -3);
}

TEST(GaugeTest, AnotherEpochReadsZeroAndStartsFromZero) {
  Atomic<std::uint64_t> gauge{0};
  Gauge::add(gauge, 7, 100);
  EXPECT_EQ(Gauge::value_in(gauge.load(), 8), 0);
  Gauge::add(gauge, 8, 2);
  EXPECT_EQ(Gauge::value_in(gauge.load(), 8), 2);
}

TEST(GaugeTest, ALateChangeOfAnOlderEpochIsDropped) {
  Atomic<std::uint64_t> gauge{0};
  Gauge::add(gauge, 8, 2);
  Gauge::add(gauge, 7, 50);
  EXPECT_EQ(Gauge::value_in(gauge.load(), 8), 2);
}

TEST(GaugeTest, EpochsWrapAfterTwentyFourBits) {
  Atomic<std::uint64_t> gauge{0};
  Gauge::add(gauge, 0xffffff, 9);
  Gauge::add(gauge, 0x1000000, 1);
  EXPECT_EQ(Gauge::value_in(gauge.load(), 0x1000000), 1);
}

}  // namespace
}  // namespace carafe
