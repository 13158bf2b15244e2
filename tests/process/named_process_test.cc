// SPDX-License-Identifier: MIT
// Mutexes and warm-ups among processes, some of which are killed in the middle.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/shared_memory.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kProcesses = 8;

struct Board {
  Meeting meeting;
  std::uint64_t counter;  // plain, under the mutex
  std::atomic<std::uint32_t> stage;
  std::atomic<std::uint32_t> begun;
  std::atomic<std::uint32_t> ended;
  std::atomic<std::uint32_t> answers[3];  // of warm_once
  std::atomic<std::int64_t> runner;       // pid
  std::atomic<std::uint64_t> time_ns;
};

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

class NamedProcessTest : public ::testing::Test {
 protected:
  /// A child that holds the mutex, and nothing more happens to it.
  Child make_holder() {
    const std::uint32_t before = board().stage.load();
    Child holder = Child::fork([this] {
      Cache mine = Cache::open(name_);
      NamedMutex mutex(mine, "nightly");
      CHILD_REQUIRE(mutex.lock() == Status::kOk);
      board().stage.fetch_add(1);
      for (;;) std::this_thread::sleep_for(1s);
      return 0;
    });
    EXPECT_TRUE(eventually(10s, [&] { return board().stage.load() != before; }));
    return holder;
  }
  Board& board() { return memory_.as<Board>(); }

  ScratchName name_{"named"};
  Cache cache_ = Cache::create(name_, with_capacity(kMiB));
  SharedMemory memory_{sizeof(Board)};
};

TEST_F(NamedProcessTest, EightProcessesOfTwoThreadsCountExactly) {
  constexpr std::uint64_t kRounds = 2'000;
  std::vector<Child> children;
  for (std::size_t i = 0; i < kProcesses; ++i)
    children.push_back(Child::fork([&] {
      Cache mine = Cache::open(name_);
      NamedMutex shared(mine, "nightly");
      CHILD_REQUIRE(board().meeting.meet(kProcesses));
      std::vector<std::thread> threads;
      for (int thread = 0; thread < 2; ++thread)
        threads.emplace_back([&, thread] {
          NamedMutex own(mine, "nightly");
          NamedMutex& mutex = thread == 0 ? shared : own;
          for (std::uint64_t round = 0; round < kRounds; ++round) {
            CHILD_REQUIRE(mutex.lock() == Status::kOk);
            const std::uint64_t seen = *const_cast<volatile std::uint64_t*>(&board().counter);
            if (round % 16 == 0) std::this_thread::yield();
            *const_cast<volatile std::uint64_t*>(&board().counter) = seen + 1;
            CHILD_REQUIRE(!mutex.recovered());
            mutex.unlock();
          }
        });
      for (std::thread& thread : threads) thread.join();
      return 0;
    }));
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(board().counter, kProcesses * 2 * kRounds);
}

TEST_F(NamedProcessTest, AKilledHoldersMutexIsTakenOver) {
  NamedMutex mutex(cache_, "nightly");
  std::vector<double> delays_ms;
  for (int round = 0; round < 9; ++round) {
    Child holder = make_holder();
    ASSERT_FALSE(mutex.try_lock());
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(25 + round * 3));
      board().time_ns.store(now_ns());
      holder.kill();
    });
    const Status status = mutex.lock();
    delays_ms.push_back(static_cast<double>(now_ns() - board().time_ns.load()) / 1e6);
    killer.join();
    ASSERT_EQ(status, Status::kOk);
    EXPECT_TRUE(mutex.recovered());
    mutex.unlock();
    EXPECT_TRUE(mutex.try_lock());
    EXPECT_FALSE(mutex.recovered());
    mutex.unlock();
  }
  std::sort(delays_ms.begin(), delays_ms.end());
  EXPECT_LT(delays_ms[delays_ms.size() / 2], 50.0);
  EXPECT_LT(delays_ms.back(), 500.0);  // on a busy machine
  std::printf("taken over %.2f ms after the kill (median; %.2f to %.2f)\n", delays_ms[delays_ms.size() / 2], delays_ms.front(),
              delays_ms.back());
}

