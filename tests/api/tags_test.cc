// SPDX-License-Identifier: MIT
// Tags: many items are invalidated at once, by any of up to eight names.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carafe/carafe.h"
#include "support/fake_clock.h"
#include "support/scratch.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

class TagsTest : public ::testing::Test {
 protected:
  ~TagsTest() override {
    const VerifyReport report = cache_.verify();
    for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
  }
  void put(std::string_view key, const Tags& tags, std::string_view value = "value") {
    ASSERT_EQ(cache_.set(key, value, {.tags = tags}), Status::kOk) << key;
  }
  void invalidate(std::string_view tag) { ASSERT_EQ(cache_.invalidate_tag(tag), Status::kOk) << tag; }

  Cache cache_ = Cache::create_anonymous(with_capacity(4 * kMiB));
};

/// Tags that share no place in a table as small as one of 1 MiB would make any test of them one of luck: eight whose places differ from each other.
std::vector<std::string> eight_apart(Cache& cache) {
  std::vector<std::string> apart;
  for (int i = 0; apart.size() < 8; ++i) {
    std::string tag = "tag" + std::to_string(i);
    bool meets = false;
    for (const std::string& other : apart) {
      EXPECT_EQ(cache.set("probe", "value", {.tags = {other}}), Status::kOk);
      EXPECT_EQ(cache.invalidate_tag(tag), Status::kOk);
      meets = meets || !cache.contains("probe");
    }
    if (!meets) apart.push_back(std::move(tag));
  }
  static_cast<void>(cache.erase("probe"));
  return apart;
}

TEST_F(TagsTest, EachOfEightTagsInvalidatesItsItems) {
  const std::vector<std::string> names = eight_apart(cache_);
  for (std::size_t count = 1; count <= 8; ++count) {
    for (std::size_t which = 0; which < count; ++which) {
      Tags tags;
      for (std::size_t i = 0; i < count; ++i) tags.add(names[i]);
      put("key", tags);
      put("other", {names[(which + 1) % 8]});
      invalidate(names[which]);
      EXPECT_FALSE(cache_.contains("key")) << which << " of " << count;
      EXPECT_TRUE(cache_.contains("other")) << which << " of " << count;
    }
    Tags tags;
    for (std::size_t i = 0; i < count; ++i) tags.add(names[i]);
    put("key", tags);
    for (std::size_t i = count; i < 8; ++i) invalidate(names[i]);
    EXPECT_TRUE(cache_.contains("key")) << count;
  }
}

TEST_F(TagsTest, WhatIsStoredAfterwardsIsValid) {
  put("key", {"tag"}, "old");
  invalidate("tag");
  put("key", {"tag"}, "new");
  EXPECT_EQ(cache_.get("key"), "new");
  invalidate("tag");
  put("key", {}, "without");
  invalidate("tag");
  EXPECT_EQ(cache_.get("key"), "without");
}

TEST_F(TagsTest, TagsAreBytes) {
  put("a", {"tag\0one"sv});
  put("b", {"tag"});
  put("c", {std::string_view("\xff\xfe")});
  invalidate("tag\0one"sv);
  EXPECT_FALSE(cache_.contains("a"));
  EXPECT_TRUE(cache_.contains("b"));
  invalidate("\xff\xfe");
  EXPECT_FALSE(cache_.contains("c"));
  const std::string longest(256, 't');
  put("d", {longest});
  invalidate(longest);
  EXPECT_FALSE(cache_.contains("d"));
}

