// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/values.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

struct Board {
  std::atomic<std::uint64_t> attached;  // children whose first set was stored
  std::atomic<std::uint32_t> stop;
};

/// Sets until it is killed.
int set_until_killed(Cache& cache, Board& board) {
  CHILD_REQUIRE(insist([&] { return cache.set("hello", "world"); }) == Status::kOk);
  board.attached.fetch_add(1);
  Random random(static_cast<std::uint64_t>(::getpid()));
  while (board.stop.load() == 0) {
    const std::string key = numbered_key("k", random.below(100));
    const Status status = cache.set(key, value_for(key, 1, random.below(3'000)));
    CHILD_REQUIRE(status == Status::kOk || status == Status::kBusy);
  }
  return 0;
}

CARAFE_CHILD(set_until_killed) {
  Cache cache = Cache::open(arguments.at(0));
  SharedMemory memory = SharedMemory::inherit(arguments.at(1));
  return set_until_killed(cache, memory.as<Board>());
}

class SlotsProcessTest : public ::testing::Test {
 protected:
  static Options options(std::uint32_t max_workers) {
    Options options = with_capacity(kMiB);
    options.max_workers = max_workers;
    return options;
  }
  std::uint64_t alive(const Cache& cache) {
    std::uint64_t count = 0;
    for (const WorkerStats& worker : cache.workers()) count += worker.alive ? 1 : 0;
    return count;
  }

  ScratchName name_{"slots"};
  SharedMemory memory_{sizeof(Board)};
  Board& board_ = memory_.as<Board>();
};

TEST_F(SlotsProcessTest, TwoHundredKilledWorkersNeverFillATableOfEight) {
  Cache cache = Cache::create(name_, options(8));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  Random random(4);
  std::vector<Child> living;
  for (std::uint64_t i = 0; i < 200; ++i) {
    living.push_back(Child::spawn("set_until_killed", {name_.str(), memory_.argument()}));
    ASSERT_TRUE(eventually(20s, [&] { return board_.attached.load() == i + 1; })) << "worker " << i << " found no slot";
    if (living.size() == 5) {
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(2'000)));
      living.erase(living.begin() + static_cast<std::ptrdiff_t>(random.below(living.size())));
    }
  }
  living.clear();
  EXPECT_EQ(alive(cache), 1U);
  EXPECT_EQ(cache.stats().workers, 1U);
  EXPECT_GE(cache.stats().registrations, 201U);
  EXPECT_EQ(workout(cache, "after", 200), "");
  const VerifyReport report = cache.verify();
  EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
}

TEST_F(SlotsProcessTest, AThousandForkedWorkersThatAreKilledAtOnceNeverFillATableOfFour) {
  Cache cache = Cache::create_anonymous(options(4));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  Random random(5);
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    const std::uint64_t before = board_.attached.load();
    Child child = Child::fork([&] { return set_until_killed(cache, board_); });
    if (i % 4 == 0) {
      ASSERT_TRUE(eventually(20s, [&] { return board_.attached.load() > before; })) << "worker " << i << " found no slot";
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(400)));
    }
    child.kill();
  }
  EXPECT_EQ(alive(cache), 1U);
  EXPECT_EQ(workout(cache, "after", 200), "");
}

TEST_F(SlotsProcessTest, ATableFullOfTheLivingSaysSoAndServesReadsUntilOneLeaves) {
  Cache cache = Cache::create(name_, options(4));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  std::vector<Child> living;
  for (std::uint64_t i = 0; i < 3; ++i) {
    living.push_back(Child::spawn("set_until_killed", {name_.str(), memory_.argument()}));
    ASSERT_TRUE(eventually(20s, [&] { return board_.attached.load() == i + 1; }));
  }
  ASSERT_EQ(alive(cache), 4U);

  struct Fifth {
    Meeting meeting;
  };
  SharedMemory fifth_memory(sizeof(Fifth));
  Meeting& meeting = fifth_memory.as<Fifth>().meeting;
  Child fifth = Child::fork([&] {  // with a handle of its parent's, for which it finds no slot of its own
    CHILD_REQUIRE(cache.set("fifth", "value") == Status::kNoWorkerSlot);
    CHILD_REQUIRE(cache.erase("key") == Status::kNoWorkerSlot);
    CHILD_REQUIRE(cache.get("key") == "value");
    try {
      Cache::open(name_);
      std::_Exit(95);  // opened without a slot
    } catch (const Error& error) {
      CHILD_REQUIRE(error.status() == Status::kNoWorkerSlot);
      CHILD_REQUIRE(std::string(error.what()).find(name_.str()) != std::string::npos);
    }
    CHILD_REQUIRE(meeting.meet(2));
    CHILD_REQUIRE(meeting.meet(2));
    CHILD_REQUIRE(eventually(1500ms, [&cache] { return cache.set("fifth", "value") == Status::kOk; }));
    CHILD_REQUIRE(Cache::open_read_only(name_).get("fifth") == "value");
    return 0;
  });
  ASSERT_TRUE(meeting.meet(2));
  living.pop_back();  // killed
  ASSERT_TRUE(meeting.meet(2));
  EXPECT_EQ(fifth.wait(), 0);
  EXPECT_EQ(cache.get("fifth"), "value");
}

TEST_F(SlotsProcessTest, AWorkerThatEndsOrClosesGivesItsSlotBack) {
  Cache cache = Cache::create(name_, options(4));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  for (int i = 0; i < 20; ++i) {
    Child child = Child::fork([this] {
      for (int round = 0; round < 10; ++round) {
        Cache own = Cache::open(name_);
        CHILD_REQUIRE(insist([&] { return own.set("key", "value"); }) == Status::kOk);
      }
      return 0;
    });
    ASSERT_EQ(child.wait(), 0);
    ASSERT_EQ(alive(cache), 1U);
  }
}

TEST_F(SlotsProcessTest, CountersOfTheDeadStayInTheSums) {
  Cache cache = Cache::create(name_, options(4));
  for (int i = 0; i < 30; ++i) {
    Child child = Child::fork([this] {
      Cache own = Cache::open(name_);
      for (int round = 0; round < 10; ++round) {
        CHILD_REQUIRE(insist([&] { return own.set("key", "value"); }) == Status::kOk);
        CHILD_REQUIRE(own.get("key") == "value");
        CHILD_REQUIRE(!own.get("absent"));
      }
      ::raise(SIGKILL);
      return 0;
    });
    ASSERT_EQ(child.wait(), 128 + SIGKILL);
    const Stats stats = cache.stats();
    ASSERT_EQ(stats.sets, static_cast<std::uint64_t>(10 * (i + 1)));
    ASSERT_EQ(stats.hits, static_cast<std::uint64_t>(10 * (i + 1)));
    ASSERT_EQ(stats.misses, static_cast<std::uint64_t>(10 * (i + 1)));
    ASSERT_EQ(stats.gets, stats.hits + stats.misses);
  }
}

TEST_F(SlotsProcessTest, AStoppedWorkerCountsAsAliveAndAKilledOneDoesNot) {
  Cache cache = Cache::create(name_, options(4));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  Child child = Child::spawn("set_until_killed", {name_.str(), memory_.argument()});
  ASSERT_TRUE(eventually(20s, [this] { return board_.attached.load() == 1; }));
  child.signal(SIGSTOP);
  ASSERT_TRUE(child.wait_until_stopped());
  EXPECT_EQ(alive(cache), 2U);
  bool listed = false;
  for (const WorkerStats& worker : cache.workers()) listed = listed || (worker.alive && worker.pid == child.pid());
  EXPECT_TRUE(listed);
  child.kill();
  EXPECT_EQ(alive(cache), 1U);
}

}  // namespace
}  // namespace carafe::test
