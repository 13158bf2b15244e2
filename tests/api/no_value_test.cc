// SPDX-License-Identifier: MIT
// Answers that there is none, failures, and what the plain verbs make of them and of values past their time.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "carafe/carafe.h"
#include "support/freshness.h"

namespace carafe::test {
namespace {

class NoValueTest : public FreshnessTest {};

// --- errors

TEST_F(NoValueTest, AFailingLoaderIsAnsweredWithTheOldValue) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  make_stale("key");
  EXPECT_EQ(cache_.get_or_load("key", failing(), options), "old");
  EXPECT_EQ(computed_, 1);
  EXPECT_EQ(cache_.stats().failed_loads, 1U);
  EXPECT_EQ(cache_.get_or_load("key", counted("new"), options), "new") << "the refresh was not given back";
}

TEST_F(NoValueTest, UnlessTheCallerWantsToKnow) {
  make_stale("key");
  EXPECT_THROW((void)cache_.get_or_load("key", failing(), {.ttl = 1s, .stale_for = 10s, .stale_if_error = false}), std::runtime_error);
  EXPECT_TRUE(cache_.try_load("key", {.stale_for = 10s}).stale());
}

TEST_F(NoValueTest, AFailureIsRemembered) {
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

TEST_F(NoValueTest, WhoDoesNotAskForRememberedFailuresTriesAgain) {
  EXPECT_THROW((void)cache_.get_or_load("key", failing(), {.error_ttl = 5s}), std::runtime_error);
  EXPECT_EQ(cache_.get_or_load("key", counted("value")), "value");
  EXPECT_EQ(cache_.get_or_load("key", counted("again"), {.error_ttl = 5s}), "value");
}

TEST_F(NoValueTest, AValueEndsARememberedFailure) {
  const LoadOptions options{.error_ttl = 5s};
  EXPECT_THROW((void)cache_.get_or_load("key", failing(), options), std::runtime_error);
  EXPECT_EQ(cache_.replace("key", "x"), Status::kNotFound);
  EXPECT_EQ(cache_.add("key", "value"), Status::kOk);
  EXPECT_EQ(cache_.get_or_load("key", failing(), options), "value");
}

TEST_F(NoValueTest, WhoWaitedForAFailureHearsOfIt) {
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

TEST_F(NoValueTest, ThatThereIsNoneIsAnAnswer) {
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

TEST_F(NoValueTest, NoneIsAMissForWhoseLoaderAlwaysHasAValue) {
  make_none("key");
  EXPECT_EQ(cache_.get_or_load("key", counted("value")), "value");
  EXPECT_EQ(cache_.get("key"), "value");
}

TEST_F(NoValueTest, AnOptionalLoaderMayHaveAValue) {
  EXPECT_EQ(cache_.get_or_load("key", []() -> std::optional<const char*> { return "value"; }, {.negative_ttl = 5s}), "value");
  EXPECT_EQ(cache_.get_or_load("key", none(), {.negative_ttl = 5s}), "value");
  EXPECT_EQ(computed_, 0);
}

TEST_F(NoValueTest, WithoutATimeForItNoneIsNotKept) {
  EXPECT_FALSE(cache_.get_or_load("key", none()));
  EXPECT_FALSE(cache_.get_or_load("key", none()));
  EXPECT_EQ(computed_, 2);
  EXPECT_FALSE(cache_.try_load("key").is_none());
}

TEST_F(NoValueTest, NoneWithoutATimeForItTakesTheOldValueAway) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s};
  make_stale("key");
  EXPECT_FALSE(cache_.get_or_load("key", none(), options));
  EXPECT_FALSE(cache_.try_load("key", options).has_value());
  EXPECT_EQ(cache_.stats().items, 0U);
}

TEST_F(NoValueTest, NoneReplacesAStaleValue) {
  const LoadOptions options{.ttl = 1s, .stale_for = 10s, .negative_ttl = 5s};
  make_stale("key");
  EXPECT_FALSE(cache_.get_or_load("key", none(), options));
  EXPECT_TRUE(cache_.try_load("key", options).is_none());
  EXPECT_EQ(computed_, 1);
}

TEST_F(NoValueTest, ATicketMayBeFilledWithNone) {
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
TEST_F(NoValueTest, PlainVerbsSeeNoValue) {
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
TEST_F(NoValueTest, AVersionEndsWithTheTimeToLive) {
  ASSERT_EQ(cache_.get_or_load("key", counted("old"), {.ttl = 1s, .stale_for = 10s}), "old");
  const auto versioned = cache_.get_versioned("key");
  ASSERT_TRUE(versioned);
  clock_.advance(1s);
  EXPECT_EQ(cache_.compare_and_set("key", versioned->version, "x"), Status::kNotFound);
}

TEST_F(NoValueTest, TouchMovesBothEnds) {
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

TEST_F(NoValueTest, ACounterKeepsItsEnds) {
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
TEST_F(NoValueTest, AnIncrementKeepsTheRefreshOfAFreshValueOut) {
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

}  // namespace
}  // namespace carafe::test