TEST_F(TagsTest, BadTagsChangeNothing) {
  const std::string too_long(257, 't');
  const Tags bad[] = {{""}, {"good", ""}, {too_long}, {"1", "2", "3", "4", "5", "6", "7", "8", "9"}};
  put("key", {"good"}, "old");
  for (const Tags& tags : bad) {
    EXPECT_FALSE(tags.is_valid());
    EXPECT_EQ(cache_.set("key", "new", {.tags = tags}), Status::kBadTag);
    EXPECT_EQ(cache_.set("key", "new", {.ttl = 0ms, .tags = tags}), Status::kBadTag);
    EXPECT_EQ(cache_.add("absent", "new", {.tags = tags}), Status::kBadTag);
    EXPECT_EQ(cache_.replace("key", "new", {.tags = tags}), Status::kBadTag);
    EXPECT_EQ(cache_.get("key"), "old");
    EXPECT_FALSE(cache_.contains("absent"));
    EXPECT_EQ(cache_.get_or_load("absent", [] { return "computed"; }, {.tags = tags}), "computed");
    EXPECT_FALSE(cache_.contains("absent"));
    EXPECT_FALSE(cache_.try_load("absent", {.tags = tags}).owns_lease());
    LoadTicket ticket = cache_.try_load("absent");
    EXPECT_EQ(ticket.fill("new", {.tags = tags}), Status::kBadTag);
    EXPECT_TRUE(ticket.owns_lease());
    EXPECT_EQ(ticket.fill("new"), Status::kOk);
    EXPECT_EQ(cache_.erase("absent"), Status::kOk);
  }
  EXPECT_EQ(cache_.invalidate_tag(""), Status::kBadTag);
  EXPECT_EQ(cache_.invalidate_tag(too_long), Status::kBadTag);
  EXPECT_EQ(cache_.get("key"), "old");
}

TEST_F(TagsTest, EveryVerbSeesAnInvalidation) {
  const auto again = [&] {
    put("key", {"tag"}, "41");
    invalidate("tag");
  };
  put("key", {"tag"}, "41");
  const auto versioned = cache_.get_versioned("key");
  ASSERT_TRUE(versioned);
  invalidate("tag");
  EXPECT_EQ(cache_.compare_and_set("key", versioned->version, "x"), Status::kNotFound);
  again();
  EXPECT_FALSE(cache_.get("key") || cache_.contains("key") || cache_.get_versioned("key") || cache_.remaining_ttl("key"));
  const std::string_view keys[] = {"key"};
  EXPECT_FALSE(cache_.get_many(keys)[0]);
  cache_.for_each([](std::string_view key, std::string_view) { ADD_FAILURE() << key; });
  EXPECT_EQ(cache_.replace("key", "x"), Status::kNotFound);
  EXPECT_EQ(cache_.touch("key", 5s), Status::kNotFound);
  EXPECT_EQ(cache_.increment("key", 1).value, 1);
  again();
  EXPECT_EQ(cache_.add("key", "added"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "added");
  again();
  EXPECT_EQ(cache_.erase("key"), Status::kNotFound);
  again();
  EXPECT_EQ(cache_.get_or_load("key", [] { return "loaded"; }), "loaded");
  again();
  EXPECT_TRUE(cache_.try_load("key", {.stale_for = 60s}).owns_lease());
}

TEST_F(TagsTest, AnInvalidatedValueIsNotServedAsStale) {
  FakeClock clock;
  const LoadOptions options{.ttl = 1s, .stale_for = 60s, .tags = {"tag"}};
  ASSERT_EQ(cache_.get_or_load(
                "key", [] { return "old"; }, options),
            "old");
  clock.advance(2s);
  LoadTicket refresher = cache_.try_load("key", options);
  ASSERT_TRUE(refresher.owns_lease() && refresher.stale());
  invalidate("tag");
  EXPECT_EQ(cache_.get_or_load(
                "key", [] { return "new"; }, options),
            "new")
      << "the next caller loads at once";
  EXPECT_EQ(refresher.fill("too late"), Status::kStale);
  EXPECT_EQ(cache_.get("key"), "new");
}

TEST_F(TagsTest, ANoneHasTagsToo) {
  const auto none = []() -> std::optional<std::string> { return std::nullopt; };
  ASSERT_FALSE(cache_.get_or_load("key", none, {.negative_ttl = 60s, .tags = {"tag"}}));
  ASSERT_TRUE(cache_.try_load("key").is_none());
  invalidate("tag");
  EXPECT_FALSE(cache_.try_load("key").is_none());
}

TEST_F(TagsTest, AnInvalidationMeanwhileKeepsAValueOut) {
  const auto start = std::chrono::steady_clock::now();
  LoadTicket ticket = cache_.try_load("key", {.tags = {"tag"}});
  ASSERT_TRUE(ticket.owns_lease());
  invalidate("tag");
  EXPECT_EQ(cache_.get_or_load("key", [] { return "new"; }, {.tags = {"tag"}}), "new");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s) << "the outdated lease was waited for";
  EXPECT_EQ(ticket.fill("old"), Status::kStale);
  EXPECT_EQ(cache_.get("key"), "new");
  EXPECT_GT(cache_.stats().stale_fills, 0U);
}

