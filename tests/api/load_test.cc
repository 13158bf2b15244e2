// SPDX-License-Identifier: MIT
// get_or_load and try_load within one process: what is stored, what is kept out, and what others see meanwhile.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "carafe/carafe.h"
#include "support/fake_clock.h"
#include "support/scratch.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

class LoadTest : public ::testing::Test {
 protected:
  ~LoadTest() override {
    const VerifyReport report = cache_.verify();
    for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
  }
  [[nodiscard]] std::function<std::string()> counted(std::string value) {
    return [this, value = std::move(value)] {
      ++computed_;
      return value;
    };
  }

  Cache cache_ = Cache::create_anonymous(with_capacity(kMiB));
  int computed_ = 0;
};

TEST_F(LoadTest, ComputesOnceAndThenHits) {
  EXPECT_EQ(cache_.get_or_load("page", counted("rendered")), "rendered");
  EXPECT_EQ(cache_.get_or_load("page", counted("again")), "rendered");
  EXPECT_EQ(computed_, 1);
  const Stats stats = cache_.stats();
  EXPECT_EQ(stats.hits, 1U);
  EXPECT_EQ(stats.misses, 1U);
  EXPECT_EQ(stats.loads, 1U);
  EXPECT_EQ(stats.items, 1U);
}

TEST_F(LoadTest, EmptyAndLongValuesAreValues) {
  EXPECT_EQ(cache_.get_or_load("empty", counted("")), "");
  EXPECT_EQ(cache_.get_or_load("empty", counted("x")), "");
  const std::string large(100'000, 'l');
  EXPECT_EQ(cache_.get_or_load("long", counted(large)), large);
  EXPECT_EQ(cache_.get_or_load("long", counted("x")), large);
  EXPECT_EQ(computed_, 2);
}

TEST_F(LoadTest, WhatALoaderThrowsComesThroughAndIsNotStored) {
  EXPECT_THROW((void)cache_.get_or_load("key", []() -> std::string { throw std::runtime_error("no database"); }), std::runtime_error);
  EXPECT_FALSE(cache_.get("key"));
  EXPECT_EQ(cache_.get_or_load("key", counted("value")), "value");
  EXPECT_EQ(cache_.stats().lone_loads, 0U) << "the lease was not given back";
}

TEST_F(LoadTest, ItsTimeToLiveIsKept) {
  FakeClock clock;
  EXPECT_EQ(cache_.get_or_load("key", counted("value"), {.ttl = 10s}), "value");
  clock.advance(9s);
  EXPECT_TRUE(cache_.contains("key"));
  clock.advance(2s);
  EXPECT_EQ(cache_.get_or_load("key", counted("value"), {.ttl = 0s}), "value");  // expired at once
  EXPECT_FALSE(cache_.contains("key"));
  EXPECT_EQ(cache_.get_or_load("key", counted("value")), "value");
  EXPECT_EQ(computed_, 3);
}

TEST_F(LoadTest, JitterShortensByAShareAtMost) {
  FakeClock clock;
  std::chrono::milliseconds least = kForever;
  std::chrono::milliseconds most = 0ms;
  for (int i = 0; i < 200; ++i) {
    const std::string key = "key" + std::to_string(i);
    static_cast<void>(cache_.get_or_load(key, counted("value"), {.ttl = 1000s, .jitter = 0.2}));
    const auto left = cache_.remaining_ttl(key);
    ASSERT_TRUE(left);
    least = std::min(least, *left);
    most = std::max(most, *left);
  }
  EXPECT_GE(least, 800s);
  EXPECT_LE(most, 1000s);
  EXPECT_GT(most - least, 100s) << "all the same: no jitter";
}

TEST_F(LoadTest, CacheIfDecidesWhatIsStored) {
  const LoadOptions options{.cache_if = [](std::string_view value) { return value != "partial"; }};
  EXPECT_EQ(cache_.get_or_load("key", counted("partial"), options), "partial");
  EXPECT_FALSE(cache_.get("key"));
  EXPECT_EQ(cache_.get_or_load("key", counted("whole"), options), "whole");
  EXPECT_EQ(cache_.get("key"), "whole");
}

TEST_F(LoadTest, LoadersMayLoadOtherKeys) {
  const auto deep = [&](const auto& self, int level) -> std::string {
    return cache_.get_or_load("level" + std::to_string(level),
                              [&] { return level == 0 ? std::string("bottom") : self(self, level - 1) + "."; });
  };
  EXPECT_EQ(deep(deep, 100), "bottom" + std::string(100, '.'));  // more than there are stripes: some are shared
}

TEST_F(LoadTest, ALoaderThatLoadsItsOwnKeyEndsByItself) {
  const auto start = std::chrono::steady_clock::now();
  const std::string value =
      cache_.get_or_load("key", [&] { return "outer " + cache_.get_or_load("key", counted("inner"), {.max_wait = 100ms}); });
  EXPECT_EQ(value, "outer inner");
  EXPECT_EQ(cache_.get("key"), "outer inner");
  EXPECT_GE(std::chrono::steady_clock::now() - start, 90ms);
  EXPECT_EQ(cache_.stats().lone_loads, 1U);
}

TEST_F(LoadTest, ALeaseIsNoValueToAnybody) {
  LoadTicket ticket = cache_.try_load("key");
  ASSERT_TRUE(ticket.owns_lease());
  EXPECT_FALSE(cache_.get("key"));
  EXPECT_FALSE(cache_.contains("key"));
  EXPECT_FALSE(cache_.get_versioned("key"));
  EXPECT_FALSE(cache_.remaining_ttl("key"));
  EXPECT_EQ(cache_.replace("key", "x"), Status::kNotFound);
  EXPECT_EQ(cache_.touch("key", 5s), Status::kNotFound);
  EXPECT_EQ(cache_.compare_and_set("key", 1, "x"), Status::kNotFound);
  cache_.for_each([](std::string_view key, std::string_view) { ADD_FAILURE() << key; });
  EXPECT_EQ(cache_.stats().items, 0U);
  EXPECT_EQ(cache_.verify().items, 0U);
  EXPECT_EQ(ticket.fill("value", 60s), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "value");
  EXPECT_EQ(cache_.stats().items, 1U);
  EXPECT_EQ(ticket.fill("again", 60s), Status::kStale);
}

TEST_F(LoadTest, OneTicketHasTheLease) {
  LoadTicket first = cache_.try_load("key");
  LoadTicket second = cache_.try_load("key");
  EXPECT_TRUE(first.owns_lease());
  EXPECT_FALSE(second.owns_lease() || second.has_value());
  EXPECT_EQ(second.fill("x"), Status::kStale);
  EXPECT_FALSE(cache_.get("key"));
  first.abandon();
  LoadTicket third = cache_.try_load("key");
  ASSERT_TRUE(third.owns_lease());
  EXPECT_EQ(first.fill("too late"), Status::kStale);
  EXPECT_EQ(third.fill("value"), Status::kOk);
  const LoadTicket fourth = cache_.try_load("key");
  ASSERT_TRUE(fourth.has_value());
  EXPECT_EQ(fourth.value(), "value");
}

TEST_F(LoadTest, ATicketThatGoesGivesTheLeaseBack) {
  {
    LoadTicket ticket = cache_.try_load("key");
    LoadTicket moved = std::move(ticket);
    EXPECT_FALSE(ticket.owns_lease());  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(moved.owns_lease());
    LoadTicket other = cache_.try_load("other");
    other = std::move(moved);
    EXPECT_TRUE(cache_.try_load("other").owns_lease()) << "what it had before was not given back";
    EXPECT_FALSE(cache_.try_load("key").owns_lease());
  }
  EXPECT_TRUE(cache_.try_load("key").owns_lease());
}

/// The fence: whatever changes the key while it is computed keeps the computed value out.
TEST_F(LoadTest, NothingComputedBeforeAChangeIsStoredAfterIt) {
  std::optional<LoadTicket> another;
  const std::pair<const char*, std::function<void()>> changes[] = {
      {"erase", [&] { EXPECT_EQ(cache_.erase("key"), Status::kNotFound); }},
      {"set", [&] { EXPECT_EQ(cache_.set("key", "new"), Status::kOk); }},
      {"set that expires at once", [&] { EXPECT_EQ(cache_.set("key", "new", 0s), Status::kOk); }},
      {"add", [&] { EXPECT_EQ(cache_.add("key", "new"), Status::kOk); }},
      {"increment", [&] { EXPECT_EQ(cache_.increment("key", 1).value, 1); }},
      {"clear", [&] { cache_.clear(); }},
      {"clear, and a set",
       [&] {
         cache_.clear();
         EXPECT_EQ(cache_.set("key", "new"), Status::kOk);
       }},
      {"erase, and another lease",
       [&] {
         EXPECT_EQ(cache_.erase("key"), Status::kNotFound);
         another.emplace(cache_.try_load("key"));
         EXPECT_TRUE(another->owns_lease());
       }},
      {"set too large", [&] { EXPECT_EQ(cache_.set("key", std::string(kMiB, 'x')), Status::kTooLarge); }},
  };
  std::uint64_t refused = 0;
  for (const auto& [name, change] : changes) {
    static_cast<void>(cache_.erase("key"));
    EXPECT_EQ(cache_.get_or_load("key",
                                 [&, &change = change] {
                                   change();
                                   return std::string("old");
                                 }),
              "old")
        << name;
    EXPECT_NE(cache_.get("key").value_or(""), "old") << name;
    EXPECT_EQ(cache_.stats().stale_fills, ++refused) << name;
    another.reset();
  }
}

TEST_F(LoadTest, AnEvictedLeaseRefusesItsFill) {
  LoadTicket ticket = cache_.try_load("key");
  ASSERT_TRUE(ticket.owns_lease());
  for (int i = 0; i < 60'000; ++i) static_cast<void>(cache_.set("pressure" + std::to_string(i), ""));
  EXPECT_EQ(ticket.fill("value"), Status::kStale);
  EXPECT_FALSE(cache_.get("key"));
  EXPECT_EQ(cache_.get_or_load("key", counted("value")), "value");
}

TEST_F(LoadTest, AFillWithoutRoomEndsTheLease) {
  LoadTicket ticket = cache_.try_load("key");
  EXPECT_EQ(ticket.fill(std::string(kMiB, 'x')), Status::kTooLarge);
  EXPECT_TRUE(cache_.try_load("key").owns_lease());
}

TEST_F(LoadTest, KeysThatCannotHaveALeaseAreComputedByEverybody) {
  EXPECT_EQ(cache_.get_or_load("", counted("value")), "value");
  EXPECT_EQ(cache_.get_or_load(std::string(5'000, 'k'), counted("value")), "value");
  EXPECT_EQ(computed_, 2);
  EXPECT_FALSE(cache_.try_load("").owns_lease());
}

TEST_F(LoadTest, ThreadsOfOneProcessComputeOnce) {
  std::atomic<int> computed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      EXPECT_EQ(cache_.get_or_load("key",
                                   [&] {
                                     ++computed;
                                     std::this_thread::sleep_for(50ms);
                                     return std::string("value");
                                   }),
                "value");
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(computed, 1);
}

TEST(LoadLifecycleTest, ARemovedSegmentOutdatesItsLeases) {
  const ScratchName name("load");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  LoadTicket ticket = cache.try_load("key");
  ASSERT_TRUE(ticket.owns_lease());
  ASSERT_TRUE(Cache::remove(name));
  EXPECT_EQ(ticket.fill("value"), Status::kStale);
  LoadTicket other = cache.try_load("key");
  EXPECT_FALSE(other.owns_lease() || other.has_value());
  EXPECT_EQ(cache.get_or_load("key", [] { return "value"; }), "value");
}

TEST(LoadLifecycleTest, WhoMayOnlyLookComputesForItself) {
  const ScratchName name("load");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  ASSERT_EQ(cache.set("there", "value"), Status::kOk);
  Cache looker = Cache::open_read_only(name);
  EXPECT_EQ(looker.get_or_load("there", [] { return "computed"; }), "value");
  EXPECT_EQ(looker.get_or_load("absent", [] { return "computed"; }), "computed");
  EXPECT_FALSE(cache.get("absent"));
}

}  // namespace
}  // namespace carafe::test
