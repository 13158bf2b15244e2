// SPDX-License-Identifier: MIT
#include "storm/storm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "carafe/carafe.h"
#include "storm/oracle.h"
#include "storm/requests.h"
#include "storm/worker.h"
#include "support/capacity.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/values.h"

/// Workers that are killed and stopped all the time; what they may read is judged by an oracle in memory of the harness's own. Two phases:
/// in a segment with room for everything, where nothing may be missing, and in one that is always full.
///
///   CARAFE_STORM_SECONDS=7200 storm_storm_test --gtest_filter='*UnderPressure'
///
/// README.md has what is checked, and every variable.
namespace carafe::test::storm {
namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise, std::uint64_t least, std::uint64_t most) {
  return std::clamp(number_from_environment(name, otherwise), least, most);
}

void play(const Phase& phase) {
  const bool brief = number_from_environment("CARAFE_TEST_SHORT", 0) != 0;
  const std::uint64_t seed = number_from_environment("CARAFE_STORM_SEED", std::random_device{}());
  const std::chrono::seconds duration(setting("CARAFE_STORM_SECONDS", brief ? 4 : 11, 1, 1'000'000));
  const std::size_t workers = setting("CARAFE_STORM_WORKERS", 8, 2, kMostWorkers);
  std::printf("CARAFE_STORM_SEED=%llu\n", Oracle::number(seed));
  std::fflush(stdout);

  SharedMemory memory(sizeof(Oracle));
  Oracle& oracle = memory.as<Oracle>();
  Storm storm(phase, seed, workers, oracle);
  storm.rage(duration);
  EXPECT_TRUE(storm.calm());
  storm.report("in the end");
  for (std::uint32_t i = 0; i < oracle.violations.load() && i < std::size(oracle.texts); ++i) ADD_FAILURE() << oracle.texts[i];
  if (oracle.violations.load() > 0) {
    ADD_FAILURE() << oracle.violations.load() << " in all, the first after " << storm.seconds() << " s";
    return;
  }
  EXPECT_GT(oracle.hits.load(), 1'000U);
  EXPECT_GT(oracle.strict.load(), 1'000U);
  EXPECT_LE(oracle.longest_own_ns.load() / kMillisecond, kLongestCall / kMillisecond) << "milliseconds of the longest call";

  Cache& cache = storm.cache();
  if (phase.roomy) {
    // A killed writer may leave a chunk behind. When there are thousands the pages run out, and the hand that looks for them may meet a
    // live item first; so this is not simply none.
    EXPECT_LE(oracle.lost.load() + oracle.lost_with_writer.load(), storm.kills());
    EXPECT_LE(cache.stats().evictions, storm.kills());
    for (std::size_t i = 0; i < phase.counters; ++i) {
      const auto value = cache.get(counter_text(i));
      ASSERT_TRUE(value.has_value()) << counter_text(i);
      EXPECT_GE(std::stoll(*value), oracle.counters[i].done.load()) << counter_text(i);
      EXPECT_LE(std::stoll(*value), oracle.counters[i].begun.load()) << counter_text(i);
      const auto other = cache.get(cas_counter_text(i));
      ASSERT_TRUE(other.has_value()) << cas_counter_text(i);
      const auto number = static_cast<std::int64_t>(sequence_of(cas_counter_text(i), *other, oracle.secret).value_or(0));
      EXPECT_GE(number, oracle.cas_counters[i].done.load()) << cas_counter_text(i);
      EXPECT_LE(number, oracle.cas_counters[i].begun.load()) << cas_counter_text(i);
      std::printf("  counters %zu: %s of %lld to %lld, %lld of %lld to %lld\n", i, value->c_str(),
                  static_cast<long long>(oracle.counters[i].done.load()), static_cast<long long>(oracle.counters[i].begun.load()),
                  static_cast<long long>(number), static_cast<long long>(oracle.cas_counters[i].done.load()),
                  static_cast<long long>(oracle.cas_counters[i].begun.load()));
    }
  } else {
    EXPECT_GT(cache.stats().evictions, 1'000U);
  }

  // Nothing is left locked, and every key is as usable as before.
  for (std::size_t i = 0; i < phase.keys && !::testing::Test::HasFailure(); ++i) {
    const std::string key = key_text(i);
    const Before before = oracle.look(i);
    const auto value = cache.get(key);
    oracle.judge(i, key, before, value ? &*value : nullptr, "get in the end", [&] { return cache.contains(key); });
    EXPECT_EQ(cache.set(key, value_for(key, i, 500)), Status::kOk) << key;
    EXPECT_EQ(cache.get(key), value_for(key, i, 500)) << key;
  }
  for (std::uint32_t i = 0; i < oracle.violations.load() && i < std::size(oracle.texts); ++i) ADD_FAILURE() << oracle.texts[i];
  const Stats stats = cache.stats();
  EXPECT_EQ(stats.gets, stats.hits + stats.misses);
  EXPECT_EQ(stats.corruptions, 0U);
  EXPECT_EQ(stats.workers, 1U);
  const VerifyReport report = cache.verify();
  EXPECT_TRUE(report.ok);
  for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
  EXPECT_HOLDS_98_PERCENT_OF_FRESH(cache, 17U, 100U);
  EXPECT_HOLDS_98_PERCENT_OF_FRESH(cache, 17U, 1'000U);
  EXPECT_EQ(cache.verify().unreferenced, 0U) << "left behind by the dead, after more than one turn of the hand";
}

TEST(StormTest, NothingIsLostWhereThereIsRoom) {
  const std::size_t brief = number_from_environment("CARAFE_TEST_SHORT", 0) != 0 ? 16 : 32;
  const std::size_t capacity = setting("CARAFE_STORM_ROOM_MIB", brief, 16, 65'536) * kMiB;
  play({.name = "with room", .roomy = true, .capacity_bytes = capacity, .keys = 160, .fillers = 3'000, .counters = 4});
}

TEST(StormTest, NothingIsWrongUnderPressure) {
  const std::size_t capacity = setting("CARAFE_STORM_PRESSURE_MIB", 2, 1, 65'536) * kMiB;
  const std::size_t fillers = capacity / 64;  // more than fit whatever their size
  play({.name = "under pressure", .roomy = false, .capacity_bytes = capacity, .keys = kMostKeys, .fillers = fillers, .counters = 4});
}

TEST(StormTest, ASeedRepeatsTheRequests) {
  const Phase phase{.name = "", .roomy = false, .capacity_bytes = kMiB, .keys = 100, .fillers = 1'000, .counters = 4};
  Random first(7);
  Random again(7);
  Random other(8);
  std::size_t same = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Request request = draw(first, phase);
    ASSERT_EQ(request, draw(again, phase)) << i;
    same += request == draw(other, phase) ? 1 : 0;
  }
  EXPECT_LT(same, 10U);
}

}  // namespace
}  // namespace carafe::test::storm
