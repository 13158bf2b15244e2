// SPDX-License-Identifier: MIT
// Values past their time, answers that there is none, failures: who gets what, who computes, and what the plain verbs make of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/fake_clock.h"
#include "support/scratch.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

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

// --- stale values

TEST_F(FreshnessTest, OneRefreshesAStaleValueWhileTheOthersTakeItAsItIs) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  make_stale("key");
  LoadTicket refresher = cache_.try_load("key", options);
  ASSERT_TRUE(refresher.owns_lease());
  EXPECT_TRUE(refresher.has_value() && refresher.stale());
  EXPECT_EQ(refresher.value(), "old");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cache_.get_or_load("key", counted("mine"), options), "old");
    EXPECT_FALSE(cache_.get("key")) << "a plain get takes fresh values only";
  }
  const LoadTicket other = cache_.try_load("key", options);
  EXPECT_TRUE(other.has_value() && other.stale() && !other.owns_lease());
  EXPECT_EQ(computed_, 0);
  EXPECT_EQ(cache_.stats().stale_hits, 5U);
  EXPECT_EQ(cache_.stats().items, 1U);
  EXPECT_EQ(refresher.fill("new"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "new");
  EXPECT_EQ(cache_.get_or_load("key", counted("mine"), options), "new");
  EXPECT_EQ(cache_.remaining_ttl("key"), 1s);
  EXPECT_EQ(cache_.stats().items, 1U);
}

TEST_F(FreshnessTest, WhoeverFindsAStaleValueFirstComputesItsSuccessor) {
  make_stale("key");
  EXPECT_EQ(cache_.get_or_load("key", counted("new"), {.ttl = 1s, .stale_for = 10s}), "new");
  EXPECT_EQ(cache_.get("key"), "new");
  EXPECT_EQ(computed_, 1);
}

TEST_F(FreshnessTest, WhoDoesNotAcceptStaleValuesWaitsForTheNewOne) {
  make_stale("key");
  LoadTicket refresher = cache_.try_load("key", {.ttl = 1s, .stale_for = 10s});
  ASSERT_TRUE(refresher.owns_lease());
  std::thread filler([&] {
    while (cache_.stats().load_waits == 0) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(refresher.fill("new"), Status::kOk);
  });
  EXPECT_EQ(cache_.get_or_load("key", counted("mine")), "new");
  filler.join();
  EXPECT_EQ(computed_, 0);
}

TEST_F(FreshnessTest, ATicketOfWhoDoesNotAcceptStaleValuesHasNone) {
  make_stale("key");
  LoadTicket ticket = cache_.try_load("key");
  EXPECT_FALSE(ticket.has_value() || ticket.stale());
  EXPECT_EQ(ticket.value(), "");
  EXPECT_TRUE(ticket.owns_lease());
}

TEST_F(FreshnessTest, AfterTheHardEndThereIsNothing) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  make_stale("key");
  clock_.advance(9'999ms);
  EXPECT_TRUE(cache_.try_load("key", options).stale());
  clock_.advance(1ms);
  LoadTicket ticket = cache_.try_load("key", options);
  EXPECT_FALSE(ticket.has_value());
  ASSERT_TRUE(ticket.owns_lease());
  EXPECT_EQ(ticket.fill("new"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "new");
}

/// What is at its end is the first to be collected; the promise of its successor must not be collected with it.
TEST_F(FreshnessTest, TheLeaseOnWhatHasEndedIsNotCollectedAsWhatHasEnded) {
  make_stale("key", 1s);
  clock_.advance(1s);
  LoadTicket ticket = cache_.try_load("key", {.ttl = 1s, .stale_for = 1s});
  ASSERT_TRUE(ticket.owns_lease());
  for (int i = 0; cache_.stats().evictions == 0; ++i)
    ASSERT_EQ(cache_.set("filling" + std::to_string(i), std::string(30, 'x')), Status::kOk);
  EXPECT_EQ(ticket.fill("new"), Status::kOk);
}

TEST_F(FreshnessTest, AChangeMeanwhileKeepsTheRefreshedValueOut) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  const std::pair<const char*, std::function<void()>> changes[] = {
      {"erase", [&] { EXPECT_EQ(cache_.erase("key"), Status::kNotFound); }},
      {"set", [&] { EXPECT_EQ(cache_.set("key", "another's"), Status::kOk); }},
      {"add", [&] { EXPECT_EQ(cache_.add("key", "another's"), Status::kOk); }},
      {"increment", [&] { EXPECT_EQ(cache_.increment("key", 1, 41).value, 42); }},
      {"clear", [&] { cache_.clear(); }},
      {"erase_prefix", [&] { EXPECT_EQ(cache_.erase_prefix("k"), 0U); }},
  };
  for (const auto& [name, change] : changes) {
    static_cast<void>(cache_.erase("key"));
    make_stale("key");
    LoadTicket refresher = cache_.try_load("key", options);
    ASSERT_TRUE(refresher.owns_lease()) << name;
    change();
    EXPECT_EQ(refresher.fill("too late"), Status::kStale) << name;
    EXPECT_NE(cache_.get("key").value_or(""), "too late") << name;
  }
}