/// Tags that turn out only when the value is there: the stamp of the lease tells whether they were invalidated meanwhile.
TEST_F(TagsTest, TagsMayBeNamedAtTheFill) {
  LoadTicket ticket = cache_.try_load("key");
  EXPECT_EQ(ticket.fill("value", {.ttl = 60s, .tags = {"late"}}), Status::kOk);
  EXPECT_EQ(cache_.remaining_ttl("key"), 60s);
  invalidate("late");
  EXPECT_FALSE(cache_.contains("key"));

  LoadTicket outdated = cache_.try_load("key");
  ASSERT_TRUE(outdated.owns_lease());
  invalidate("late");
  EXPECT_EQ(outdated.fill("old", {.tags = {"late"}}), Status::kStale);
  EXPECT_FALSE(cache_.contains("key"));
  LoadTicket next = cache_.try_load("key");
  EXPECT_TRUE(next.owns_lease()) << "the next caller has to wait for nobody";
  EXPECT_EQ(next.fill("new", {.tags = {"late"}}), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "new");
}

/// The old value of a refresh was stored without the tag; what was computed before the tag's invalidation stays out all the same.
TEST_F(TagsTest, ARefreshIsKeptOutByATagOfTheNewValueOnly) {
  FakeClock clock;
  ASSERT_EQ(cache_.get_or_load("key", [] { return "old"; }, {.ttl = 1s, .stale_for = 60s}), "old");
  clock.advance(2s);
  LoadTicket refresher = cache_.try_load("key", {.ttl = 1s, .stale_for = 60s, .tags = {"tag"}});
  ASSERT_TRUE(refresher.owns_lease());
  invalidate("tag");
  EXPECT_EQ(refresher.fill("computed before"), Status::kStale);
  EXPECT_FALSE(cache_.contains("key"));
}

TEST_F(TagsTest, ChainsHaveTags) {
  const std::string large(300'000, 'l');
  put("key", {"a", "b", "c", "d", "e"}, large);
  EXPECT_EQ(cache_.get("key"), large);
  EXPECT_EQ(cache_.touch("key", 60s), Status::kOk);
  EXPECT_EQ(cache_.get("key"), large);
  invalidate("e");
  EXPECT_FALSE(cache_.contains("key"));
  put("key", {"a"}, large);
  EXPECT_EQ(cache_.get("key"), large);
  EXPECT_EQ(cache_.stats().items, 1U);
}

TEST_F(TagsTest, ValuesKeepTheirTags) {
  put("counter", {"a", "b", "c", "d", "e"}, "1");
  EXPECT_EQ(cache_.increment("counter", 1'000'000'000'000).value, 1'000'000'000'001);
  EXPECT_EQ(cache_.touch("counter", 60s), Status::kOk);  // stored for ever before: a copy
  EXPECT_EQ(cache_.touch("counter", 90s), Status::kOk);  // in place
  EXPECT_EQ(cache_.increment("counter", 1).value, 1'000'000'000'002);
  EXPECT_GT(cache_.remaining_ttl("counter"), 80s);
  for (const auto* tag : {"x", "y", "z"}) invalidate(tag);
  ASSERT_TRUE(cache_.contains("counter"));
  invalidate("e");
  EXPECT_FALSE(cache_.contains("counter"));
}

/// What an increment makes of a value is as old as the value: it must not outlive the tag's invalidation by being counted on.
TEST_F(TagsTest, AnIncrementMakesAValueNoYounger) {
  put("counter", {"tag"}, "1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cache_.increment("counter", 1).status, Status::kOk);
    invalidate("unrelated");
  }
  EXPECT_EQ(cache_.get("counter"), "4");
  invalidate("tag");
  EXPECT_EQ(cache_.increment("counter", 1).value, 1);
}

TEST(TagsSizesTest, LongKeysEightTagsAndANamespaceFit) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  Namespace space = cache.in("space");
  const std::string key(4096, 'k');
  const Tags tags{"1", "2", "3", "4", "5", "6", "7", "8"};
  for (const std::size_t bytes : {0U, 1U, 3'000U, 4'000U, 4'100U, 8'000U, 20'000U, 200'000U}) {
    const std::string value(bytes, 'v');
    ASSERT_EQ(space.set(key, value, {.ttl = 60s, .tags = tags}), Status::kOk) << bytes;
    EXPECT_EQ(space.get(key), value) << bytes;
    EXPECT_FALSE(cache.get(key));
    LoadTicket ticket = space.try_load("other" + key.substr(5), {.ttl = 1s, .stale_for = 60s, .tags = tags});
    ASSERT_TRUE(ticket.owns_lease()) << bytes;
    EXPECT_EQ(ticket.fill(value), Status::kOk) << bytes;
    EXPECT_EQ(space.get("other" + key.substr(5)), value) << bytes;
    ASSERT_EQ(cache.invalidate_tag("8"), Status::kOk);
    EXPECT_FALSE(space.get(key) || space.get("other" + key.substr(5))) << bytes;
  }
  EXPECT_EQ(space.increment(key, 1, 41).value, 42);
  EXPECT_TRUE(cache.verify().ok);
}

