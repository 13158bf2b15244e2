// SPDX-License-Identifier: MIT
/// Two containers with one cache: each worker is process 1 where it lives. Robust mutexes take one for the other there: the end of a mere
/// waiter marks the lock of a living holder as orphaned. Pids mean nothing to carafe.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "carafe/carafe.h"
#include "company/captor.h"
#include "company/inmate.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/values.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

struct Board {
  std::atomic<std::uint32_t> ready;
  std::atomic<std::uint32_t> go;
  std::atomic<std::uint32_t> attached;
  std::atomic<std::uint32_t> killed;
  std::atomic<std::uint32_t> stop;
  std::atomic<std::uint64_t> begun;
  std::atomic<std::uint64_t> done;
  std::atomic<std::uint64_t> busy;
};

class PidNamespacesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Cloned probe(CLONE_NEWPID, [] { return ::getpid() == 1 ? 0 : 1; });
    if (probe.pid() < 0) GTEST_SKIP() << "no pid namespaces here: " << std::strerror(errno);
    ASSERT_EQ(probe.wait(), 0);
  }

  /// A worker that is process 1 of a namespace of its own, and has opened the segment by name.
  Cloned worker(const std::function<int(Cache&)>& body) {
    Cloned cloned(CLONE_NEWPID, [&] {
      CHILD_REQUIRE(::getpid() == 1);
      Cache own = Cache::open(name_);
      return body(own);
    });
    return cloned;
  }
  /// One that holds every stripe until `go`, then lets them go.
  Cloned captor() {
    board_.ready.store(0);
    board_.go.store(0);
    Cloned cloned(CLONE_NEWPID, [this] {
      CHILD_REQUIRE(::getpid() == 1);
      const std::unique_ptr<Engine> engine = open_engine(name_);
      CHILD_REQUIRE(hold_every_stripe(*engine));
      board_.ready.store(1);
      while (board_.go.load() == 0) ::usleep(500);
      // Every lock still is as we took it: nobody was let in meanwhile.
      const std::uint64_t me = engine->worker().word;
      for (std::uint64_t i = 0; i < engine->view.geometry().stripe_count; ++i)
        CHILD_REQUIRE((engine->view.stripe(i).lock.load(kAcquire) & ~LockWord::kWaiters) == me);
      let_every_stripe_go(*engine);
      return 0;
    });
    EXPECT_TRUE(eventually(10s, [this] { return board_.ready.load() == 1; }));
    return cloned;
  }

  ScratchName name_{"pidns"};
  Cache cache_ = Cache::create(name_, with_capacity(2 * kMiB));
  SharedMemory memory_{sizeof(Board)};
  Board& board_ = memory_.as<Board>();
};

TEST_F(PidNamespacesTest, WorkersWithEqualPidsHaveSlotsOfTheirOwn) {
  Cloned workers[3];
  for (Cloned& each : workers)
    each = worker([this](Cache& own) {
      const std::string tag = "w" + std::to_string(board_.ready.fetch_add(1));
      while (board_.go.load() == 0) ::usleep(500);
      const std::string wrong = workout(own, tag, 500);
      if (!wrong.empty()) std::fprintf(stderr, "%s\n", wrong.c_str());
      return wrong.empty() ? 0 : 1;
    });
  ASSERT_TRUE(eventually(10s, [this] { return board_.ready.load() == 3; }));
  int first_processes = 0;
  for (const WorkerStats& each : cache_.workers()) first_processes += each.alive && each.pid == 1 ? 1 : 0;
  EXPECT_EQ(first_processes, 3);
  board_.go.store(1);
  for (Cloned& each : workers) EXPECT_EQ(each.wait(), 0);
  EXPECT_TRUE(cache_.verify().ok);
}

