// SPDX-License-Identifier: MIT
// Values that are computed anew before their time is over; jitter; times beyond all bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "carafe/carafe.h"
#include "support/freshness.h"

namespace carafe::test {
namespace {

class RefreshAheadTest : public FreshnessTest {};

// --- refresh ahead

TEST_F(RefreshAheadTest, OnceItsShareIsOverAFreshValueIsRefreshedByOne) {
  const LoadOptions options{.ttl = 10s, .refresh_ahead = RefreshAhead::at(0.8)};
  ASSERT_EQ(cache_.get_or_load("key", counted("old"), options), "old");
  clock_.advance(7'990ms);
  EXPECT_EQ(cache_.get_or_load("key", counted("new"), options), "old");
  clock_.advance(20ms);
  LoadTicket refresher = cache_.try_load("key", options);
  ASSERT_TRUE(refresher.owns_lease());
  EXPECT_TRUE(refresher.has_value() && !refresher.stale());
  EXPECT_EQ(cache_.get_or_load("key", counted("another"), options), "old");
  EXPECT_EQ(cache_.get("key"), "old") << "a value that is refreshed ahead is a value";
  EXPECT_EQ(computed_, 1);
  refresher.abandon();
  EXPECT_EQ(cache_.get_or_load("key", failing(), options), "old") << "fresh still";
  EXPECT_EQ(cache_.get_or_load("key", counted("new"), options), "new");
  EXPECT_EQ(cache_.remaining_ttl("key"), 10s);
  const Stats stats = cache_.stats();
  EXPECT_EQ(stats.stale_hits, 0U);
  EXPECT_EQ(stats.lone_loads, 0U);
  EXPECT_EQ(stats.hits, 6U);
  EXPECT_EQ(stats.misses, 1U);
}

TEST_F(RefreshAheadTest, WhatWasStoredWithoutTheMeansIsNotRefreshedAhead) {
  ASSERT_EQ(cache_.set("key", "plain", 10s), Status::kOk);
  clock_.advance(9s);
  EXPECT_EQ(cache_.get_or_load("key", counted("new"), {.ttl = 10s, .refresh_ahead = RefreshAhead::at(0.5)}), "plain");
  EXPECT_EQ(cache_.get_or_load("key", counted("new"), {.ttl = 10s, .refresh_ahead = RefreshAhead::xfetch(1000)}), "plain");
}

/// The chance is exp(-left / (beta * cost)), with get_or_load and with try_load.
TEST_F(RefreshAheadTest, XFetchRefreshesAsOftenAsItShould) {
  const LoadOptions options{.ttl = 10s, .refresh_ahead = RefreshAhead::xfetch()};
  const auto load = [&] {
    return cache_.get_or_load(
        "key",
        [&] {
          clock_.advance(1s);  // what it costs
          return "value";
        },
        options);
  };
  ASSERT_EQ(load(), "value");
  clock_.advance(9s);  // as far from its end as it costs: e^-1
  constexpr int kTries = 4'000;
  int by_ticket = 0;
  for (int i = 0; i < kTries; ++i) by_ticket += cache_.try_load("key", options).owns_lease() ? 1 : 0;
  int by_load = 0;
  const LoadOptions looking{.ttl = 10s, .refresh_ahead = RefreshAhead::xfetch(), .cache_if = [](std::string_view) { return false; }};
  for (int i = 0; i < kTries; ++i)
    static_cast<void>(cache_.get_or_load(
        "key", [&] { return ++by_load, "value"; }, looking));
  EXPECT_NEAR(by_ticket, kTries * 0.368, kTries * 0.04);
  EXPECT_NEAR(by_load, kTries * 0.368, kTries * 0.04);
  clock_.advance(-9s);  // at the beginning of its life hardly ever: e^-10
  int early = 0;
  for (int i = 0; i < kTries; ++i) early += cache_.try_load("key", options).owns_lease() ? 1 : 0;
  EXPECT_LE(early, 5);
}

TEST_F(RefreshAheadTest, JitterShortensTheTimeToLiveAndNotTheGrace) {
  const LoadOptions options{.ttl = 100s, .stale_for = 50s, .jitter = 1};
  milliseconds least = kForever;
  milliseconds most = 0ms;
  for (int i = 0; i < 200; ++i) {
    const std::string key = "key" + std::to_string(i);
    static_cast<void>(cache_.get_or_load(key, counted("value"), options));
    const auto left = cache_.remaining_ttl(key);
    ASSERT_TRUE(left);
    least = std::min(least, *left);
    most = std::max(most, *left);
  }
  EXPECT_GE(least, 1ms);
  EXPECT_LE(most, 100s);
  EXPECT_LT(least, 20s);
  EXPECT_GT(most, 80s);
  static_cast<void>(cache_.get_or_load("wild", counted("value"), {.ttl = 100s, .jitter = 1e9}));
  EXPECT_GE(cache_.remaining_ttl("wild"), 1ms);
  static_cast<void>(cache_.get_or_load("negative", counted("value"), {.ttl = 100s, .jitter = -3}));
  EXPECT_EQ(cache_.remaining_ttl("negative"), 100s);
  static_cast<void>(cache_.get_or_load("forever", counted("value"), {.stale_for = 1s, .jitter = 0.5}));
  EXPECT_EQ(cache_.remaining_ttl("forever"), kForever);
}

TEST_F(RefreshAheadTest, TimesBeyondAllBoundsAreBounded) {
  const milliseconds longest = kForever - 1ms;
  EXPECT_EQ(cache_.get_or_load("a", counted("value"), {.ttl = longest, .stale_for = longest}), "value");
  EXPECT_EQ(cache_.get("a"), "value");
  EXPECT_EQ(cache_.get_or_load("b", counted("value"), {.ttl = 1s, .stale_for = kForever}), "value");
  EXPECT_EQ(cache_.get_or_load("c", counted("value"), {.ttl = 1s, .stale_for = -5s}), "value");
  clock_.advance(1s);
  EXPECT_TRUE(cache_.try_load("b", {.stale_for = 1s}).stale());
  EXPECT_FALSE(cache_.try_load("c", {.stale_for = 1s}).stale());
  EXPECT_EQ(cache_.get_or_load("d", counted("value"), {.ttl = 0s, .stale_for = 10s}), "value");
  EXPECT_FALSE(cache_.try_load("d", {.stale_for = 10s}).has_value());
}

}  // namespace
}  // namespace carafe::test
