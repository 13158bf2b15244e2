// SPDX-License-Identifier: MIT
/// Workers that gave up their privileges and are in an empty chroot, stopped or killed while they hold every stripe. (That such workers read
/// and write, and are proven dead in the middle of real writes, tests/process/privileges_test.cc shows.)
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

#include "carafe/carafe.h"
#include "company/captor.h"
#include "company/inmate.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

constexpr uid_t kNobody = 65534;

struct Board {
  std::atomic<std::uint32_t> ready;
};

class ConfinedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    char path[] = "/tmp/carafe-empty-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    folder_ = path;
  }
  void TearDown() override {
    if (!folder_.empty()) ::rmdir(folder_.c_str());
  }
  void confine() const {
    CHILD_REQUIRE(::chroot(folder_.c_str()) == 0 && ::chdir("/") == 0);
    CHILD_REQUIRE(::setgroups(0, nullptr) == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
  }

  ScratchName name_{"confined"};
  SharedMemory memory_{sizeof(Board)};
  Board& board_ = memory_.as<Board>();
  std::string folder_;
};

TEST_F(ConfinedTest, AStoppedOneIsRobbedOfNothingAndAKilledOneIsSucceeded) {
  Cache cache = Cache::create(name_, with_capacity(2 * kMiB));
  ASSERT_EQ(write_everywhere(cache, 1000ms), "");
  const std::unique_ptr<Engine> engine = open_engine(name_);  // which the worker inherits: it could not open anything
  for (int round = 0; round < 5; ++round) {
    board_.ready.store(0);
    Child worker = Child::fork([&] {
      confine();
      CHILD_REQUIRE(hold_every_stripe(*engine));
      board_.ready.store(1);
      for (;;) ::pause();
      return 0;
    });
    ASSERT_TRUE(eventually(10s, [this] { return board_.ready.load() == 1; }));
    worker.signal(SIGSTOP);
    ASSERT_TRUE(worker.wait_until_stopped());
    for (std::uint64_t i = 0; i < 5; ++i) {
      const std::string key = numbered_key("everywhere", i);
      const auto start = std::chrono::steady_clock::now();
      ASSERT_EQ(cache.set(key, "stolen"), Status::kBusy);
      ASSERT_EQ(cache.get(key), "value");
      ASSERT_LT(std::chrono::steady_clock::now() - start, 500ms);
    }
    // Another confined worker judges no differently, though it can open nothing.
    Child peer = Child::fork([&] {
      confine();
      for (std::uint64_t i = 0; i < 5; ++i) CHILD_REQUIRE(cache.set(numbered_key("everywhere", i), "stolen") == Status::kBusy);
      CHILD_REQUIRE(cache.get(numbered_key("everywhere", 1)) == "value");
      return 0;
    });
    ASSERT_EQ(peer.wait(), 0);
    worker.kill();
    if (round % 2 == 0) {
      ASSERT_EQ(write_everywhere(cache, 1000ms), "");
    } else {
      Child heir = Child::fork([&] {
        confine();
        const std::string wrong = write_everywhere(cache, 1000ms);
        if (!wrong.empty()) std::fprintf(stderr, "%s\n", wrong.c_str());
        return wrong.empty() ? 0 : 1;
      });
      ASSERT_EQ(heir.wait(), 0);
    }
  }
  EXPECT_TRUE(cache.verify().ok);
}

/// It goes on where it was stopped, and still holds what it held.
TEST_F(ConfinedTest, AStoppedOneThatGoesOnStillHasWhatItHeld) {
  Cache cache = Cache::create(name_, with_capacity(2 * kMiB));
  const std::unique_ptr<Engine> engine = open_engine(name_);
  Child worker = Child::fork([&] {
    confine();
    CHILD_REQUIRE(hold_every_stripe(*engine));
    const std::uint64_t me = engine->worker().word;
    board_.ready.store(1);
    while (board_.ready.load() == 1) ::usleep(1'000);
    for (std::uint64_t i = 0; i < engine->view.geometry().stripe_count; ++i)
      CHILD_REQUIRE((engine->view.stripe(i).lock.load(kAcquire) & ~LockWord::kWaiters) == me);
    let_every_stripe_go(*engine);
    const std::string wrong = workout(cache, "confined", 100);
    return wrong.empty() ? 0 : 1;
  });
  ASSERT_TRUE(eventually(10s, [this] { return board_.ready.load() == 1; }));
  worker.signal(SIGSTOP);
  ASSERT_TRUE(worker.wait_until_stopped());
  EXPECT_EQ(cache.set("key", "value"), Status::kBusy);
  worker.signal(SIGCONT);
  board_.ready.store(2);
  EXPECT_EQ(worker.wait(), 0);
  EXPECT_EQ(write_everywhere(cache, 1000ms), "");
  EXPECT_EQ(cache.stats().recoveries, 0U);
}

}  // namespace
}  // namespace carafe::test