/// The heir was there before, so it does not get the dead one's slot, whose new incarnation would be proof enough.
TEST_F(PidNamespacesTest, AKilledHolderIsSucceededByAWorkerWithTheSamePid) {
  Cloned heir = worker([this](Cache& own) {
    CHILD_REQUIRE(own.set("heir", "is here") == Status::kOk);
    board_.attached.store(1);
    while (board_.killed.load() == 0) ::usleep(500);
    const std::string wrong = write_everywhere(own, 1000ms);
    if (!wrong.empty()) std::fprintf(stderr, "%s\n", wrong.c_str());
    return wrong.empty() ? 0 : 1;
  });
  ASSERT_TRUE(eventually(10s, [this] { return board_.attached.load() == 1; }));
  Cloned dying = captor();
  dying.kill();
  board_.killed.store(1);
  EXPECT_EQ(heir.wait(), 0);
  EXPECT_GT(cache_.stats().recoveries, 0U);
}

/// A holder whose pid nobody has where the other lives, is alive all the same.
TEST_F(PidNamespacesTest, AHolderThatTheOtherNamespaceDoesNotSeeIsRobbedOfNothing) {
  const std::unique_ptr<Engine> engine = open_engine(name_);
  ASSERT_TRUE(hold_every_stripe(*engine));
  Cloned other = worker([](Cache& own) {
    for (std::uint64_t i = 0; i < 5; ++i) CHILD_REQUIRE(own.set(numbered_key("everywhere", i), "stolen") == Status::kBusy);
    return 0;
  });
  EXPECT_EQ(other.wait(), 0);
  let_every_stripe_go(*engine);
  EXPECT_EQ(write_everywhere(cache_, 1000ms), "");
  EXPECT_EQ(cache_.stats().recoveries, 0U);
}

TEST_F(PidNamespacesTest, TheEndOfAWaiterWithTheHoldersPidRobsNobody) {
  Cloned holder = captor();
  for (int i = 0; i < 10; ++i) {
    board_.busy.store(0);
    Cloned waiter = worker([this](Cache& own) {
      for (std::uint64_t k = 0;; ++k) {
        if (own.set(numbered_key("everywhere", k % kKeysForEveryStripe), "stolen") == Status::kOk) ::_exit(90);
        board_.busy.fetch_add(1);
      }
      return 0;
    });
    ASSERT_TRUE(eventually(10s, [this] { return board_.busy.load() >= 2; }));
    ::usleep(3'000);  // within the wait of the next one
    waiter.kill();
    Cloned next = worker([](Cache& own) { return own.set(numbered_key("everywhere", 7), "stolen") == Status::kBusy ? 0 : 1; });
    ASSERT_EQ(next.wait(), 0) << "a living holder's lock was given away, round " << i;
    ASSERT_EQ(cache_.set(numbered_key("everywhere", 7), "stolen"), Status::kBusy);
  }
  board_.go.store(1);
  EXPECT_EQ(holder.wait(), 0);
  EXPECT_EQ(write_everywhere(cache_, 1000ms), "");
  EXPECT_EQ(cache_.stats().recoveries, 0U) << "some lock was taken over while its holder lived";
}

/// Mutual exclusion, shown by a sum: each increment is begun, then done, outside the cache too.
TEST_F(PidNamespacesTest, IncrementsOfWorkersWithEqualPidsSumExactlyThroughKills) {
  ASSERT_EQ(cache_.set("count", "0"), Status::kOk);
  const auto count = [this](Cache& own) {
    while (board_.stop.load() == 0) {
      board_.begun.fetch_add(1);
      CHILD_REQUIRE(insist([&] { return own.increment("count", 1).status; }) == Status::kOk);
      board_.done.fetch_add(1);
    }
    return 0;
  };
  Cloned staying[2] = {worker(count), worker(count)};
  int kills = 0;
  for (; kills < 25; ++kills) {
    const std::uint64_t before = board_.done.load();
    Cloned victim = worker(count);
    ASSERT_TRUE(eventually(10s, [&] { return board_.done.load() > before + 50; }));
    ::usleep(500);
    victim.kill();
  }
  board_.stop.store(1);
  for (Cloned& each : staying) EXPECT_EQ(each.wait(), 0);
  const std::uint64_t counted = std::stoull(cache_.get("count").value_or("0"));
  EXPECT_GE(counted, board_.done.load());
  EXPECT_LE(counted, board_.begun.load());
  EXPECT_LE(board_.begun.load() - board_.done.load(), static_cast<std::uint64_t>(kills));
  EXPECT_TRUE(cache_.verify().ok);
}

}  // namespace
}  // namespace carafe::test
