// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "carafe/carafe.h"
#include "support/scratch.h"

namespace carafe::test {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

class IncrementTest : public ::testing::Test {
 protected:
  Cache cache_ = Cache::create_anonymous(with_capacity(2 * kMiB));
};

void expect_counter(const Counter& counter, Status status, std::int64_t value) {
  EXPECT_EQ(counter.status, status) << to_string(counter.status);
  EXPECT_EQ(counter.value, value);
}

TEST_F(IncrementTest, AnAbsentCounterBecomesInitialPlusDelta) {
  expect_counter(cache_.increment("default", 5), Status::kOk, 5);
  expect_counter(cache_.increment("counter", -2, 10), Status::kOk, 8);
  EXPECT_EQ(cache_.get("counter"), "8");
}

TEST_F(IncrementTest, AnExistingCounterIgnoresInitial) {
  expect_counter(cache_.increment("counter", 1, 100), Status::kOk, 101);
  expect_counter(cache_.increment("counter", 1, 100), Status::kOk, 102);
}

TEST_F(IncrementTest, DeltaMayBeNegativeOrZero) {
  expect_counter(cache_.increment("counter", -7), Status::kOk, -7);
  expect_counter(cache_.increment("counter", 0), Status::kOk, -7);
  expect_counter(cache_.increment("counter", 10), Status::kOk, 3);
  EXPECT_EQ(cache_.get("counter"), "3");
}

TEST_F(IncrementTest, GetReadsACounterAsDecimalText) {
  expect_counter(cache_.increment("counter", kMost), Status::kOk, kMost);
  EXPECT_EQ(cache_.get("counter"), "9223372036854775807");
  expect_counter(cache_.increment("low", kLeast), Status::kOk, kLeast);
  EXPECT_EQ(cache_.get("low"), "-9223372036854775808");
  expect_counter(cache_.increment("low", 1), Status::kOk, kLeast + 1);
}

TEST_F(IncrementTest, ADecimalTextValueIsACounter) {
  ASSERT_EQ(cache_.set("text", "41"), Status::kOk);
  expect_counter(cache_.increment("text", 1), Status::kOk, 42);
  ASSERT_EQ(cache_.set("text", "-3"), Status::kOk);
  expect_counter(cache_.increment("text", -1), Status::kOk, -4);
  ASSERT_EQ(cache_.set("text", "0"), Status::kOk);
  expect_counter(cache_.increment("text", 0), Status::kOk, 0);
  ASSERT_EQ(cache_.set("text", "-9223372036854775808"), Status::kOk);
  expect_counter(cache_.increment("text", kMost), Status::kOk, -1);
}

TEST_F(IncrementTest, TheTextGrowsAndShrinksWithTheNumber) {
  expect_counter(cache_.increment("counter", 9), Status::kOk, 9);
  expect_counter(cache_.increment("counter", 1), Status::kOk, 10);
  EXPECT_EQ(cache_.get("counter"), "10");
  expect_counter(cache_.increment("counter", 1'000'000'000'000'000'000), Status::kOk, 1'000'000'000'000'000'010);
  EXPECT_EQ(cache_.get("counter"), "1000000000000000010");
  expect_counter(cache_.increment("counter", -1'000'000'000'000'000'011), Status::kOk, -1);
  EXPECT_EQ(cache_.get("counter"), "-1");
}

TEST_F(IncrementTest, WhatIsNotANumberStaysAsItIs) {
  const std::string texts[] = {"",
                               "abc",
                               "12x",
                               " 12",
                               "12 ",
                               "1.5",
                               "0x10",
                               "-",
                               "--1",
                               "1e3",
                               std::string("1\0", 2),
                               "9223372036854775808",
                               "-9223372036854775809",
                               "99999999999999999999999999",
                               std::string(1000, '1'),
                               std::string(100'000, '1')};
  for (const std::string& text : texts) {
    ASSERT_EQ(cache_.set("text", text), Status::kOk);
    EXPECT_EQ(cache_.increment("text", 1).status, Status::kNotANumber) << '"' << text.substr(0, 40) << '"';
    EXPECT_EQ(cache_.get("text"), text) << '"' << text.substr(0, 40) << '"';
  }
}

TEST_F(IncrementTest, ASumThatOverflowsChangesNothingAndTellsTheOldValue) {
  expect_counter(cache_.increment("high", kMost), Status::kOk, kMost);
  expect_counter(cache_.increment("high", 1), Status::kNotANumber, kMost);
  expect_counter(cache_.increment("high", kMost), Status::kNotANumber, kMost);
  EXPECT_EQ(cache_.get("high"), "9223372036854775807");
  expect_counter(cache_.increment("low", kLeast), Status::kOk, kLeast);
  expect_counter(cache_.increment("low", -1), Status::kNotANumber, kLeast);
  expect_counter(cache_.increment("low", kLeast), Status::kNotANumber, kLeast);
  EXPECT_EQ(cache_.get("low"), "-9223372036854775808");
}

TEST_F(IncrementTest, AnInitialThatOverflowsStoresNothing) {
  EXPECT_EQ(cache_.increment("counter", 1, kMost).status, Status::kNotANumber);
  EXPECT_EQ(cache_.increment("counter", -1, kLeast).status, Status::kNotANumber);
  EXPECT_EQ(cache_.get("counter"), std::nullopt);
}

TEST_F(IncrementTest, AnErasedCounterStartsAgain) {
  expect_counter(cache_.increment("counter", 5), Status::kOk, 5);
  ASSERT_EQ(cache_.erase("counter"), Status::kOk);
  expect_counter(cache_.increment("counter", 1, 50), Status::kOk, 51);
}

TEST_F(IncrementTest, AThousandCountersAreExact) {
  for (int round = 1; round <= 20; ++round) {
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(cache_.increment("counter" + std::to_string(i), i).value, round * i);
  }
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(cache_.get("counter" + std::to_string(i)), std::to_string(20 * i));
  EXPECT_EQ(cache_.stats().items, 1000U);
  EXPECT_TRUE(cache_.verify().ok);
}

TEST_F(IncrementTest, CountsAsASet) {
  const std::uint64_t before = cache_.stats().sets;
  ASSERT_EQ(cache_.increment("counter", 1).status, Status::kOk);
  ASSERT_EQ(cache_.increment("counter", 1).status, Status::kOk);
  EXPECT_EQ(cache_.stats().sets, before + 2);
}

}  // namespace
}  // namespace carafe::test
