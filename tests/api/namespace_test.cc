// SPDX-License-Identifier: MIT
// Namespaces: key spaces of their own, with counters, quota, clear and release; what of one must never show in another.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/fake_clock.h"
#include "support/scratch.h"
#include "support/shared_memory.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

class NamespaceTest : public ::testing::Test {
 protected:
  ~NamespaceTest() override {
    const VerifyReport report = cache_.verify();
    for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
  }
  static std::map<std::string, std::string> contents(Keyspace& keys) {
    std::map<std::string, std::string> found;
    keys.for_each([&](std::string_view key, std::string_view value) { found.emplace(key, value); });
    return found;
  }
  static Status error_of(const std::function<void()>& body, std::string_view part) {
    try {
      body();
    } catch (const Error& error) {
      EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos) << error.what();
      return error.status();
    }
    return Status::kOk;
  }

  Cache cache_ = Cache::create_anonymous(with_capacity(4 * kMiB));
};

TEST_F(NamespaceTest, EachIsAKeySpaceOfItsOwn) {
  Namespace users = cache_.in("users");
  Namespace pages = cache_.in("pages");
  Namespace old_pages = cache_.in("pages", {.release = "41"});
  Namespace new_pages = cache_.in("pages", {.release = "42"});
  Keyspace* all[] = {&cache_, &users, &pages, &old_pages, &new_pages};
  for (std::size_t i = 0; i < std::size(all); ++i) ASSERT_EQ(all[i]->set("key", std::to_string(i)), Status::kOk);
  for (std::size_t i = 0; i < std::size(all); ++i) {
    EXPECT_EQ(all[i]->get("key"), std::to_string(i));
    EXPECT_EQ(contents(*all[i]), (std::map<std::string, std::string>{{"key", std::to_string(i)}}));
    EXPECT_EQ(all[i]->increment("key", 10).value, static_cast<std::int64_t>(i) + 10);
  }
  EXPECT_EQ(users.erase("key"), Status::kOk);
  EXPECT_EQ(users.erase("key"), Status::kNotFound);
  for (std::size_t i = 0; i < std::size(all); ++i) EXPECT_EQ(all[i]->contains("key"), i != 1);
  EXPECT_EQ(users.add("key", "added"), Status::kOk);
  EXPECT_EQ(users.touch("key", 60s), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), kForever);
  EXPECT_EQ(cache_.stats().items, 5U);
  EXPECT_EQ(new_pages.name(), "pages");
  EXPECT_EQ(new_pages.release(), "42");
  EXPECT_EQ(users.release(), "");
}