TEST_F(FreshnessTest, AnAbandonedRefreshIsTheNextOnes) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  make_stale("key");
  LoadTicket first = cache_.try_load("key", options);
  ASSERT_TRUE(first.owns_lease());
  first.abandon();
  LoadTicket second = cache_.try_load("key", options);
  EXPECT_TRUE(second.owns_lease() && second.stale());
  EXPECT_EQ(first.fill("late"), Status::kStale);
  LoadTicket moved = std::move(second);
  EXPECT_FALSE(second.owns_lease());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(moved.value(), "old");
  EXPECT_EQ(moved.fill("new", 60s), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), 60s);
}

TEST_F(FreshnessTest, AForkedChildDoesNotEndItsParentsRefresh) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  make_stale("key");
  LoadTicket refresher = cache_.try_load("key", options);
  ASSERT_TRUE(refresher.owns_lease());
  Child child = Child::fork([&] {
    CHILD_REQUIRE(refresher.fill("the child's") == Status::kStale);
    CHILD_REQUIRE(cache_.try_load("key", options).stale());
    CHILD_REQUIRE(!cache_.try_load("key", options).owns_lease());
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(refresher.fill("the parent's"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "the parent's");
}

TEST_F(FreshnessTest, ADeadRefreshersWorkIsTakenOver) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  make_stale("key");
  Child child = Child::fork([&] {
    const LoadTicket ticket = cache_.try_load("key", options);
    CHILD_REQUIRE(ticket.owns_lease());
    ::_exit(0);  // with it
    return 0;
  });
  ASSERT_EQ(child.wait(), 0);
  LoadTicket ticket = cache_.try_load("key", options);
  EXPECT_TRUE(ticket.owns_lease() && ticket.stale());
  EXPECT_EQ(cache_.stats().load_take_overs, 1U);
  EXPECT_EQ(ticket.fill("new"), Status::kOk);
}

TEST_F(FreshnessTest, CacheIfMayKeepTheOldValue) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s, .cache_if = [](std::string_view value) { return value != "partial"; }};
  make_stale("key");
  EXPECT_EQ(cache_.get_or_load("key", counted("partial"), options), "partial");
  const LoadTicket ticket = cache_.try_load("key", options);
  EXPECT_EQ(ticket.value(), "old");
  EXPECT_TRUE(ticket.owns_lease()) << "the refresh was not given back";
}

TEST_F(FreshnessTest, AThrowingPredicateGivesTheLeaseBack) {
  const LoadOptions options{.cache_if = [](std::string_view) -> bool { throw std::logic_error("predicate"); }};
  EXPECT_THROW((void)cache_.get_or_load("key", counted("value"), options), std::logic_error);
  EXPECT_TRUE(cache_.try_load("key").owns_lease());
}

TEST_F(FreshnessTest, StaleChainsAreWhole) {
  const std::string large(100'000, 'l');
  const LoadOptions options{.ttl = 1s, .stale_for = 10s, .tags = {"a", "b"}};
  ASSERT_EQ(cache_.get_or_load("key", counted(large), options), large);
  clock_.advance(2s);
  LoadTicket refresher = cache_.try_load("key", options);
  ASSERT_TRUE(refresher.owns_lease());
  EXPECT_EQ(refresher.value(), large);
  EXPECT_EQ(refresher.fill(large + "!"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), large + "!");
  ASSERT_EQ(cache_.touch("key", 3s), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), 3s);
  clock_.advance(4s);
  EXPECT_EQ(cache_.try_load("key", options).value(), large + "!");
}

// --- errors

TEST_F(FreshnessTest, AFailingLoaderIsAnsweredWithTheOldValue) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  make_stale("key");
  EXPECT_EQ(cache_.get_or_load("key", failing(), options), "old");
  EXPECT_EQ(computed_, 1);
  EXPECT_EQ(cache_.stats().failed_loads, 1U);
  EXPECT_EQ(cache_.get_or_load("key", counted("new"), options), "new") << "the refresh was not given back";
}

