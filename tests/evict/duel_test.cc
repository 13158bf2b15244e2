// SPDX-License-Identifier: MIT
// The duel as a user meets it: which mode wins on which kind of traffic, and what it is worth.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "cache/engine.h"
#include "carafe/carafe.h"
#include "evict/shadow.h"
#include "support/random.h"

namespace carafe {
namespace {

Options options(Eviction eviction) {
  Options chosen;
  chosen.capacity_bytes = 2 << 20;
  chosen.eviction = eviction;
  return chosen;
}

/// get, and set on a miss. True when it was a hit.
bool request(Cache& cache, std::uint64_t key) {
  static const std::string value(200, 'v');
  static std::string out;
  char name[sizeof key];
  std::memcpy(name, &key, sizeof key);
  if (cache.get({name, sizeof name}, out) == Status::kOk) return true;
  EXPECT_EQ(cache.set({name, sizeof name}, value), Status::kOk);
  return false;
}

/// Hits among the last of `requests` requests for hot keys between never-ending new ones: what ruins CLOCK and LRU.
std::uint64_t hits_under_scans(Eviction eviction) {
  Cache cache = Cache::create_anonymous(options(eviction));
  test::Random random(7);
  std::uint64_t fresh = 1'000'000;
  std::uint64_t hits = 0;
  for (int i = 0; i < 200'000; ++i) {
    const bool hot = i % 2 == 0;
    const bool hit = request(cache, hot ? random.below(5'000) : fresh++);
    if (hot && i > 100'000) hits += hit ? 1 : 0;
  }
  return hits;
}

TEST(DuelTest, NewKeysThatNeverComeBackDoNotPushOutHotOnes) {
  const std::uint64_t clock = hits_under_scans(Eviction::kClock);
  const std::uint64_t duel = hits_under_scans(Eviction::kDuel);
  EXPECT_GT(duel, clock + clock / 20) << "plain CLOCK " << clock << " of 50,000";
}

TEST(DuelTest, ChangesItsModeWhenAnotherOneHitsMore) {
  Cache cache = Cache::create_anonymous(options(Eviction::kDuel));
  const std::string first = cache.eviction().mode;
  // Each key comes twice, half a cache apart: a short probation has given it up by then, plain CLOCK has not.
  for (std::uint64_t key = 3'000; key < 150'000; ++key) {
    request(cache, key);
    request(cache, key - 3'000);
  }
  const EvictionStats stats = cache.eviction();
  EXPECT_NE(stats.mode, first);
  EXPECT_GE(stats.switches, 1U);
  ASSERT_EQ(stats.contenders.size(), 4U);
  EXPECT_LE(stats.sampled_one_in, 16U);
  double best = 0;
  double played = 0;
  for (const auto& contender : stats.contenders) {
    best = std::max(best, contender.hit_ratio);
    if (contender.mode == stats.mode) played = contender.hit_ratio;
  }
  EXPECT_GT(best, 0.1);
  EXPECT_GT(played, best * 0.9);
}

TEST(DuelTest, PlainClockHasNeitherShadowsNorProbation) {
  Cache cache = Cache::create_anonymous(options(Eviction::kClock));
  for (std::uint64_t key = 0; key < 30'000; ++key) request(cache, key);
  const EvictionStats stats = cache.eviction();
  EXPECT_EQ(stats.mode, "clock");
  EXPECT_EQ(stats.sampled_one_in, 0U);
  EXPECT_TRUE(stats.contenders.empty());
  for (const SlabStats& slab : cache.slabs()) EXPECT_EQ(slab.probation, 0U);
  EXPECT_GT(cache.stats().evictions, 10'000U);
}

TEST(DuelTest, AKeyThatComesBackIsCounted) {
  Cache cache = Cache::create_anonymous(options(Eviction::kDuel));
  for (int round = 0; round < 3; ++round)
    for (std::uint64_t key = 0; key < 9'000; ++key) request(cache, key);
  EXPECT_GT(cache.eviction().ghost_hits, 100U);
  EXPECT_TRUE(cache.verify().ok);
}

class ShadowCacheTest : public testing::Test {
 protected:
  ShadowCacheTest() { ShadowCache::clear(shadow_); }
  Shadow shadow_{};
  Atomic<std::uint64_t> cursor_{0};
  Sketch sketch_{nullptr, 0, cursor_, 1};
};

TEST_F(ShadowCacheTest, PlainClockKeepsWhatIsUsed) {
  const ShadowCache clock(shadow_, kModeTable[kPlain], sketch_, 100);
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_FALSE(clock.access(KeyId{i + 1}));
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_TRUE(clock.access(KeyId{i + 1}));
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_FALSE(clock.access(KeyId{i + 1001}));
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_TRUE(clock.access(KeyId{i + 1})) << i;
  for (std::uint32_t i = 50; i < 100; ++i) EXPECT_FALSE(clock.access(KeyId{i + 1})) << i;
}

TEST_F(ShadowCacheTest, StaysWithinItsArraysWhateverIsInThem) {
  test::Random random(3);
  for (std::uint32_t round = 0; round < 200; ++round) {
    auto* words = reinterpret_cast<std::uint64_t*>(&shadow_);
    for (std::size_t i = 0; i < sizeof shadow_ / 8; ++i) words[i] = random.next();
    const ShadowCache cache(shadow_, kModeTable[round % kModes], sketch_, 1 + static_cast<std::uint32_t>(random.below(kShadowSlots)));
    for (int i = 0; i < 100; ++i) static_cast<void>(cache.access(KeyId{static_cast<std::uint32_t>(random.next())}));
  }
}

}  // namespace
}  // namespace carafe