TEST(TagsSizesTest, TagsThatShareAPlaceGoTogetherAndNothingElseDoes) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  constexpr int kTags = 1'000;
  for (int i = 0; i < kTags; ++i) ASSERT_EQ(cache.set("key" + std::to_string(i), "v", {.tags = {"tag" + std::to_string(i)}}), Status::kOk);
  ASSERT_EQ(cache.set("untagged", "v"), Status::kOk);
  ASSERT_EQ(cache.invalidate_tag("tag7"), Status::kOk);
  int gone = 0;
  for (int i = 0; i < kTags; ++i) gone += cache.contains("key" + std::to_string(i)) ? 0 : 1;
  EXPECT_FALSE(cache.contains("key7"));
  EXPECT_LT(gone, 60) << "of a thousand, with 128 places: 9 are expected";
  EXPECT_TRUE(cache.contains("untagged"));
}

TEST(TagsSpeedTest, ManyItemsAreInvalidatedInNoTimeAndTheirSpaceComesBack) {
  Cache cache = Cache::create_anonymous(with_capacity(64 * kMiB));
  constexpr int kItems = 200'000;
  const std::string value(150, 'v');
  for (int i = 0; i < kItems; ++i)
    ASSERT_EQ(cache.set("key" + std::to_string(i), value, {.tags = {"all", i % 2 == 0 ? "even" : "odd"}}), Status::kOk);
  ASSERT_EQ(cache.stats().evictions, 0U);
  std::vector<std::int64_t> ns;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(cache.invalidate_tag("all"), Status::kOk);
    ns.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(ns.begin(), ns.end());
  EXPECT_LT(ns[2], 100'000);
  std::printf("a tag of %d items is invalidated in %lld ns (median)\n", kItems, static_cast<long long>(ns[2]));
  for (int i = 0; i < kItems; i += 997) EXPECT_FALSE(cache.contains("key" + std::to_string(i)));
  // As many new ones of that size take the place of all of them, and hardly one of these goes for it.
  int kept = 0;
  for (int i = 0; i < kItems; ++i) ASSERT_EQ(cache.set("new" + std::to_string(i), value, {.tags = {"new", "n"}}), Status::kOk);
  for (int i = 0; i < kItems; ++i) kept += cache.contains("new" + std::to_string(i)) ? 1 : 0;
  EXPECT_GT(kept, kItems * 95 / 100);
  EXPECT_GT(cache.stats().invalidations, 0U);
}

TEST(TagsLifecycleTest, WhoMayNotWriteDoesNotInvalidate) {
  const ScratchName name("tags");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value", {.tags = {"tag"}}), Status::kOk);
  Cache looker = Cache::open_read_only(name);
  EXPECT_EQ(looker.invalidate_tag("tag"), Status::kReadOnly);
  EXPECT_EQ(looker.get("key"), "value");
  ASSERT_EQ(cache.invalidate_tag("tag"), Status::kOk);
  EXPECT_FALSE(looker.get("key"));
  ASSERT_TRUE(Cache::remove(name));
  EXPECT_EQ(cache.invalidate_tag("tag"), Status::kRetired);
}

}  // namespace
}  // namespace carafe::test
