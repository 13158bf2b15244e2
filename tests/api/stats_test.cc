// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "carafe/carafe.h"
#include "support/fake_clock.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

TEST(StatsTest, ANewSegmentHasCountedNothing) {
  Cache cache = Cache::create_anonymous(with_capacity(4 * kMiB));
  const Stats stats = cache.stats();
  EXPECT_EQ(stats.gets, 0U);
  EXPECT_EQ(stats.sets, 0U);
  EXPECT_EQ(stats.items, 0U);
  EXPECT_EQ(stats.bytes_used, 0U);
  EXPECT_EQ(stats.evictions, 0U);
  EXPECT_EQ(stats.capacity_bytes, 4 * kMiB);
  EXPECT_GT(stats.pages, 0U);
  EXPECT_FALSE(stats.retired);
  EXPECT_EQ(stats.hit_ratio(), 0.0);
}

TEST(StatsTest, GetsAreHitsAndMisses) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  std::string reused;
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(cache.get("key").has_value());
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(cache.get("absent").has_value());
  EXPECT_EQ(cache.get("key", reused), Status::kOk);
  EXPECT_EQ(cache.get("absent", reused), Status::kNotFound);
  EXPECT_TRUE(cache.get_versioned("key").has_value());
  const Stats stats = cache.stats();
  EXPECT_EQ(stats.gets, stats.hits + stats.misses);
  EXPECT_EQ(stats.hits, 32U);
  EXPECT_EQ(stats.misses, 11U);
  EXPECT_DOUBLE_EQ(stats.hit_ratio(), 32.0 / 43.0);
}

TEST(StatsTest, ContainsRemainingTtlStatsAndVerifyCountAsNoGet) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  ASSERT_TRUE(cache.contains("key"));
  ASSERT_FALSE(cache.contains("absent"));
  ASSERT_TRUE(cache.remaining_ttl("key").has_value());
  ASSERT_TRUE(cache.verify().ok);
  ASSERT_FALSE(cache.workers().empty());
  const Stats stats = cache.stats();
  EXPECT_EQ(stats.gets, 0U);
  EXPECT_EQ(stats.hits, 0U);
  EXPECT_EQ(stats.misses, 0U);
}

TEST(StatsTest, EveryStoringVerbCountsAsASetWhenItStores) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  ASSERT_EQ(cache.set("a", "1"), Status::kOk);
  ASSERT_EQ(cache.add("b", "1"), Status::kOk);
  ASSERT_EQ(cache.replace("a", "2"), Status::kOk);
  ASSERT_EQ(cache.increment("a", 1).value, 3);
  ASSERT_EQ(cache.compare_and_set("a", cache.get_versioned("a")->version, "4"), Status::kOk);
  EXPECT_EQ(cache.stats().sets, 5U);
  ASSERT_EQ(cache.add("a", "1"), Status::kExists);
  ASSERT_EQ(cache.replace("absent", "1"), Status::kNotFound);
  ASSERT_EQ(cache.set("", "1"), Status::kBadKey);
  ASSERT_EQ(cache.set("large", std::string(kMiB, 'x')), Status::kTooLarge);
  EXPECT_EQ(cache.stats().sets, 5U);
}

TEST(StatsTest, ErasesCountKeysThatWereRemoved) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  ASSERT_EQ(cache.erase("key"), Status::kOk);
  ASSERT_EQ(cache.erase("key"), Status::kNotFound);
  EXPECT_EQ(cache.stats().erases, 1U);
}

TEST(StatsTest, ItemsAndBytesReturnToZeroWhenEverythingIsErased) {
  Cache cache = Cache::create_anonymous(with_capacity(8 * kMiB));
  Random random(11);
  std::uint64_t value_bytes = 0;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const std::size_t bytes = i % 100 == 0 ? 50'000 : random.below(2'000);
    value_bytes += bytes;
    ASSERT_EQ(cache.set(numbered_key("k", i), std::string(bytes, 'v')), Status::kOk);
  }
  Stats stats = cache.stats();
  ASSERT_EQ(stats.evictions, 0U);
  EXPECT_EQ(stats.items, 3000U);
  EXPECT_GE(stats.bytes_used, value_bytes);
  EXPECT_LE(stats.bytes_used, value_bytes + value_bytes / 4 + 3000 * 64);
  for (std::uint64_t i = 0; i < 3000; ++i) ASSERT_EQ(cache.erase(numbered_key("k", i)), Status::kOk);
  stats = cache.stats();
  EXPECT_EQ(stats.items, 0U);
  EXPECT_EQ(stats.bytes_used, 0U);
}

