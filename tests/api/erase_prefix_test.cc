// SPDX-License-Identifier: MIT
// erase_prefix and erase_matching: what goes, what stays, what is told, and that nothing computed before comes after.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/fake_clock.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shared_memory.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

class ErasePrefixTest : public ::testing::Test {
 protected:
  ~ErasePrefixTest() override {
    const VerifyReport report = cache_.verify();
    for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
  }
  void put(std::string_view key) { ASSERT_EQ(cache_.set(key, "value"), Status::kOk) << key; }
  [[nodiscard]] std::set<std::string> keys() {
    std::set<std::string> found;
    cache_.for_each([&](std::string_view key, std::string_view) { found.emplace(key); });
    return found;
  }

  Cache cache_ = Cache::create_anonymous(with_capacity(4 * kMiB));
};

TEST_F(ErasePrefixTest, WhatBeginsSoGoesAndTheRestStays) {
  for (const auto* key : {"user:1", "user:12", "user:", "user", "users", "User:1", "x user:1"}) put(key);
  EXPECT_EQ(cache_.erase_prefix("user:"), 3U);
  EXPECT_EQ(keys(), (std::set<std::string>{"user", "users", "User:1", "x user:1"}));
  EXPECT_EQ(cache_.erase_prefix("user:"), 0U);
  EXPECT_EQ(cache_.stats().items, 4U);
}