TEST_F(NamedProcessTest, OneWhoDoesNotWaitTakesItOverAtOnce) {
  NamedMutex mutex(cache_, "nightly");
  Child holder = make_holder();
  holder.kill();
  EXPECT_TRUE(mutex.try_lock());
  EXPECT_TRUE(mutex.recovered());
}

/// Of many who wait for the dead one takes it over, and the others for him.
TEST_F(NamedProcessTest, OfManyWhoWaitForTheDeadOneTakesOver) {
  Child holder = make_holder();
  std::vector<Child> waiters;
  for (std::size_t i = 0; i < kProcesses; ++i)
    waiters.push_back(Child::fork([&] {
      Cache mine = Cache::open(name_);
      NamedMutex mutex(mine, "nightly");
      CHILD_REQUIRE(board().meeting.meet(kProcesses + 1));
      CHILD_REQUIRE(mutex.lock() == Status::kOk);
      CHILD_REQUIRE(board().begun.fetch_add(1) == board().ended.load());
      std::this_thread::sleep_for(2ms);
      if (mutex.recovered()) board().answers[0].fetch_add(1);
      board().ended.fetch_add(1);
      mutex.unlock();
      return 0;
    }));
  ASSERT_TRUE(board().meeting.meet(kProcesses + 1));
  std::this_thread::sleep_for(30ms);
  EXPECT_EQ(board().begun.load(), 0U);
  holder.kill();
  for (Child& child : waiters) EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(board().ended.load(), kProcesses);
  EXPECT_EQ(board().answers[0].load(), 1U);
}

/// Stopped is not dead.
TEST_F(NamedProcessTest, AStoppedHolderKeepsIt) {
  NamedMutex mutex(cache_, "nightly");
  Child holder = make_holder();
  holder.signal(SIGSTOP);
  ASSERT_TRUE(holder.wait_until_stopped());
  EXPECT_FALSE(mutex.try_lock_for(100ms));
}

/// Not after the 20 ms at which who waits looks whether the holder has died.
TEST_F(NamedProcessTest, WhoWaitsIsWokenAtOnce) {
  constexpr std::uint32_t kRounds = 11;
  Child holder = Child::fork([&] {
    Cache mine = Cache::open(name_);
    NamedMutex mutex(mine, "nightly");
    for (std::uint32_t i = 1; i <= kRounds; ++i) {
      CHILD_REQUIRE(mutex.lock() == Status::kOk);
      board().stage.store(i);
      std::this_thread::sleep_for(25ms);
      board().time_ns.store(now_ns());
      mutex.unlock();
      std::this_thread::sleep_for(15ms);
    }
    return 0;
  });
  NamedMutex mutex(cache_, "nightly");
  std::vector<double> delays_ms;
  for (std::uint32_t i = 1; i <= kRounds; ++i) {
    ASSERT_TRUE(eventually(10s, [&] { return board().stage.load() == i; }));
    const std::unique_lock lock(mutex);
    delays_ms.push_back(static_cast<double>(now_ns() - board().time_ns.load()) / 1e6);
  }
  EXPECT_EQ(holder.wait(), 0);
  std::sort(delays_ms.begin(), delays_ms.end());
  EXPECT_LT(delays_ms[kRounds / 2], 8.0);
  std::printf("who waits has it %.2f ms after the unlock (median; %.2f to %.2f)\n", delays_ms[kRounds / 2], delays_ms.front(),
              delays_ms.back());
}

