// SPDX-License-Identifier: MIT
#include "replay/turns.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace carafe::replay {
namespace {

TEST(TurnsTest, NobodyGoesBeforeTheOneBeforeIsDone) {
  Turns turns(2, 0);
  turns.wait(0);  // the first may at once
  std::atomic<bool> went{false};
  std::thread second([&] {
    turns.wait(1);
    went = true;
    turns.done(1);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(went);
  turns.done(0);
  second.join();
  EXPECT_TRUE(went);
  EXPECT_EQ(turns.slowest(), 2U);
}

TEST(TurnsTest, WithOverlapAWorkerMayBeSoFarAheadAndNoFurther) {
  Turns turns(2, 2);
  turns.wait(1);
  turns.done(1);  // request 1, while 0 is not done
  EXPECT_EQ(turns.next(1), 3U);
  std::atomic<bool> went{false};
  std::thread second([&] {
    turns.wait(1);
    went = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(went);
  turns.done(0);
  second.join();
}

TEST(TurnsTest, RequestsAreServedInTheirOrder) {
  constexpr unsigned kWorkers = 3;
  constexpr std::uint64_t kRequests = 3000;
  Turns turns(kWorkers, 0);
  std::vector<std::uint64_t> served;  // guarded by the turns
  std::vector<std::thread> workers;
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      for (std::uint64_t i = turns.next(worker); i < kRequests; i = turns.next(worker)) {
        turns.wait(worker);
        served.push_back(i);
        turns.done(worker);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  ASSERT_EQ(served.size(), kRequests);
  for (std::uint64_t i = 0; i < kRequests; ++i) ASSERT_EQ(served[i], i);
}

}  // namespace
}  // namespace carafe::replay