TEST_F(ErasePrefixTest, TheEmptyPrefixIsAll) {
  for (int i = 0; i < 5'000; ++i) put("key" + std::to_string(i));
  EXPECT_EQ(cache_.erase_prefix(""), 5'000U);
  EXPECT_EQ(cache_.stats().items, 0U);
  EXPECT_EQ(cache_.stats().erases, 5'000U);
}

TEST_F(ErasePrefixTest, BytesAreBytes) {
  put("a\0b"sv);
  put("a\0c"sv);
  put("a");
  put("\xff\xfe"sv);
  EXPECT_EQ(cache_.erase_prefix("a\0"sv), 2U);
  EXPECT_TRUE(cache_.contains("a"));
  EXPECT_EQ(cache_.erase_prefix("\xff"sv), 1U);
  put(std::string(4096, 'k'));
  EXPECT_EQ(cache_.erase_prefix(std::string(4097, 'k')), 0U);
  EXPECT_EQ(cache_.erase_prefix(std::string(4096, 'k')), 1U);
}

TEST_F(ErasePrefixTest, Patterns) {
  struct Case {
    std::string_view pattern;
    std::vector<std::string_view> matching;
    std::vector<std::string_view> others;
  };
  const Case cases[] = {
      {"page:*:de", {"page::de", "page:1:de", "page:1:2:de"}, {"page:1:en", "page:de", "xpage:1:de"}},
      {"?", {"a", "\0"sv, "\xff"sv}, {"ab"}},
      {"[abc]?", {"ax", "b\0"sv}, {"dx", "a", "axx"}},
      {"[a-c]*", {"a", "bcd"}, {"d"}},
      {"[!a-c]*", {"d", "-"}, {"a", "b"}},
      {"[]]", {"]"}, {"[", "a"}},
      {"[a-]", {"a", "-"}, {"b"}},
      {"[x", {"[x"}, {"x", "["}},
      {R"(\*\[)", {"*["}, {R"(\*\[)", "a["}},
      {"*a*a*a*b", {"aaab", "xaxaxab"}, {"aaa", "aab"}},
      {"**", {"x", "yy"}, {}},
      {"key", {"key"}, {"keys", "ke"}},
      {"a\0*"sv, {"a\0"sv, "a\0b"sv}, {"a", "ab"}},
      {"*/b", {"a/b", "/b", "a/a/b"}, {"ab"}},
  };
  for (const Case& each : cases) {
    static_cast<void>(cache_.erase_prefix(""));
    for (const auto key : each.matching) put(key);
    for (const auto key : each.others) put(key);
    EXPECT_EQ(cache_.erase_matching(each.pattern), each.matching.size()) << each.pattern;
    for (const auto key : each.matching) EXPECT_FALSE(cache_.contains(key)) << each.pattern << " " << key;
    for (const auto key : each.others) EXPECT_TRUE(cache_.contains(key)) << each.pattern << " " << key;
  }
  EXPECT_EQ(cache_.erase_matching(""), 0U);
}

TEST_F(ErasePrefixTest, HostilePatternsEnd) {
  put(std::string(4096, 'a'));
  const auto start = std::chrono::steady_clock::now();
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_EQ(cache_.erase_matching(pattern + "b"), 0U);
  EXPECT_EQ(cache_.erase_matching(std::string(100'000, '[')), 0U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST_F(ErasePrefixTest, OnlyWhatIsAValueIsCounted) {
  FakeClock clock;
  ASSERT_EQ(cache_.set("k:expired", "value", 1s), Status::kOk);
  ASSERT_EQ(cache_.get_or_load("k:stale", [] { return "old"; }, {.ttl = 1s, .stale_for = 60s}), "old");
  ASSERT_EQ(cache_.set("k:tagged", "value", {.tags = {"tag"}}), Status::kOk);
  ASSERT_EQ(cache_.invalidate_tag("tag"), Status::kOk);
  ASSERT_FALSE(cache_.get_or_load("k:none", []() -> std::optional<std::string> { return std::nullopt; }, {.negative_ttl = 60s}));
  clock.advance(2s);
  put("k:value");
  EXPECT_EQ(cache_.erase_prefix("k:"), 1U);
  EXPECT_FALSE(cache_.try_load("k:stale", {.stale_for = 60s}).has_value()) << "an erased value must not be served as stale";
  EXPECT_FALSE(cache_.try_load("k:none").is_none());
}

TEST_F(ErasePrefixTest, WhatIsBeingComputedForSuchAKeyIsNotStored) {
  LoadTicket inside = cache_.try_load("user:1");
  LoadTicket outside = cache_.try_load("other");
  ASSERT_TRUE(inside.owns_lease() && outside.owns_lease());
  EXPECT_EQ(cache_.erase_prefix("user:"), 0U);
  EXPECT_EQ(inside.fill("before"), Status::kStale);
  EXPECT_EQ(outside.fill("value"), Status::kOk);
  EXPECT_FALSE(cache_.get("user:1"));
  LoadTicket by_pattern = cache_.try_load("user:2");
  EXPECT_EQ(cache_.erase_matching("*:2"), 0U);
  EXPECT_EQ(by_pattern.fill("before"), Status::kStale);
}

TEST_F(ErasePrefixTest, ChainsAndLongKeysGoWhole) {
  const std::uint64_t before = cache_.stats().bytes_used;
  ASSERT_EQ(cache_.set("long", std::string(500'000, 'x')), Status::kOk);
  ASSERT_EQ(cache_.set(std::string(4096, 'l'), std::string(50'000, 'x')), Status::kOk);
  EXPECT_EQ(cache_.erase_prefix("l"), 2U);
  EXPECT_EQ(cache_.stats().bytes_used, before);
}

/// Two clears later the index still refers to what they left behind: that is nothing to erase.
TEST_F(ErasePrefixTest, WhatAClearTookIsNotErasedAgain) {
  for (int i = 0; i < 1'000; ++i) put("key" + std::to_string(i));
  cache_.clear();
  EXPECT_EQ(cache_.erase_prefix("key"), 0U);
}

TEST_F(ErasePrefixTest, WhoMayOnlyLookErasesNothing) {
  const ScratchName name("prefix");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  EXPECT_EQ(Cache::open_read_only(name).erase_prefix("key"), 0U);
  EXPECT_TRUE(cache.contains("key"));
}

struct Board {
  Meeting begin;
  std::atomic<std::uint32_t> erasing;
  std::atomic<std::uint32_t> stop;
};

/// Another process moves entries and replaces tables all the time: what was there throughout goes nevertheless.
TEST(ErasePrefixProcessTest, WhatIsThereThroughoutIsFoundWhateverOthersDo) {
  const ScratchName name("prefix");
  Options options = with_capacity(16 * kMiB);
  options.lock_wait = 10s;  // on a busy machine a holder may sleep for long
  Cache cache = Cache::create(name, options);
  SharedMemory memory(sizeof(Board));
  Board& board = memory.as<Board>();
  Child writer = Child::fork([&] {
    Cache mine = Cache::open(name, options);
    CHILD_REQUIRE(board.begin.meet(2));
    Random random(1);
    for (std::uint64_t i = 0; board.stop.load() == 0; ++i) {
      static_cast<void>(mine.set("noise" + std::to_string(random.below(20'000)), std::string(random.below(60), 'n')));
      static_cast<void>(mine.erase("noise" + std::to_string(random.below(20'000))));
      if (i % 8 == 0) static_cast<void>(mine.set("gone:" + std::to_string(i % 64), "again"));  // matches, and comes again and again
    }
    return 0;
  });
  ASSERT_TRUE(board.begin.meet(2));
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 1'000; ++i) {
      ASSERT_EQ(cache.set("gone:there" + std::to_string(i), "value"), Status::kOk);
      ASSERT_EQ(cache.set("kept" + std::to_string(i), "value"), Status::kOk);
    }
    ASSERT_EQ(cache.stats().evictions, 0U);
    EXPECT_GE(cache.erase_prefix("gone:"), 1'000U);
    for (int i = 0; i < 1'000; ++i) {
      ASSERT_FALSE(cache.contains("gone:there" + std::to_string(i))) << "round " << round;
      ASSERT_TRUE(cache.contains("kept" + std::to_string(i))) << "round " << round;
    }
  }
  board.stop.store(1);
  EXPECT_EQ(writer.wait(), 0);
  EXPECT_TRUE(cache.verify().ok);
}

TEST(ErasePrefixProcessTest, SpeedOfTheWalk) {
  Cache cache = Cache::create_anonymous(with_capacity(64 * kMiB));
  constexpr int kItems = 200'000;
  for (int i = 0; i < kItems; ++i) ASSERT_EQ(cache.set("key" + std::to_string(i), "value"), Status::kOk);
  const auto items = static_cast<double>(cache.stats().items);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(cache.erase_prefix("absent"), 0U);
  const std::chrono::duration<double> walk = std::chrono::steady_clock::now() - start;
  const auto again = std::chrono::steady_clock::now();
  EXPECT_EQ(cache.erase_prefix("key1"), 111'111U);
  const std::chrono::duration<double> erasing = std::chrono::steady_clock::now() - again;
  std::printf("%.0f million keys a second looked at, %.2f million a second erased\n", items / walk.count() / 1e6,
              111'111 / erasing.count() / 1e6);
}

}  // namespace
}  // namespace carafe::test
