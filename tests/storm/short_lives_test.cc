// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/values.h"

/// Many workers that live for a moment only, as scripts and cron jobs do, in a segment of which a tenth is in use: what each of them knew
/// about free memory goes with it, and must not be missed.
namespace carafe::test {
namespace {

constexpr std::size_t kKeys = 300;
constexpr int kLives = 300;

/// Gives every key a value of another size.
void overwrite_everything(Cache& cache, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t i = 0; i < kKeys; ++i) {
    const std::string key = numbered_key("k", i);
    CHILD_REQUIRE(cache.set(key, value_for(key, seed, 24 + random.below(180))) == Status::kOk);
  }
}

TEST(ShortLivesTest, HandlesThatCloseLeaveNoFreeMemoryUnseen) {
  const ScratchName name("short-lives");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  for (int life = 0; life < kLives; ++life) {
    Cache own = Cache::open(name);
    overwrite_everything(own, static_cast<std::uint64_t>(life));
  }
  const Stats stats = cache.stats();
  EXPECT_EQ(stats.items, kKeys);
  EXPECT_EQ(stats.evictions, 0U);
  EXPECT_GT(stats.pages_free, stats.pages / 2);
}

TEST(ShortLivesTest, WorkersThatAreKilledLeaveNoFreeMemoryUnseen) {
  const ScratchName name("short-lives");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  for (int life = 0; life < kLives; ++life) {
    Child child = Child::fork([&]() -> int {
      overwrite_everything(cache, static_cast<std::uint64_t>(life));
      for (;;) ::raise(SIGKILL);
    });
    ASSERT_EQ(child.wait(), 128 + SIGKILL);
  }
  const Stats stats = cache.stats();
  EXPECT_EQ(stats.items, kKeys);
  EXPECT_EQ(stats.evictions, 0U);
  EXPECT_GT(stats.pages_free, stats.pages / 2);
}

}  // namespace
}  // namespace carafe::test
