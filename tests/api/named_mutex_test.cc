// SPDX-License-Identifier: MIT
#include "carafe/named_mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "carafe/carafe.h"
#include "support/scratch.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kPlaces = 16;  // of a segment of 1 MiB

template <typename Function>
void in_another_thread(Function&& function) {
  std::thread(std::forward<Function>(function)).join();
}

Status status_of_making(Cache& cache, std::string_view name) {
  try {
    const NamedMutex mutex(cache, name);
    return Status::kOk;
  } catch (const Error& error) {
    return error.status();
  }
}

class NamedMutexTest : public ::testing::Test {
 protected:
  bool another_thread_gets_it(NamedMutex& mutex) {
    bool got = false;
    in_another_thread([&] {
      got = mutex.try_lock();
      mutex.unlock();
    });
    return got;
  }

  ScratchName name_{"named"};
  Cache cache_ = Cache::create(name_, with_capacity(kMiB));
  NamedMutex mutex_{cache_, "nightly"};
};

TEST_F(NamedMutexTest, ThreadsExcludeEachOther) {
  std::uint64_t counter = 0;  // plain: ThreadSanitizer sees whether they do
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      NamedMutex mutex(cache_, "nightly");
      for (int round = 0; round < 2'000; ++round) {
        EXPECT_EQ(mutex.lock(), Status::kOk);
        ++counter;
        mutex.unlock();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, 8'000U);
}

TEST_F(NamedMutexTest, ThreadsMayShareOne) {
  std::uint64_t counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 2'000; ++round) {
        const std::unique_lock lock(mutex_);
        EXPECT_TRUE(mutex_.is_held());
        EXPECT_FALSE(mutex_.recovered());
        ++counter;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, 8'000U);
}

TEST_F(NamedMutexTest, ItIsTheNameThatCounts) {
  NamedMutex same(cache_, "nightly");
  NamedMutex other(cache_, "daily");
  NamedMutex nameless(cache_, "");
  ASSERT_EQ(mutex_.lock(), Status::kOk);
  EXPECT_FALSE(same.try_lock());
  EXPECT_TRUE(other.try_lock());
  EXPECT_TRUE(nameless.try_lock());
  mutex_.unlock();
  EXPECT_TRUE(same.try_lock());
}

TEST_F(NamedMutexTest, TwoHandlesOfOneProcessExcludeEachOther) {
  Cache second = Cache::open(name_);
  NamedMutex same(second, "nightly");
  ASSERT_TRUE(mutex_.try_lock());
  EXPECT_FALSE(same.try_lock());
  mutex_.unlock();
  EXPECT_TRUE(same.try_lock());
  EXPECT_FALSE(same.recovered());
}

TEST_F(NamedMutexTest, WhoseHandleIsGoneHoldsNothingAnyMore) {
  {
    Cache second = Cache::open(name_);
    auto* forgotten = new NamedMutex(second, "nightly");  // never unlocked
    ASSERT_TRUE(forgotten->try_lock());
    ASSERT_FALSE(mutex_.try_lock());
    std::thread([forgotten] { delete forgotten; }).join();  // another thread's, so this unlocks nothing
    ASSERT_FALSE(mutex_.try_lock());
  }
  EXPECT_TRUE(mutex_.try_lock());
  EXPECT_TRUE(mutex_.recovered());
  mutex_.unlock();
  EXPECT_TRUE(mutex_.try_lock());
  EXPECT_FALSE(mutex_.recovered());
}

TEST_F(NamedMutexTest, UnlockByWhoDoesNotHoldItDoesNothing) {
  mutex_.unlock();
  NamedMutex same(cache_, "nightly");
  ASSERT_TRUE(mutex_.try_lock());
  same.unlock();
  in_another_thread([&] {
    EXPECT_FALSE(mutex_.is_held());
    mutex_.unlock();
  });
  EXPECT_TRUE(mutex_.is_held());
  EXPECT_FALSE(same.is_held());
  EXPECT_FALSE(another_thread_gets_it(same));
  mutex_.unlock();
  mutex_.unlock();
  EXPECT_FALSE(mutex_.is_held());
  EXPECT_TRUE(another_thread_gets_it(same));
}

TEST_F(NamedMutexTest, TheDestructorUnlocks) {
  {
    NamedMutex same(cache_, "nightly");
    ASSERT_TRUE(same.try_lock());
  }
  EXPECT_TRUE(mutex_.try_lock());
  EXPECT_FALSE(mutex_.recovered());
}

TEST_F(NamedMutexTest, ItIsNotRecursive) {
  ASSERT_TRUE(mutex_.try_lock());
  EXPECT_FALSE(mutex_.try_lock());
  EXPECT_FALSE(mutex_.try_lock_for(30ms));
  EXPECT_TRUE(mutex_.is_held());
}

TEST_F(NamedMutexTest, WaitingEndsInTime) {
  NamedMutex same(cache_, "nightly");
  ASSERT_TRUE(mutex_.try_lock());
  const auto begin = Clock::now();
  EXPECT_FALSE(same.try_lock_for(70ms));
  EXPECT_GE(Clock::now() - begin, 70ms);
  EXPECT_FALSE(same.try_lock_until(std::chrono::system_clock::now() + 10ms));
  EXPECT_FALSE(same.try_lock_until(Clock::now() - 1h));
  EXPECT_FALSE(same.try_lock_for(std::chrono::hours::min()));
  EXPECT_FALSE(same.try_lock_for(std::chrono::duration<double>(std::nan(""))));
  mutex_.unlock();
  EXPECT_TRUE(same.try_lock_for(std::chrono::hours::min())) << "nobody has it";
}

TEST_F(NamedMutexTest, WhoWaitsGetsIt) {
  NamedMutex same(cache_, "nightly");
  for (const auto most : {std::chrono::hours::max(), std::chrono::hours(1)}) {
    ASSERT_TRUE(mutex_.try_lock());
    std::atomic<bool> has_it{false};
    std::thread waiter([&] {
      std::unique_lock lock(same, std::defer_lock);
      EXPECT_TRUE(lock.try_lock_for(most));
      has_it = true;
    });
    std::this_thread::sleep_for(50ms);
    EXPECT_FALSE(has_it);
    mutex_.unlock();
    waiter.join();
    EXPECT_TRUE(has_it);
  }
}

TEST_F(NamedMutexTest, PlacesAreForGood) {
  for (int i = 1; i < kPlaces; ++i) ASSERT_EQ(status_of_making(cache_, "m" + std::to_string(i)), Status::kOk) << i;
  EXPECT_EQ(status_of_making(cache_, "one more"), Status::kNoSpace);
  cache_.clear();
  EXPECT_EQ(status_of_making(cache_, "one more"), Status::kNoSpace);
  for (int i = 1; i < kPlaces; ++i) {
    NamedMutex known(cache_, "m" + std::to_string(i));
    EXPECT_TRUE(known.try_lock());
    EXPECT_TRUE(mutex_.try_lock());
    mutex_.unlock();
  }
}

TEST_F(NamedMutexTest, AReadOnlyHandleHasNone) {
  Cache reader = Cache::open_read_only(name_);
  EXPECT_EQ(status_of_making(reader, "nightly"), Status::kReadOnly);
}

TEST_F(NamedMutexTest, AfterRemovalItSaysSo) {
  NamedMutex same(cache_, "nightly");
  ASSERT_EQ(mutex_.lock(), Status::kOk);
  std::optional<Status> answer;
  std::thread waiter([&] { answer = same.lock(); });
  std::this_thread::sleep_for(30ms);
  ASSERT_TRUE(Cache::remove(name_));
  waiter.join();
  EXPECT_EQ(answer, Status::kRetired);
  EXPECT_FALSE(same.is_held());
  EXPECT_FALSE(same.try_lock());
  EXPECT_EQ(status_of_making(cache_, "nightly"), Status::kRetired);
  EXPECT_TRUE(mutex_.is_held());
  mutex_.unlock();
  EXPECT_FALSE(mutex_.is_held());
  EXPECT_EQ(mutex_.lock(), Status::kRetired);
}

TEST_F(NamedMutexTest, ItGoesOnInTheNewSegmentOfTheName) {
  NamedMutex same(cache_, "nightly");
  ASSERT_EQ(mutex_.lock(), Status::kOk);
  ASSERT_TRUE(Cache::remove(name_));
  Cache anew = Cache::create(name_, with_capacity(kMiB));
  NamedMutex theirs(anew, "nightly");
  ASSERT_TRUE(theirs.try_lock());
  std::this_thread::sleep_for(60ms);  // until handles look for it
  EXPECT_FALSE(same.try_lock_for(10ms));
  EXPECT_EQ(cache_.set("key", "value"), Status::kOk);
  EXPECT_TRUE(mutex_.is_held()) << "in the old one";
  mutex_.unlock();
  EXPECT_FALSE(same.try_lock()) << "they have it, in the new one";
  theirs.unlock();
  EXPECT_TRUE(same.try_lock());
  EXPECT_FALSE(theirs.try_lock());
}

// --- warm_once

TEST_F(NamedMutexTest, WarmOnceRunsOnceAndAgainAfterAClear) {
  Cache second = Cache::open(name_);
  int runs = 0;
  const auto work = [&](Cache& cache) {
    ++runs;
    EXPECT_EQ(cache.set("price", "5"), Status::kOk);
  };
  EXPECT_EQ(cache_.warm_once("prices", work), WarmUp::kDone);
  EXPECT_EQ(cache_.warm_once("prices", work), WarmUp::kAlready);
  EXPECT_EQ(second.warm_once("prices", work), WarmUp::kAlready);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(second.warm_once("others", [](auto&) {}), WarmUp::kDone);
  second.clear();
  EXPECT_EQ(second.warm_once("prices", work), WarmUp::kDone);
  EXPECT_EQ(cache_.warm_once("prices", work), WarmUp::kAlready);
  EXPECT_EQ(runs, 2);
}

TEST_F(NamedMutexTest, AClearWithinTheWorkMakesItDueAgain) {
  EXPECT_EQ(cache_.warm_once("prices", [](Cache& cache) { cache.clear(); }), WarmUp::kDone);
  EXPECT_EQ(cache_.warm_once("prices", [](Cache&) {}), WarmUp::kDone);
  EXPECT_EQ(cache_.warm_once("prices", [](Cache&) {}), WarmUp::kAlready);
}

TEST_F(NamedMutexTest, WorkThatThrowsIsNotDone) {
  EXPECT_THROW(cache_.warm_once("prices", [](Cache&) { throw std::runtime_error("no prices"); }), std::runtime_error);
  EXPECT_EQ(cache_.warm_once("prices", [](Cache&) {}), WarmUp::kDone);
  EXPECT_EQ(cache_.warm_once("prices", [](Cache&) {}), WarmUp::kAlready);
}

TEST_F(NamedMutexTest, WhileOneIsAtItOthersGoOnOrWait) {
  std::atomic<int> step{0};
  std::thread worker([&] {
    EXPECT_EQ(cache_.warm_once("prices",
                               [&](Cache& cache) {
                                 EXPECT_EQ(cache.warm_once("prices", [](Cache&) {}), WarmUp::kElsewhere) << "within itself";
                                 EXPECT_EQ(cache.warm_once("parts", [](Cache&) {}), WarmUp::kDone);
                                 step = 1;
                                 while (step != 2) std::this_thread::sleep_for(1ms);
                                 std::this_thread::sleep_for(30ms);
                               }),
              WarmUp::kDone);
  });
  while (step != 1) std::this_thread::sleep_for(1ms);
  const auto never = [](Cache&) { ADD_FAILURE() << "ran twice"; };
  EXPECT_EQ(cache_.warm_once("prices", never), WarmUp::kElsewhere);
  EXPECT_EQ(cache_.warm_once("prices", never, {.wait = 30ms}), WarmUp::kElsewhere);
  step = 2;
  EXPECT_EQ(cache_.warm_once("prices", never, {.wait = 10s}), WarmUp::kAlready);
  worker.join();
}

TEST_F(NamedMutexTest, WhoWaitsForWorkThatThrowsRunsIt) {
  std::atomic<bool> begun{false};
  std::thread worker([&] {
    EXPECT_THROW(cache_.warm_once("prices",
                                  [&](Cache&) {
                                    begun = true;
                                    std::this_thread::sleep_for(30ms);
                                    throw 1;
                                  }),
                 int);
  });
  while (!begun) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(cache_.warm_once("prices", [](Cache&) {}, {.wait = std::chrono::milliseconds::max()}), WarmUp::kDone);
  worker.join();
}

TEST_F(NamedMutexTest, AMutexAndAWarmUpOfOneNameAreTwo) {
  ASSERT_TRUE(mutex_.try_lock());
  EXPECT_EQ(cache_.warm_once("nightly", [](Cache&) {}), WarmUp::kDone);
  EXPECT_TRUE(mutex_.is_held());
}

TEST_F(NamedMutexTest, WhereItCannotBeToldWarmOnceRuns) {
  for (int i = 1; i < kPlaces; ++i) ASSERT_EQ(cache_.warm_once("w" + std::to_string(i), [](Cache&) {}), WarmUp::kDone);
  EXPECT_EQ(cache_.warm_once("one more", [](Cache&) {}), WarmUp::kDone);
  EXPECT_EQ(cache_.warm_once("one more", [](Cache&) {}), WarmUp::kDone);
  EXPECT_EQ(cache_.warm_once("w1", [](Cache&) {}), WarmUp::kAlready);
}

TEST_F(NamedMutexTest, WhereNothingCanBeStoredWarmOnceDoesNotRun) {
  const auto never = [](Cache&) { ADD_FAILURE() << "ran for nothing"; };
  Cache reader = Cache::open_read_only(name_);
  EXPECT_EQ(reader.warm_once("prices", never), WarmUp::kElsewhere);
  ASSERT_TRUE(Cache::remove(name_));
  EXPECT_EQ(cache_.warm_once("prices", never), WarmUp::kElsewhere);
}

}  // namespace
}  // namespace carafe::test