TEST_F(FreshnessTest, UnlessTheCallerWantsToKnow) {
  make_stale("key");
  EXPECT_THROW((void)cache_.get_or_load("key", failing(), {.ttl = 1s, .stale_for = 10s, .stale_if_error = false}), std::runtime_error);
  EXPECT_TRUE(cache_.try_load("key", {.stale_for = 10s}).stale());
}

TEST_F(FreshnessTest, AFailureIsRemembered) {
  const LoadOptions options{.error_ttl = 5s};
  EXPECT_THROW((void)cache_.get_or_load("key", failing(), options), std::runtime_error);
  EXPECT_THROW((void)cache_.get_or_load("key", counted("value"), options), LoadFailed);
  EXPECT_THROW((void)cache_.get_or_load("key", none(), options), LoadFailed);
  EXPECT_EQ(computed_, 1);
  EXPECT_FALSE(cache_.get("key") || cache_.contains("key") || cache_.remaining_ttl("key"));
  const LoadTicket ticket = cache_.try_load("key", options);
  EXPECT_FALSE(ticket.owns_lease() || ticket.has_value() || ticket.is_none());
  cache_.for_each([](std::string_view key, std::string_view) { ADD_FAILURE() << key; });
  clock_.advance(5s);
  EXPECT_EQ(cache_.get_or_load("key", counted("value"), options), "value");
}

TEST_F(FreshnessTest, WhoDoesNotAskForRememberedFailuresTriesAgain) {
  EXPECT_THROW((void)cache_.get_or_load("key", failing(), {.error_ttl = 5s}), std::runtime_error);
  EXPECT_EQ(cache_.get_or_load("key", counted("value")), "value");
  EXPECT_EQ(cache_.get_or_load("key", counted("again"), {.error_ttl = 5s}), "value");
}

TEST_F(FreshnessTest, AValueEndsARememberedFailure) {
  const LoadOptions options{.error_ttl = 5s};
  EXPECT_THROW((void)cache_.get_or_load("key", failing(), options), std::runtime_error);
  EXPECT_EQ(cache_.replace("key", "x"), Status::kNotFound);
  EXPECT_EQ(cache_.add("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.get_or_load("key", failing(), options), "value");
}

TEST_F(FreshnessTest, WhoWaitedForAFailureHearsOfIt) {
  LoadTicket owner = cache_.try_load("key");
  std::thread fails([&] {
    while (cache_.stats().load_waits == 0) std::this_thread::sleep_for(1ms);
    owner.abandon();
  });
  EXPECT_THROW((void)cache_.get_or_load("key", failing(), {.error_ttl = 5s}), std::runtime_error);
  fails.join();
  EXPECT_THROW((void)cache_.get_or_load("key", failing(), {.error_ttl = 5s}), LoadFailed);
  EXPECT_EQ(computed_, 1);
}

// --- none

TEST_F(FreshnessTest, ThatThereIsNoneIsAnAnswer) {
  const LoadOptions options{.negative_ttl = 5s};
  EXPECT_FALSE(cache_.get_or_load("key", none(), options));
  EXPECT_FALSE(cache_.get_or_load("key", none(), options));
  EXPECT_EQ(computed_, 1);
  EXPECT_EQ(cache_.stats().none_hits, 1U);
  const LoadTicket ticket = cache_.try_load("key");
  EXPECT_TRUE(ticket.is_none() && !ticket.has_value() && !ticket.owns_lease());
  EXPECT_FALSE(cache_.get("key"));
  const Stats stats = cache_.stats();
  EXPECT_EQ(stats.none_hits, 3U);
  EXPECT_EQ(stats.hits, 3U);
  EXPECT_EQ(stats.misses, 1U);
  clock_.advance(5s);
  EXPECT_FALSE(cache_.get_or_load("key", none(), options));
  EXPECT_EQ(computed_, 2);
}

TEST_F(FreshnessTest, NoneIsAMissForWhoseLoaderAlwaysHasAValue) {
  make_none("key");
  EXPECT_EQ(cache_.get_or_load("key", counted("value")), "value");
  EXPECT_EQ(cache_.get("key"), "value");
}

TEST_F(FreshnessTest, AnOptionalLoaderMayHaveAValue) {
  EXPECT_EQ(cache_.get_or_load("key", []() -> std::optional<const char*> { return "value"; }, {.negative_ttl = 5s}), "value");
  EXPECT_EQ(cache_.get_or_load("key", none(), {.negative_ttl = 5s}), "value");
  EXPECT_EQ(computed_, 0);
}

TEST_F(FreshnessTest, WithoutATimeForItNoneIsNotKept) {
  EXPECT_FALSE(cache_.get_or_load("key", none()));
  EXPECT_FALSE(cache_.get_or_load("key", none()));
  EXPECT_EQ(computed_, 2);
  EXPECT_FALSE(cache_.try_load("key").is_none());
}

TEST_F(FreshnessTest, NoneWithoutATimeForItTakesTheOldValueAway) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  make_stale("key");
  EXPECT_FALSE(cache_.get_or_load("key", none(), options));
  EXPECT_FALSE(cache_.try_load("key", options).has_value());
  EXPECT_EQ(cache_.stats().items, 0U);
}

TEST_F(FreshnessTest, NoneReplacesAStaleValue) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s, .negative_ttl = 5s};
  make_stale("key");
  EXPECT_FALSE(cache_.get_or_load("key", none(), options));
  EXPECT_TRUE(cache_.try_load("key", options).is_none());
  EXPECT_EQ(computed_, 1);
}

