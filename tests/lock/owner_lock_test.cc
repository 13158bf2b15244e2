// SPDX-License-Identifier: MIT
#include "lock/owner_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

#include "support/small_engine.h"

namespace carafe {
namespace {

class OwnerLockTest : public testing::Test {
 protected:
  /// Forks a child that takes the lock and then stops in `pause`; returns once it has it.
  pid_t fork_holder() {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      const Worker me = engine_.worker();
      if (OwnerLock::try_lock(lock_, me) != LockResult::kLocked) ::_exit(1);
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    return pid;
  }
  static void end(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }

  Engine engine_ = test::small_engine();
  Atomic<std::uint64_t>& lock_ = engine_.view.stripe(0).lock;
};

TEST_F(OwnerLockTest, IsTakenOnceAndFreeAgainAfterUnlock) {
  const Worker me = engine_.worker();
  ASSERT_EQ(OwnerLock::try_lock(lock_, me), LockResult::kLocked);
  EXPECT_EQ(OwnerLock::try_lock(lock_, me), LockResult::kBusy);  // a sibling thread of the same worker waits like anyone
  OwnerLock::unlock(lock_);
  EXPECT_EQ(OwnerLock::lock(lock_, me, 0), LockResult::kLocked);
  OwnerLock::unlock(lock_);
  EXPECT_EQ(lock_.load(), LockWord::kFree);
}

TEST_F(OwnerLockTest, TheDeadOwnersLockIsTakenOverAtOnce) {
  const pid_t pid = fork_holder();
  end(pid);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(OwnerLock::lock(lock_, engine_.worker(), 1'000'000'000), LockResult::kTakenOver);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(50));
  OwnerLock::unlock(lock_);
}

TEST_F(OwnerLockTest, AStoppedOwnerIsAliveAndTheWaitEndsInTime) {
  const pid_t pid = fork_holder();
  ::kill(pid, SIGSTOP);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(OwnerLock::lock(lock_, engine_.worker(), 20'000'000), LockResult::kBusy);
  const auto waited = std::chrono::steady_clock::now() - start;
  EXPECT_GE(waited, std::chrono::milliseconds(20));
  EXPECT_LT(waited, std::chrono::milliseconds(500));
  end(pid);
  EXPECT_EQ(OwnerLock::try_lock(lock_, engine_.worker()), LockResult::kTakenOver);
}

TEST_F(OwnerLockTest, AWordOfNoWorkerIsNeverTaken) {
  lock_.store(LockWord::of({4000, 77}));
  EXPECT_EQ(OwnerLock::lock(lock_, engine_.worker(), 2'000'000), LockResult::kBusy);
}

TEST_F(OwnerLockTest, ExcludesThreadsOfOneWorker) {
  std::uint64_t counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const Worker me = engine_.worker();
      for (int round = 0; round < 5000; ++round) {
        while (OwnerLock::lock(lock_, me, 1'000'000'000) == LockResult::kBusy) {
        }
        ++counter;
        OwnerLock::unlock(lock_);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter, 20000U);
}

}  // namespace
}  // namespace carafe