TEST_F(NamespaceTest, AllVerbsWorkInIt) {
  Namespace space = cache_.in("space");
  EXPECT_EQ(space.replace("key", "x"), Status::kNotFound);
  EXPECT_EQ(space.get_or_load("key", [] { return "loaded"; }), "loaded");
  EXPECT_FALSE(cache_.get("key"));
  const auto versioned = space.get_versioned("key");
  ASSERT_TRUE(versioned);
  EXPECT_EQ(space.compare_and_set("key", versioned->version, "new"), Status::kOk);
  EXPECT_EQ(space.compare_and_set("key", versioned->version, "x"), Status::kVersionChanged);
  const KeyValue items[] = {{"a", "1"}, {"b", "2"}};
  EXPECT_EQ(space.set_many(items), (std::vector<Status>{Status::kOk, Status::kOk}));
  const std::string_view keys[] = {"b", "none", "a"};
  EXPECT_EQ(space.get_many(keys), (std::vector<std::optional<std::string>>{"2", std::nullopt, "1"}));
  EXPECT_EQ(space.erase_many(keys), (std::vector<Status>{Status::kOk, Status::kNotFound, Status::kOk}));
  LoadTicket ticket = space.try_load("lease");
  ASSERT_TRUE(ticket.owns_lease());
  EXPECT_TRUE(cache_.try_load("lease").owns_lease()) << "another key";
  EXPECT_EQ(ticket.fill("filled"), Status::kOk);
  const std::string large(300'000, 'l');
  EXPECT_EQ(space.set("large", large), Status::kOk);
  EXPECT_EQ(space.get("large"), large);
  EXPECT_EQ(space.touch("large", 60s), Status::kOk);
  EXPECT_EQ(space.set("", "x"), Status::kBadKey);
}

TEST_F(NamespaceTest, ClearTakesItsOwnAndNothingElse) {
  Namespace users = cache_.in("users");
  Namespace pages = cache_.in("pages");
  for (Keyspace* each : {static_cast<Keyspace*>(&cache_), static_cast<Keyspace*>(&users), static_cast<Keyspace*>(&pages)})
    for (int i = 0; i < 500; ++i) ASSERT_EQ(each->set("key" + std::to_string(i), "value"), Status::kOk);
  LoadTicket ticket = users.try_load("lease");
  LoadTicket others = pages.try_load("lease");
  users.clear();
  EXPECT_EQ(ticket.fill("computed before"), Status::kStale);
  EXPECT_EQ(others.fill("value"), Status::kOk);
  EXPECT_TRUE(contents(users).empty());
  EXPECT_EQ(contents(pages).size(), 501U);
  EXPECT_EQ(contents(cache_).size(), 500U);
  EXPECT_EQ(users.stats().items, 0U);
  EXPECT_EQ(users.stats().bytes_used, 0U);
  EXPECT_EQ(users.stats().clears, 1U);
  EXPECT_EQ(users.set("key", "new"), Status::kOk);
  EXPECT_EQ(users.get("key"), "new");
  EXPECT_EQ(users.stats().items, 1U);
  cache_.clear();
  EXPECT_FALSE(users.get("key") || pages.get("lease"));
  EXPECT_EQ(pages.stats().items, 0U);
  EXPECT_EQ(pages.set("key", "after"), Status::kOk);
  EXPECT_EQ(pages.get("key"), "after");
  EXPECT_EQ(pages.stats().items, 1U);
}

TEST_F(NamespaceTest, ClearIsQuickHoweverManyThereAre) {
  Cache cache = Cache::create_anonymous(with_capacity(64 * kMiB));
  Namespace space = cache.in("space");
  for (int i = 0; i < 200'000; ++i) ASSERT_EQ(space.set("key" + std::to_string(i), "value"), Status::kOk);
  std::vector<std::int64_t> ns;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    space.clear();
    ns.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(ns.begin(), ns.end());
  EXPECT_LT(ns[2], 100'000);
  std::printf("a namespace of 200000 items is cleared in %lld ns (median)\n", static_cast<long long>(ns[2]));
  EXPECT_FALSE(space.get("key77"));
}

TEST_F(NamespaceTest, WalksAndErasesOnlyItsOwn) {
  Namespace users = cache_.in("users");
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(users.set("key" + std::to_string(i), "u"), Status::kOk);
    ASSERT_EQ(cache_.set("key" + std::to_string(i), "r"), Status::kOk);
  }
  EXPECT_EQ(users.erase_prefix("key1"), 11U);
  EXPECT_EQ(users.erase_matching("key[!2]?"), 70U);
  EXPECT_EQ(contents(users).size(), 19U);
  EXPECT_EQ(contents(cache_).size(), 100U);
  EXPECT_EQ(cache_.erase_prefix("key2"), 11U);
  EXPECT_EQ(contents(users).size(), 19U);
}

TEST_F(NamespaceTest, CountersAreExact) {
  Namespace space = cache_.in("space");
  Namespace same = cache_.in("space");
  Namespace copy = space;
  Namespace other = cache_.in("other");
  ASSERT_EQ(space.set("key", "41"), Status::kOk);
  ASSERT_EQ(copy.set("key2", "value"), Status::kOk);
  ASSERT_EQ(same.set("gone", "value", 0ms), Status::kOk);  // nothing was stored
  ASSERT_EQ(same.increment("key", 1).value, 42);
  ASSERT_EQ(same.add("key", "x"), Status::kExists);
  EXPECT_EQ(same.get_or_load("loaded", [] { return "value"; }), "value");
  LoadTicket ticket = space.try_load("filled");
  EXPECT_EQ(ticket.fill("value"), Status::kOk);
  EXPECT_TRUE(space.get("key") && same.get("key") && copy.get("key"));
  EXPECT_FALSE(space.get("none"));
  EXPECT_TRUE(space.contains("key"));  // neither
  const std::string_view keys[] = {"key", "none", "key2"};
  static_cast<void>(space.get_many(keys));
  const NamespaceStats stats = space.stats();
  EXPECT_EQ(stats.name, "space");
  EXPECT_EQ(stats.sets, 5U);
  EXPECT_EQ(stats.hits, 5U);
  EXPECT_EQ(stats.misses, 4U);
  EXPECT_EQ(stats.gets, 9U);
  EXPECT_EQ(stats.items, 4U);
  EXPECT_GT(stats.bytes_used, 0U);
  EXPECT_EQ(stats.quota_bytes, 0U);
  EXPECT_EQ(other.stats().gets + other.stats().sets + other.stats().items, 0U);
  EXPECT_EQ(cache_.namespaces().size(), 2U);
  const Stats all = cache_.stats();
  EXPECT_EQ(all.gets, 9U);
  EXPECT_EQ(all.sets, 5U);
  EXPECT_EQ(space.erase("key"), Status::kOk);
  EXPECT_EQ(space.erase_prefix(""), 3U);
  EXPECT_EQ(space.stats().items, 0U);
  EXPECT_EQ(space.stats().bytes_used, 0U);
}

TEST(NamespaceProcessTest, CountersOfForkedWorkersAreExact) {
  const ScratchName name("namespace");
  Cache cache = Cache::create(name, with_capacity(8 * kMiB));
  Namespace space = cache.in("space");
  ASSERT_EQ(space.set("there", "value"), Status::kOk);
  SharedMemory memory(sizeof(Meeting));
  Meeting& begin = memory.as<Meeting>();
  std::vector<Child> children;
  constexpr std::uint64_t kEach = 5'000;
  for (int i = 0; i < 4; ++i)
    children.push_back(Child::fork([&, i] {
      CHILD_REQUIRE(begin.meet(4));
      for (std::uint64_t n = 0; n < kEach; ++n) {
        CHILD_REQUIRE(space.set(std::to_string(i) + "-" + std::to_string(n % 100), "v") == Status::kOk);
        CHILD_REQUIRE(space.get("there"));
        CHILD_REQUIRE(!space.get("none"));
      }
      return 0;
    }));
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  const NamespaceStats stats = space.stats();
  EXPECT_EQ(stats.sets, 4 * kEach + 1);
  EXPECT_EQ(stats.hits, 4 * kEach);
  EXPECT_EQ(stats.misses, 4 * kEach);
  EXPECT_EQ(stats.items, 401U);
  // Others come after them, and go on from where they have stopped.
  for (int i = 0; i < 40; ++i) {
    Child child = Child::fork([&] { return space.get("there") ? 0 : 1; });
    EXPECT_EQ(child.wait(), 0);
  }
  EXPECT_EQ(space.stats().hits, 4 * kEach + 40);
}

TEST_F(NamespaceTest, ADroppedOneIsEmptyAndItsHandleMakesItAnew) {
  Namespace space = cache_.in("space");
  ASSERT_EQ(space.set("key", "value"), Status::kOk);
  LoadTicket ticket = space.try_load("lease");
  EXPECT_TRUE(cache_.drop_namespace("space"));
  EXPECT_FALSE(cache_.drop_namespace("space"));
  EXPECT_FALSE(cache_.drop_namespace("never"));
  EXPECT_FALSE(cache_.drop_namespace(std::string(5'000, 'n')));
  EXPECT_TRUE(cache_.namespaces().empty());
  EXPECT_EQ(ticket.fill("computed before"), Status::kStale);
  EXPECT_FALSE(space.get("key") || space.get("lease"));
  EXPECT_EQ(space.set("key", "new"), Status::kOk);
  EXPECT_EQ(space.get("key"), "new");
  EXPECT_EQ(cache_.namespaces().size(), 1U);
  EXPECT_EQ(space.stats().sets, 1U);
}

/// One record: whoever comes gets that of who was dropped.
TEST(NamespaceRecordTest, AnOldHandleNeitherSeesNorPollutesWhatFollowsInItsRecord) {
  Options options = with_capacity(kMiB);
  options.max_namespaces = 1;
  Cache cache = Cache::create_anonymous(options);
  Namespace former = cache.in("former");
  ASSERT_EQ(former.set("key", "former's"), Status::kOk);
  ASSERT_EQ(former.set("counter", "41"), Status::kOk);
  LoadTicket ticket = former.try_load("lease");
  ASSERT_TRUE(cache.drop_namespace("former"));
  Namespace latter = cache.in("latter");
  EXPECT_FALSE(latter.get("key") || latter.get("counter"));
  ASSERT_EQ(latter.set("key", "latter's"), Status::kOk);
  ASSERT_EQ(latter.set("counter", "7"), Status::kOk);
  EXPECT_EQ(ticket.fill("former's"), Status::kStale);
  // There is no record for the former one: it has nothing, and can store nothing.
  EXPECT_FALSE(former.get("key") || former.contains("key"));
  EXPECT_EQ(former.set("key", "former's"), Status::kNoSpace);
  EXPECT_EQ(former.increment("counter", 1).status, Status::kNoSpace);
  EXPECT_EQ(former.erase("key"), Status::kNoSpace);
  EXPECT_EQ(former.erase_prefix(""), 0U);
  EXPECT_EQ(former.get_or_load("key", [] { return "computed"; }), "computed");
  EXPECT_FALSE(former.try_load("key").owns_lease());
  former.clear();
  former.for_each([](std::string_view key, std::string_view) { ADD_FAILURE() << key; });
  EXPECT_EQ(former.stats().items, 0U);
  EXPECT_EQ(latter.get("key"), "latter's");
  EXPECT_EQ(latter.get("counter"), "7");
  EXPECT_FALSE(latter.get("lease"));
  EXPECT_EQ(latter.stats().items, 2U);
  ASSERT_TRUE(cache.drop_namespace("latter"));
  EXPECT_FALSE(former.get("key"));
  EXPECT_EQ(former.set("key", "again"), Status::kOk);
  EXPECT_FALSE(latter.get("key"));
  EXPECT_EQ(former.get("key"), "again");
}

TEST(NamespaceRecordTest, AFullTableSaysSoAndWhatHelps) {
  Options options = with_capacity(kMiB);
  options.max_namespaces = 3;
  Cache cache = Cache::create_anonymous(options);
  for (const auto* name : {"a", "b", "c"}) static_cast<void>(cache.in(name));
  try {
    static_cast<void>(cache.in("d"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::kNoNamespace);
    EXPECT_NE(std::string_view(error.what()).find("max_namespaces"), std::string_view::npos) << error.what();
    EXPECT_NE(std::string_view(error.what()).find(" 3 "), std::string_view::npos) << error.what();
  }
  static_cast<void>(cache.in("b"));
  EXPECT_TRUE(cache.drop_namespace("b"));
  Namespace d = cache.in("d");
  EXPECT_EQ(d.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache.in("c").set("key", "c's"), Status::kOk) << "what lies beyond a record that was given away is found";
  EXPECT_EQ(cache.namespaces().size(), 3U);
}

TEST_F(NamespaceTest, PruningKeepsTheReleaseThatStaysAndWhatHasNone) {
  for (const auto* release : {"", "41", "42", "43"})
    for (const auto* name : {"users", "pages"}) ASSERT_EQ(cache_.in(name, {.release = release}).set("key", release), Status::kOk);
  EXPECT_EQ(cache_.prune_releases("42"), 4U);
  EXPECT_EQ(cache_.prune_releases("42"), 0U);
  EXPECT_EQ(cache_.namespaces().size(), 4U);
  EXPECT_EQ(cache_.in("users", {.release = "42"}).get("key"), "42");
  EXPECT_EQ(cache_.in("users").get("key"), "");
  EXPECT_FALSE(cache_.in("users", {.release = "41"}).get("key"));
  EXPECT_EQ(cache_.prune_releases(""), 3U);
}

TEST_F(NamespaceTest, NamesAreBytesWithinBounds) {
  EXPECT_EQ(error_of([&] { (void)cache_.in(""); }, "0 bytes"), Status::kBadName);
  EXPECT_EQ(error_of([&] { (void)cache_.in(std::string(89, 'n')); }, "89 bytes"), Status::kBadName);
  EXPECT_EQ(error_of([&] { (void)cache_.in("n", {.release = std::string(41, 'r')}); }, "41 bytes"), Status::kBadName);
  const std::string longest(88, 'n');
  const std::string release(40, 'r');
  const std::pair<std::string_view, std::string_view> names[] = {{longest, release}, {"a\0b"sv, ""},   {"a", ""},    {"ab", "c"},
                                                                 {"a", "bc"},        {"\xff", "\0"sv}, {"\0"sv, ""}, {" ", " "}};
  for (const auto& [name, of] : names)
    ASSERT_EQ(cache_.in(name, {.release = of}).set("key", std::string(name) + "/" + std::string(of)), Status::kOk);
  for (const auto& [name, of] : names) EXPECT_EQ(cache_.in(name, {.release = of}).get("key"), std::string(name) + "/" + std::string(of));
  EXPECT_EQ(cache_.namespaces().size(), std::size(names));
  EXPECT_TRUE(cache_.drop_namespace("a\0b"sv));
  EXPECT_TRUE(cache_.in("a").get("key"));
}

TEST(NamespaceLifecycleTest, WhoMayOnlyLookSeesWhatIsThere) {
  const ScratchName name("namespace");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  Namespace space = cache.in("space");
  ASSERT_EQ(space.set("key", "value"), Status::kOk);
  Cache looker = Cache::open_read_only(name);
  Namespace seen = looker.in("space", {.quota_bytes = 5});
  EXPECT_EQ(seen.get("key"), "value");
  EXPECT_EQ(seen.set("key", "x"), Status::kReadOnly);
  EXPECT_EQ(seen.stats().sets, 1U);
  EXPECT_EQ(seen.stats().quota_bytes, 0U);
  Namespace absent = looker.in("absent");
  EXPECT_FALSE(absent.get("key"));
  EXPECT_EQ(absent.get_or_load("key", [] { return "mine"; }), "mine");
  EXPECT_FALSE(looker.drop_namespace("space"));
  EXPECT_EQ(looker.prune_releases(""), 0U);
  seen.clear();
  EXPECT_EQ(seen.erase_prefix(""), 0U);
  EXPECT_EQ(space.get("key"), "value");
  EXPECT_EQ(cache.namespaces().size(), 1U);
  ASSERT_EQ(cache.in("absent").set("key", "came"), Status::kOk);
  EXPECT_EQ(absent.get("key"), "came");
  space.clear();
  EXPECT_FALSE(seen.get("key"));
}

TEST(NamespaceLifecycleTest, ItFollowsItsCacheToANewSegment) {
  const ScratchName name("namespace");
  FakeClock clock;
  Cache cache = Cache::create(name, with_capacity(kMiB));
  Namespace space = cache.in("space", {.release = "r", .quota_bytes = 100'000});
  ASSERT_EQ(space.set("key", "old"), Status::kOk);
  ASSERT_TRUE(Cache::remove(name));
  EXPECT_FALSE(space.get("key"));
  EXPECT_EQ(space.set("key", "x"), Status::kRetired);
  EXPECT_THROW((void)cache.in("other"), Error);
  Cache anew = Cache::create(name, with_capacity(2 * kMiB));
  static_cast<void>(anew.in("another"));
  clock.advance(1s);
  EXPECT_FALSE(space.get("key"));
  EXPECT_EQ(space.set("key", "new"), Status::kOk);
  EXPECT_EQ(anew.in("space", {.release = "r"}).get("key"), "new");
  EXPECT_EQ(anew.in("space", {.release = "r"}).stats().quota_bytes, 100'000U);
}

TEST(NamespaceTableTest, ThousandsOfThem) {
  Options options = with_capacity(32 * kMiB);
  options.max_namespaces = 5'000;
  Cache cache = Cache::create_anonymous(options);
  EXPECT_EQ(cache.namespaces().size(), 0U);
  for (int i = 0; i < 5'000; ++i) ASSERT_EQ(cache.in("space" + std::to_string(i)).set("key", std::to_string(i)), Status::kOk);
  EXPECT_THROW((void)cache.in("one more"), Error);
  for (int i = 0; i < 5'000; i += 7) ASSERT_EQ(cache.in("space" + std::to_string(i)).get("key"), std::to_string(i));
  EXPECT_EQ(cache.namespaces().size(), 5'000U);
  for (int i = 0; i < 5'000; i += 2) ASSERT_TRUE(cache.drop_namespace("space" + std::to_string(i)));
  for (int i = 0; i < 2'500; ++i) ASSERT_FALSE(cache.in("other" + std::to_string(i)).get("key"));
  for (int i = 1; i < 5'000; i += 2) ASSERT_EQ(cache.in("space" + std::to_string(i)).get("key"), std::to_string(i));
  EXPECT_TRUE(cache.verify().ok);
}

TEST(NamespaceTableTest, HowManyThereMayBeIsAnOption) {
  Options options = with_capacity(kMiB);
  for (const std::uint32_t most : {1U, 16U, 100U}) {
    options.max_namespaces = most;
    Cache cache = Cache::create_anonymous(options);
    for (std::uint32_t i = 0; i < most; ++i) static_cast<void>(cache.in(std::to_string(i)));
    EXPECT_THROW((void)cache.in("one more"), Error) << most;
  }
  options.max_namespaces = 65'536;
  EXPECT_THROW((void)Cache::create_anonymous(options), Error);
  options.max_namespaces = 65'535;  // more than 1 MiB has room for
  EXPECT_THROW((void)Cache::create_anonymous(options), Error);
}

// --- quota

class QuotaTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kQuota = 1'000'000;
  ~QuotaTest() override { EXPECT_TRUE(cache_.verify().ok); }
  static void fill(Keyspace& keys, int count, std::size_t bytes = 300) {
    for (int i = 0; i < count; ++i) ASSERT_EQ(keys.set("key" + std::to_string(i), std::string(bytes, 'v')), Status::kOk);
  }
  static std::uint64_t count_of(Keyspace& keys) {
    std::uint64_t count = 0;
    keys.for_each([&](std::string_view, std::string_view) { ++count; });
    return count;
  }

  Cache cache_ = Cache::create_anonymous(with_capacity(16 * kMiB));
};

TEST_F(QuotaTest, ItIsHeldAndOnlyItsOwnGo) {
  Namespace others = cache_.in("others");
  fill(others, 2'000);
  fill(cache_, 2'000);
  Namespace space = cache_.in("space", {.quota_bytes = kQuota});
  fill(space, 20'000);
  const NamespaceStats stats = space.stats();
  EXPECT_EQ(stats.quota_bytes, kQuota);
  EXPECT_LE(stats.bytes_used, kQuota * 105 / 100);
  EXPECT_GE(stats.bytes_used, kQuota * 90 / 100);
  EXPECT_EQ(stats.items, count_of(space));
  EXPECT_EQ(stats.evictions + stats.items, 20'000U);
  EXPECT_EQ(count_of(others), 2'000U);
  EXPECT_EQ(count_of(cache_), 2'000U);
  EXPECT_EQ(others.stats().evictions, 0U);
}

TEST_F(QuotaTest, ItMayBeRaisedAndLowered) {
  Namespace space = cache_.in("space", {.quota_bytes = kQuota});
  fill(space, 10'000);
  static_cast<void>(cache_.in("space"));
  EXPECT_EQ(space.stats().quota_bytes, kQuota) << "who names none leaves it as it is";
  static_cast<void>(cache_.in("space", {.quota_bytes = 3 * kQuota}));
  fill(space, 20'000);
  EXPECT_GE(space.stats().bytes_used, kQuota * 27 / 10);
  EXPECT_LE(space.stats().bytes_used, kQuota * 315 / 100);
  static_cast<void>(cache_.in("space", {.quota_bytes = kQuota}));
  fill(space, 10'000);
  EXPECT_LE(space.stats().bytes_used, kQuota * 105 / 100);
}

TEST_F(QuotaTest, WhatIsUsedStays) {
  Namespace space = cache_.in("space", {.quota_bytes = kQuota});
  for (int i = 0; i < 200; ++i) ASSERT_EQ(space.set("hot" + std::to_string(i), std::string(300, 'h')), Status::kOk);
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(space.set("cold" + std::to_string(i), std::string(300, 'c')), Status::kOk);
    static_cast<void>(space.get("hot" + std::to_string(i % 200)));
  }
  int hot = 0;
  for (int i = 0; i < 200; ++i) hot += space.contains("hot" + std::to_string(i)) ? 1 : 0;
  EXPECT_GT(hot, 180);
}

TEST_F(QuotaTest, CountersCountAgainstIt) {
  Namespace space = cache_.in("space", {.quota_bytes = 200'000});
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(space.increment("counter" + std::to_string(i), 1).status, Status::kOk);
  EXPECT_LE(space.stats().bytes_used, 220'000U);
}

TEST_F(QuotaTest, ChainsCountWhole) {
  Namespace space = cache_.in("space", {.quota_bytes = kQuota});
  for (int i = 0; i < 50; ++i) ASSERT_EQ(space.set("key" + std::to_string(i), std::string(200'000, 'v')), Status::kOk);
  EXPECT_LE(space.stats().bytes_used, kQuota * 125 / 100);
  EXPECT_GE(space.stats().items, 3U);
}

/// One below a single value: then that is all it holds. And what is loaded is stored, though room is made while its lease is there.
TEST_F(QuotaTest, ATinyOneHoldsTheLatest) {
  Namespace space = cache_.in("space", {.quota_bytes = 100});
  for (int i = 0; i < 100; ++i) {
    const std::string key = "key" + std::to_string(i);
    ASSERT_EQ(space.get_or_load(key, [] { return std::string(400, 'v'); }), std::string(400, 'v'));
    ASSERT_TRUE(space.contains(key)) << i;
  }
  EXPECT_LE(space.stats().items, 2U);
  EXPECT_EQ(cache_.stats().stale_fills, 0U);
}

}  // namespace
}  // namespace carafe::test
