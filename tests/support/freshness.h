// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "carafe/carafe.h"
#include "support/fake_clock.h"
#include "support/scratch.h"

namespace carafe::test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// A cache whose clock stands still, and loaders that are counted.
class FreshnessTest : public ::testing::Test {
 protected:
  ~FreshnessTest() override {
    const VerifyReport report = cache_.verify();
    for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
    const Stats stats = cache_.stats();
    EXPECT_LE(stats.stale_hits, stats.hits);
    EXPECT_LE(stats.none_hits, stats.hits);
    EXPECT_EQ(stats.gets, stats.hits + stats.misses);
  }
  [[nodiscard]] std::function<std::string()> counted(std::string value) {
    return [this, value = std::move(value)] {
      ++computed_;
      return value;
    };
  }
  /// A loader that finds nothing.
  [[nodiscard]] std::function<std::optional<std::string>()> none() {
    return [this]() -> std::optional<std::string> {
      ++computed_;
      return std::nullopt;
    };
  }
  /// One that fails.
  [[nodiscard]] std::function<std::string()> failing() {
    return [this]() -> std::string {
      ++computed_;
      throw std::runtime_error("no database");
    };
  }
  /// Leaves a value that is past its time to live for `hard` yet.
  void make_stale(std::string_view key, milliseconds hard = 10s) {
    ASSERT_EQ(cache_.get_or_load(key, [] { return "old"; }, {.ttl = 1s, .stale_for = hard}), "old");
    clock_.advance(1s);
    ASSERT_FALSE(cache_.get(key));
  }
  void make_none(std::string_view key) {
    ASSERT_FALSE(cache_.get_or_load(key, []() -> std::optional<std::string> { return std::nullopt; }, {.negative_ttl = 5s}));
  }

  FakeClock clock_;
  Cache cache_ = Cache::create_anonymous(with_capacity(kMiB));
  int computed_ = 0;
};

}  // namespace carafe::test