TEST_F(FreshnessTest, ATicketMayBeFilledWithNone) {
  LoadTicket ticket = cache_.try_load("key");
  EXPECT_EQ(ticket.fill_none(5s), Status::kOk);
  EXPECT_EQ(ticket.fill_none(5s), Status::kStale);
  EXPECT_TRUE(cache_.try_load("key").is_none());
  make_stale("other");
  LoadTicket refresher = cache_.try_load("other", {.stale_for = 10s});
  ASSERT_TRUE(refresher.owns_lease());
  EXPECT_EQ(refresher.fill_none(0ms), Status::kOk);  // expired at once: nothing is there
  EXPECT_FALSE(cache_.try_load("other", {.stale_for = 10s}).has_value());
}

/// For all verbs but the loading ones neither a stale value nor a none is a value.
TEST_F(FreshnessTest, PlainVerbsSeeNoValue) {
  const std::pair<const char*, std::function<void(std::string_view)>> makers[] = {
      {"stale", [&](std::string_view key) { make_stale(key); }},
      {"none", [&](std::string_view key) { make_none(key); }},
      {"failed",
       [&](std::string_view key) { EXPECT_THROW((void)cache_.get_or_load(key, failing(), {.error_ttl = 5s}), std::runtime_error); }},
  };
  for (const auto& [name, make] : makers) {
    SCOPED_TRACE(name);
    static_cast<void>(cache_.erase_prefix(""));
    make("key");
    EXPECT_FALSE(cache_.get("key") || cache_.contains("key") || cache_.get_versioned("key") || cache_.remaining_ttl("key"));
    const std::string_view keys[] = {"key"};
    EXPECT_FALSE(cache_.get_many(keys)[0]);
    EXPECT_EQ(cache_.touch("key", 60s), Status::kNotFound);
    EXPECT_EQ(cache_.replace("key", "x"), Status::kNotFound);
    EXPECT_EQ(cache_.compare_and_set("key", 1, "x"), Status::kNotFound);
    cache_.for_each([](std::string_view key, std::string_view) { ADD_FAILURE() << key; });
    EXPECT_EQ(cache_.add("key", "added"), Status::kOk);
    EXPECT_EQ(cache_.get("key"), "added");
    EXPECT_EQ(cache_.remaining_ttl("key"), kForever);
    make("number");
    EXPECT_EQ(cache_.increment("number", 1, 41, 7s).value, 42);
    EXPECT_EQ(cache_.remaining_ttl("number"), 7s);
    make("erased");
    EXPECT_EQ(cache_.erase("erased"), Status::kNotFound);
    EXPECT_FALSE(cache_.try_load("erased", {.stale_for = 10s}).has_value());
    EXPECT_EQ(cache_.stats().items, 2U);
  }
}

/// A stale value's version is not one that compare_and_set takes.
TEST_F(FreshnessTest, AVersionEndsWithTheTimeToLive) {
  ASSERT_EQ(cache_.get_or_load("key", counted("old"), {.ttl = 1s, .stale_for = 10s}), "old");
  const auto versioned = cache_.get_versioned("key");
  ASSERT_TRUE(versioned);
  clock_.advance(1s);
  EXPECT_EQ(cache_.compare_and_set("key", versioned->version, "x"), Status::kNotFound);
}