TEST_F(NamedProcessTest, AForkedChildDoesNotHoldIt) {
  NamedMutex mutex(cache_, "nightly");
  ASSERT_TRUE(mutex.try_lock());
  Child child = Child::fork([&] {
    CHILD_REQUIRE(!mutex.is_held());
    mutex.unlock();
    CHILD_REQUIRE(!mutex.try_lock());
    CHILD_REQUIRE(!mutex.try_lock_for(30ms));
    board().stage.store(1);
    CHILD_REQUIRE(mutex.lock() == Status::kOk);
    CHILD_REQUIRE(mutex.is_held() && !mutex.recovered());
    return 0;  // and dies with it
  });
  ASSERT_TRUE(eventually(10s, [&] { return board().stage.load() == 1; }));
  EXPECT_TRUE(mutex.is_held());
  mutex.unlock();
  EXPECT_EQ(child.wait(), 0);
  EXPECT_TRUE(mutex.try_lock());
  EXPECT_TRUE(mutex.recovered());
}

// --- warm_once

/// What each of several processes does, all at once.
int warm_up(Board& board, Cache& cache, const WarmOptions& options) {
  const WarmUp answer = cache.warm_once(
      "prices",
      [&](Cache& warm) {
        board.runner.store(::getpid());
        board.begun.fetch_add(1);
        std::this_thread::sleep_for(60ms);
        CHILD_REQUIRE(warm.set("price", "5") == Status::kOk);
        board.ended.fetch_add(1);
      },
      options);
  board.answers[static_cast<std::size_t>(answer)].fetch_add(1);
  if (answer != WarmUp::kElsewhere) CHILD_REQUIRE(cache.get("price") == "5");
  return 0;
}

TEST_F(NamedProcessTest, EightProcessesWarmUpOnce) {
  for (const auto wait : {0ms, 10'000ms}) {
    cache_.clear();
    board().begun = board().answers[0] = board().answers[1] = board().answers[2] = 0;
    std::vector<Child> children;
    for (std::size_t i = 0; i < kProcesses; ++i)
      children.push_back(Child::fork([&] {
        Cache mine = Cache::open(name_);
        CHILD_REQUIRE(board().meeting.meet(kProcesses));
        return warm_up(board(), mine, {.wait = wait});
      }));
    for (Child& child : children) EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(board().begun.load(), 1U);
    EXPECT_EQ(board().answers[0].load(), 1U);
    if (wait != 0ms) {
      EXPECT_EQ(board().answers[1].load(), kProcesses - 1);
    }
  }
}

TEST_F(NamedProcessTest, WhoDiesWarmingUpIsReplacedByOne) {
  std::array<Child, kProcesses> children;
  for (Child& child : children)
    child = Child::fork([&] {
      Cache mine = Cache::open(name_);
      CHILD_REQUIRE(board().meeting.meet(kProcesses));
      return warm_up(board(), mine, {.wait = 10s});
    });
  ASSERT_TRUE(eventually(10s, [&] { return board().begun.load() == 1; }));
  for (Child& child : children)
    if (child.pid() == board().runner.load()) child.kill();
  for (Child& child : children) static_cast<void>(child.wait());
  EXPECT_EQ(board().begun.load(), 2U);
  EXPECT_EQ(board().ended.load(), 1U);
  EXPECT_EQ(board().answers[0].load(), 1U);
  EXPECT_EQ(board().answers[1].load(), kProcesses - 2);
}

/// A child of a fork within the work is no runner: what it returns from marks nothing as done.
TEST_F(NamedProcessTest, AChildForkedWithinTheWorkDoesNotEndIt) {
  pid_t child = -1;
  const WarmUp answer = cache_.warm_once("prices", [&](Cache& warm) {
    child = ::fork();
    if (child == 0) return;
    EXPECT_TRUE(eventually(10s, [&] { return board().ended.load() == 1; }));
    EXPECT_EQ(warm.warm_once("prices", [](Cache&) {}), WarmUp::kElsewhere);
  });
  if (child == 0) {
    board().ended.store(1);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(answer, WarmUp::kDone);
  EXPECT_EQ(cache_.warm_once("prices", [](Cache&) {}), WarmUp::kAlready);
}

}  // namespace
}  // namespace carafe::test
