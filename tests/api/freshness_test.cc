// SPDX-License-Identifier: MIT
// Values past their time: who gets the old one, who computes the new one, who may only look.
#include "support/freshness.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "carafe/carafe.h"
#include "support/child.h"

namespace carafe::test {
namespace {

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