TEST_F(FreshnessTest, TouchMovesBothEnds) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  ASSERT_EQ(cache_.get_or_load("key", counted("old"), options), "old");
  ASSERT_EQ(cache_.touch("key", 5s), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), 5s);
  clock_.advance(14s);
  EXPECT_FALSE(cache_.contains("key"));
  EXPECT_TRUE(cache_.try_load("key", options).stale());
  clock_.advance(1s);
  EXPECT_FALSE(cache_.try_load("key", options).has_value());
  ASSERT_EQ(cache_.get_or_load("other", counted("old"), options), "old");
  ASSERT_EQ(cache_.touch("other", kForever), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("other"), kForever);
  clock_.advance(std::chrono::hours(24 * 365));
  EXPECT_EQ(cache_.get_or_load("other", counted("new"), options), "old");
  ASSERT_EQ(cache_.touch("other", 5s), Status::kOk);
  clock_.advance(5s);
  EXPECT_FALSE(cache_.get("other"));
}

TEST_F(FreshnessTest, ACounterKeepsItsEnds) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  ASSERT_EQ(cache_.get_or_load("key", counted("41"), options), "41");
  EXPECT_EQ(cache_.increment("key", 1).value, 42);
  EXPECT_EQ(cache_.remaining_ttl("key"), 1s);
  clock_.advance(2s);
  LoadTicket ticket = cache_.try_load("key", options);
  EXPECT_TRUE(ticket.stale());
  EXPECT_EQ(ticket.value(), "42");
  EXPECT_EQ(ticket.fill("50"), Status::kOk);
}

/// Who refreshes a counter must not overwrite what was counted meanwhile.
TEST_F(FreshnessTest, AnIncrementKeepsTheRefreshOfAFreshValueOut) {
  const LoadOptions options{.ttl = 10s, .stale_for = 10s, .refresh_ahead = RefreshAhead::at(0.5)};
  ASSERT_EQ(cache_.get_or_load("key", counted("41"), options), "41");
  clock_.advance(6s);
  LoadTicket refresher = cache_.try_load("key", options);
  ASSERT_TRUE(refresher.owns_lease() && refresher.has_value() && !refresher.stale());
  EXPECT_EQ(cache_.increment("key", 1).value, 42);
  EXPECT_EQ(refresher.fill("41"), Status::kStale);
  EXPECT_EQ(cache_.get("key"), "42");
  EXPECT_TRUE(cache_.try_load("key", options).owns_lease());
}

// --- refresh ahead

TEST_F(FreshnessTest, OnceItsShareIsOverAFreshValueIsRefreshedByOne) {
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

TEST_F(FreshnessTest, WhatWasStoredWithoutTheMeansIsNotRefreshedAhead) {
  ASSERT_EQ(cache_.set("key", "plain", 10s), Status::kOk);
  clock_.advance(9s);
  EXPECT_EQ(cache_.get_or_load("key", counted("new"), {.ttl = 10s, .refresh_ahead = RefreshAhead::at(0.5)}), "plain");
  EXPECT_EQ(cache_.get_or_load("key", counted("new"), {.ttl = 10s, .refresh_ahead = RefreshAhead::xfetch(1000)}), "plain");
}

/// The chance is exp(-left / (beta * cost)), with get_or_load and with try_load.
TEST_F(FreshnessTest, XFetchRefreshesAsOftenAsItShould) {
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

TEST_F(FreshnessTest, JitterShortensTheTimeToLiveAndNotTheGrace) {
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

TEST_F(FreshnessTest, TimesBeyondAllBoundsAreBounded) {
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

// --- who may only look

TEST(FreshnessLifecycleTest, WhoMayOnlyLookTakesWhatIsFresh) {
  const ScratchName name("freshness");
  FakeClock clock;
  Cache cache = Cache::create(name, with_capacity(kMiB));
  const LoadOptions options{.ttl = 10s, .stale_for = 10s, .refresh_ahead = RefreshAhead::at(0.5)};
  ASSERT_EQ(cache.get_or_load(
                "key", [] { return "value"; }, options),
            "value");
  ASSERT_FALSE(cache.get_or_load("none", []() -> std::optional<std::string> { return std::nullopt; }, {.negative_ttl = 60s}));
  Cache looker = Cache::open_read_only(name);
  clock.advance(6s);
  EXPECT_EQ(looker.get_or_load(
                "key", [] { return "mine"; }, options),
            "value");
  EXPECT_FALSE(looker.get_or_load("none", []() -> std::optional<std::string> { return "mine"; }));
  clock.advance(6s);
  EXPECT_TRUE(looker.try_load("key", options).stale());
  EXPECT_FALSE(looker.try_load("key", options).owns_lease());
}

}  // namespace
}  // namespace carafe::test
