// SPDX-License-Identifier: MIT
/// Workers attach and are killed, for ever, at a table of 64 slots: the dead never fill it, no kill leaves anything behind, and whoever
/// comes next attaches at the first try.
///
///   CARAFE_ATTACH_KILLS=100000 company_attach_and_kill_test     the long run; 2000 by default
///   CARAFE_ATTACH_SEED=7                                        other moments
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "carafe/carafe.h"
#include "company/footprint.h"
#include "support/child.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/values.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSlots = 64;

struct Board {
  std::atomic<std::uint64_t> refused;
  std::atomic<std::uint64_t> torn;
};

TEST(AttachAndKillTest, TheDeadNeverFillATableOfSixtyFour) {
  const std::uint64_t cycles = number_from_environment("CARAFE_ATTACH_KILLS", std::getenv("CARAFE_TEST_SHORT") != nullptr ? 300 : 2'000);
  Random random(number_from_environment("CARAFE_ATTACH_SEED", 1));
  const ScratchName name("attach");
  Options options = with_capacity(2 * kMiB);
  options.max_workers = kSlots;
  Cache cache = Cache::create(name, options);
  SharedMemory memory(sizeof(Board));
  Board& board = memory.as<Board>();
  const Footprint before = Footprint::take(name.str());

  // Attaching by name or with the inherited handle, working, and dying whenever it comes.
  const auto live = [&](std::uint64_t seed) {
    Random own(seed);
    const auto work = [&](Cache& mine) {
      for (std::uint64_t i = 0;; ++i) {
        const std::string key = numbered_key("k", own.below(500));
        const Status status = mine.set(key, value_for(key, i, 24 + own.below(1'500)));
        if (status == Status::kNoWorkerSlot) board.refused.fetch_add(1);
        const auto value = mine.get(key);
        if (value && !sequence_of(key, *value)) board.torn.fetch_add(1);
      }
    };
    if (!own.one_in(3)) work(cache);
    try {
      Cache mine = Cache::open(name);
      work(mine);
    } catch (const Error& error) {
      board.refused.fetch_add(1);
      std::fprintf(stderr, "%s\n", error.what());
    }
    return 1;
  };

  // Up to 55 at a time, mostly stopped, as idle workers are: two processors cannot run them all. With a handle each, and the inherited one
  // registered in root's atfork handler, a child may have two slots.
  std::vector<Child> living;
  const std::size_t most = (kSlots - 4) / 2;
  std::uint64_t slow = 0;
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    if (living.size() == most) {
      const std::size_t victim = random.below(living.size());
      living[victim].kill();
      living.erase(living.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    const std::uint64_t seed = random.next();
    living.push_back(Child::fork([&] { return live(seed); }));
    ::usleep(static_cast<useconds_t>(random.below(600)));
    if (random.one_in(2)) {
      living.back().kill();
      living.pop_back();
    } else {
      living.back().signal(SIGSTOP);
    }
    if (cycle % 64 == 0) {
      // The stopped ones are alive, and rob nobody nor are they robbed: a stripe that one of them holds is busy, for bounded time.
      const auto start = std::chrono::steady_clock::now();
      const Status status = cache.set("parent", "value");
      ASSERT_TRUE(status == Status::kOk || status == Status::kBusy) << to_string(status);
      slow += std::chrono::steady_clock::now() - start > 500ms ? 1 : 0;
      if (living.size() > 8) {  // let stripes go again, so that the work does not starve
        for (std::size_t i = 0; i < living.size() / 2; ++i) living[i].kill();
        living.erase(living.begin(), living.begin() + static_cast<std::ptrdiff_t>(living.size() / 2));
      }
    }
    ASSERT_EQ(board.refused.load(), 0U) << "no slot for worker " << cycle;
    ASSERT_EQ(board.torn.load(), 0U) << "a torn value at worker " << cycle;
  }
  living.clear();

  EXPECT_EQ(slow, 0U);
  EXPECT_EQ(cache.stats().workers, 1U);
  EXPECT_LE(cache.stats().registrations, 3 * cycles + 8);
  EXPECT_GE(cache.stats().registrations, cycles / 4) << "hardly anybody attached: the test proves little";
  const VerifyReport report = cache.verify();
  EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
  EXPECT_EQ(workout(cache, "after", 200), "");
  EXPECT_EQ(Footprint::take(name.str()).beyond(before), "") << "left behind in the parent";
  std::fprintf(stderr, "%llu cycles, %llu registrations, %llu locks taken over from the dead\n", static_cast<unsigned long long>(cycles),
               static_cast<unsigned long long>(cache.stats().registrations), static_cast<unsigned long long>(cache.stats().recoveries));
}

}  // namespace
}  // namespace carafe::test