TEST(StatsTest, ItemsAreSetsLessEvictionsWhenEveryKeyIsNew) {
  Cache cache = Cache::create_anonymous(with_capacity(2 * kMiB));
  for (std::uint64_t i = 0; i < 30'000; ++i) ASSERT_EQ(cache.set(numbered_key("k", i), std::string(i % 400, 'v')), Status::kOk);
  const Stats stats = cache.stats();
  EXPECT_GT(stats.evictions, 0U);
  EXPECT_EQ(stats.sets, 30'000U);
  EXPECT_EQ(stats.items, stats.sets - stats.evictions);
  EXPECT_LE(stats.conflict_evictions, stats.evictions);
  EXPECT_EQ(stats.no_space, 0U);
  std::uint64_t found = 0;
  cache.for_each([&found](std::string_view, std::string_view) { ++found; });
  EXPECT_EQ(found, stats.items);
  EXPECT_EQ(cache.verify().items, stats.items);
}

TEST(StatsTest, BytesUsedIsWhatTheSlabsSayIsUsed) {
  Cache cache = Cache::create_anonymous(with_capacity(4 * kMiB));
  for (std::uint64_t i = 0; i < 5'000; ++i) ASSERT_EQ(cache.set(numbered_key("k", i), std::string(i % 1000, 'v')), Status::kOk);
  std::uint64_t used = 0;
  std::uint64_t pages = 0;
  for (const SlabStats& slab : cache.slabs()) {
    EXPECT_EQ(slab.chunks, slab.used + slab.free + slab.claimed) << slab.chunk_bytes;
    pages += slab.pages;
    if (!slab.is_index) used += slab.used * slab.chunk_bytes;
  }
  const Stats stats = cache.stats();
  EXPECT_EQ(stats.bytes_used, used);
  EXPECT_EQ(stats.pages, pages + stats.pages_free);
  EXPECT_GT(stats.index_bytes, 0U);
}

TEST(StatsTest, ExpirationsAreCountedWhenTheirRoomIsTakenAndAreNoEvictions) {
  FakeClock clock;
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_EQ(cache.set(numbered_key("brief", i), std::string(100, 'v'), 10ms), Status::kOk);
  clock.advance(20ms);
  // A page that the index needs may cost the live items on it, some 60; beyond these no live item goes before the last expired one.
  std::uint64_t stored = 0;
  for (; cache.stats().evictions < 200 && stored < 100'000; ++stored) {
    ASSERT_EQ(cache.set(numbered_key("later", stored), std::string(100, 'v'), 1h), Status::kOk);
  }
  const Stats stats = cache.stats();
  EXPECT_EQ(stats.expirations, 1000U);
  EXPECT_EQ(stats.items, stored - stats.evictions);
}

TEST(StatsTest, CountersSurviveTheHandleThatCounted) {
  const ScratchName name("stats");
  {
    Cache first = Cache::create(name, with_capacity(kMiB));
    ASSERT_EQ(first.set("key", "value"), Status::kOk);
    ASSERT_TRUE(first.get("key").has_value());
  }
  Cache second = Cache::open(name);
  ASSERT_TRUE(second.get("key").has_value());
  const Stats stats = second.stats();
  EXPECT_EQ(stats.sets, 1U);
  EXPECT_EQ(stats.hits, 2U);
  EXPECT_GE(stats.registrations, 2U);
}

TEST(StatsTest, AWorkerIsListedWithItsPidAndCounts) {
  const ScratchName name("workers");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  ASSERT_TRUE(cache.get("key").has_value());
  std::uint64_t alive = 0;
  for (const WorkerStats& worker : cache.workers()) {
    if (!worker.alive) continue;
    ++alive;
    EXPECT_EQ(worker.pid, static_cast<std::int64_t>(::getpid()));
    EXPECT_EQ(worker.sets, 1U);
    EXPECT_EQ(worker.hits, 1U);
    EXPECT_EQ(worker.gets, 1U);
    EXPECT_GT(worker.incarnation, 0U);
    EXPECT_LT(worker.attached_ms_ago, 60'000U);
  }
  EXPECT_EQ(alive, 1U);
  EXPECT_EQ(cache.stats().workers, 1U);
}

TEST(StatsTest, InfoTellsWhatTheSegmentIs) {
  const ScratchName name("info");
  Options options = with_capacity(3 * kMiB);
  options.max_workers = 17;
  Cache cache = Cache::create(name, options);
  const SegmentInfo info = cache.info();
  EXPECT_EQ(info.name, name.str());
  EXPECT_EQ(info.capacity_bytes, 3 * kMiB);
  EXPECT_EQ(info.layout_version, kLayoutVersion);
  EXPECT_EQ(info.max_workers, 17U);
  EXPECT_EQ(info.largest_value_bytes, 3 * kMiB / 4);
  EXPECT_EQ(info.epoch, 0U);
  EXPECT_EQ(info.owner_uid, ::geteuid());
  EXPECT_EQ(info.mode, 0600U);
  EXPECT_FALSE(info.retired);
  EXPECT_LE(info.pages * info.page_bytes, info.capacity_bytes);
  EXPECT_GT(info.stripes, 0U);
  EXPECT_NEAR(static_cast<double>(info.created_unix_seconds), static_cast<double>(::time(nullptr)), 60.0);
  EXPECT_EQ(Cache::create_anonymous(options).info().name, "");
}

TEST(StatsTest, WorkersByDefaultGoFrom64At1MiBTo1024At64MiB) {
  EXPECT_EQ(Cache::create_anonymous(with_capacity(kMiB)).info().max_workers, 64U);
  EXPECT_EQ(Cache::create_anonymous(with_capacity(64 * kMiB)).info().max_workers, 1024U);
}

TEST(StatsTest, WindowsOfAYoungSegmentCoverItsAge) {
  FakeClock clock;
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(cache.get("key").has_value());
    ASSERT_FALSE(cache.get("absent").has_value());
    clock.advance(100ms);
  }
  const Stats stats = cache.stats();
  const std::uint32_t seconds[] = {10, 60, 600, 3600};
  for (std::size_t i = 0; i < 4; ++i) {
    const WindowStats& window = stats.windows[i];
    EXPECT_EQ(window.seconds, seconds[i]);
    EXPECT_NEAR(window.covered_seconds, 3.0, 0.2) << seconds[i];
    EXPECT_EQ(window.gets, 60U) << seconds[i];
    EXPECT_EQ(window.hits, 30U) << seconds[i];
    EXPECT_EQ(window.misses, 30U) << seconds[i];
    EXPECT_EQ(window.sets, 1U) << seconds[i];
    EXPECT_DOUBLE_EQ(window.hit_ratio(), 0.5) << seconds[i];
  }
}

TEST(StatsTest, WindowsForgetWhatIsOlderThanTheirLength) {
  FakeClock clock;
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  const auto gets_for = [&](std::chrono::seconds time, std::string_view key) {  // 10 a second
    for (auto left = time; left > 0s; left -= 1s) {
      for (int i = 0; i < 10; ++i) {
        static_cast<void>(cache.get(key));
        clock.advance(100ms);
      }
    }
  };
  gets_for(20min, "absent");
  gets_for(5min, "key");
  const Stats stats = cache.stats();
  for (const WindowStats& window : stats.windows) {
    const double nominal = std::min<double>(window.seconds, 25 * 60);
    EXPECT_NEAR(window.covered_seconds, nominal, nominal * 0.15 + 0.2) << window.seconds;
    EXPECT_NEAR(static_cast<double>(window.gets), window.covered_seconds * 10, nominal * 10 * 0.02 + 20) << window.seconds;
    EXPECT_EQ(window.gets, window.hits + window.misses) << window.seconds;
  }
  EXPECT_DOUBLE_EQ(stats.windows[0].hit_ratio(), 1.0);
  EXPECT_DOUBLE_EQ(stats.windows[1].hit_ratio(), 1.0);
  EXPECT_NEAR(stats.windows[2].hit_ratio(), 0.5, 0.1);
  EXPECT_NEAR(stats.windows[3].hit_ratio(), 0.2, 0.03);
  EXPECT_NEAR(stats.hit_ratio(), 0.2, 0.01);
}

TEST(StatsTest, AfterALongSilenceAWindowDoesNotShowTheRateOfBefore) {
  FakeClock clock;
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  for (int i = 0; i < 1200; ++i) {
    ASSERT_TRUE(cache.get("key").has_value());
    clock.advance(100ms);
  }
  clock.advance(30min);
  const WindowStats last_ten_seconds = cache.stats().windows[0];
  EXPECT_LT(static_cast<double>(last_ten_seconds.gets), 1.0 + last_ten_seconds.covered_seconds) << "before, there were 10 a second";
}

}  // namespace
}  // namespace carafe::test
