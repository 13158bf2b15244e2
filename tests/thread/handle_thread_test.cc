// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "carafe/carafe.h"
#include "support/capacity.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/values.h"
#include "support/workout.h"

/// Twins of the process tests, for ThreadSanitizer, which sees one process. It follows addresses rather than pages: only threads over
/// *one* handle are checked for races; over two handles, which are two mappings, they are checked for what they answer.
namespace carafe::test {
namespace {

constexpr std::size_t kThreads = 4;

std::uint64_t repetitions(std::uint64_t full) { return number_from_environment("CARAFE_TEST_SHORT", 0) != 0 ? full / 10 : full; }

/// `1`: all threads share one handle; `2`: odd threads use a second one.
class HandleThreadTest : public ::testing::TestWithParam<int> {
 protected:
  void make(std::size_t capacity_bytes) {
    one_.emplace(Cache::create(name_, with_capacity(capacity_bytes)));
    if (GetParam() == 2) two_.emplace(Cache::open(name_));
  }
  Cache& handle(std::size_t thread) { return two_ && thread % 2 == 1 ? *two_ : *one_; }

  /// Runs `body(thread number, its handle)` in four threads at once.
  void in_threads(const std::function<void(std::size_t, Cache&)>& body) {
    std::barrier start(kThreads);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        body(i, handle(i));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  void expect_sound() {
    const Stats stats = one_->stats();
    EXPECT_EQ(stats.gets, stats.hits + stats.misses);
    EXPECT_EQ(stats.corruptions, 0U);
    EXPECT_EQ(stats.no_space, 0U);
    const VerifyReport report = one_->verify();
    EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
  }

  ScratchName name_{"thread"};
  std::optional<Cache> one_;
  std::optional<Cache> two_;
};

TEST_P(HandleThreadTest, EveryThreadUsesEveryVerbOnKeysOfItsOwn) {
  make(4 * kMiB);
  std::vector<std::string> wrong(kThreads);
  in_threads([&](std::size_t i, Cache& cache) { wrong[i] = workout(cache, "thread" + std::to_string(i), repetitions(5'000)); });
  for (const std::string& text : wrong) EXPECT_EQ(text, "");
  EXPECT_EQ(one_->stats().evictions, 0U);
  expect_sound();
}

TEST_P(HandleThreadTest, IncrementsSumExactly) {
  make(kMiB);
  const std::uint64_t count = repetitions(20'000);
  std::atomic<std::uint64_t> failed{0};
  in_threads([&](std::size_t i, Cache& cache) {
    for (std::uint64_t n = 0; n < count; ++n) {
      if (insist([&] { return cache.increment("everybody's", 1).status; }) != Status::kOk) ++failed;
      if (insist([&] { return cache.increment("pair" + std::to_string(i / 2), -2, 7).status; }) != Status::kOk) ++failed;
    }
  });
  EXPECT_EQ(failed.load(), 0U);
  EXPECT_EQ(one_->get("everybody's"), std::to_string(kThreads * count));
  EXPECT_EQ(one_->get("pair0"), std::to_string(7 - static_cast<std::int64_t>(4 * count)));
  EXPECT_EQ(one_->get("pair1"), std::to_string(7 - static_cast<std::int64_t>(4 * count)));
  expect_sound();
}

TEST_P(HandleThreadTest, CompareAndSetLosesNoUpdate) {
  make(kMiB);
  ASSERT_EQ(one_->set("sum", "0"), Status::kOk);
  const std::uint64_t count = repetitions(3'000);
  std::atomic<std::uint64_t> wrong{0};
  in_threads([&](std::size_t, Cache& cache) {
    for (std::uint64_t done = 0; done < count;) {
      const auto seen = cache.get_versioned("sum");
      if (!seen) continue;  // many writers were faster than this reader
      const Status status = cache.compare_and_set("sum", seen->version, std::to_string(std::stoull(seen->value) + 1));
      if (status == Status::kOk) ++done;
      if (status != Status::kOk && status != Status::kVersionChanged && status != Status::kBusy) ++wrong;
    }
  });
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(one_->get("sum"), std::to_string(kThreads * count));
}

TEST_P(HandleThreadTest, AddSucceedsForExactlyOneOfAll) {
  make(4 * kMiB);
  const std::uint64_t keys = repetitions(2'000);
  std::atomic<std::uint64_t> added{0};
  std::atomic<std::uint64_t> erased{0};
  in_threads([&](std::size_t, Cache& cache) {
    for (std::uint64_t i = 0; i < keys; ++i) {
      if (insist([&] { return cache.add(numbered_key("k", i), "value"); }) == Status::kOk) ++added;
    }
  });
  EXPECT_EQ(added.load(), keys);
  in_threads([&](std::size_t, Cache& cache) {
    for (std::uint64_t i = 0; i < keys; ++i) {
      if (insist([&] { return cache.erase(numbered_key("k", i)); }) == Status::kOk) ++erased;
    }
  });
  EXPECT_EQ(erased.load(), keys);
  EXPECT_EQ(one_->stats().items, 0U);
  expect_sound();
}

TEST_P(HandleThreadTest, ValuesAreWholeAndOfTheirKeyUnderEvictionOfAllSizes) {
  make(kMiB);
  std::atomic<std::uint64_t> sequence{0};
  std::atomic<std::uint64_t> damaged{0};
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> failed{0};
  in_threads([&](std::size_t i, Cache& cache) {
    Random random(i);
    std::string value;
    std::string found;
    for (std::uint64_t n = 0; n < repetitions(20'000); ++n) {
      const std::string key = numbered_key("k", random.below(2'000));
      switch (random.below(8)) {
        case 0:
        case 1:
        case 2: {
          make_value(value, key, sequence.fetch_add(1), kCertifiedBytes + random.log_uniform(n % 50 == 0 ? 100'000 : 20'000));
          const Status status = cache.set(key, value);
          if (status != Status::kOk && status != Status::kBusy) ++failed;
          break;
        }
        case 3:
          static_cast<void>(cache.erase(key));
          break;
        case 4: {
          const auto seen = cache.get_versioned(key);
          if (seen && !sequence_of(key, seen->value)) ++damaged;
          break;
        }
        default:
          if (cache.get(key, found) == Status::kOk) {
            ++hits;
            if (!sequence_of(key, found)) ++damaged;
          }
      }
    }
  });
  EXPECT_EQ(damaged.load(), 0U);
  EXPECT_EQ(failed.load(), 0U);
  EXPECT_GT(hits.load(), 100U);
  EXPECT_GT(one_->stats().evictions, 0U);
  expect_sound();
}

TEST_P(HandleThreadTest, ForEachSeesWhatStaysOnceWhileOtherThreadsGrowAndShrinkTheIndex) {
  make(8 * kMiB);
  constexpr std::uint64_t kStaying = 1'000;
  for (std::uint64_t i = 0; i < kStaying; ++i)
    ASSERT_EQ(one_->set(numbered_key("stays", i), value_for(numbered_key("stays", i), i, 40)), Status::kOk);
  std::atomic<std::uint64_t> walks{0};
  std::atomic<std::uint64_t> wrong{0};
  in_threads([&](std::size_t i, Cache& cache) {
    if (i < 2) {
      while (walks.load() < repetitions(100)) {
        for (std::uint64_t n = 0; n < 2'000; ++n) static_cast<void>(cache.set(numbered_key(i == 0 ? "a" : "b", n), "comes and goes"));
        for (std::uint64_t n = 0; n < 2'000; ++n) static_cast<void>(cache.erase(numbered_key(i == 0 ? "a" : "b", n)));
      }
      return;
    }
    while (walks.load() < repetitions(100)) {
      std::map<std::string, int> seen;
      cache.for_each([&](std::string_view key, std::string_view value) {
        if (key.substr(0, 5) == "stays") {
          ++seen[std::string(key)];
          if (!sequence_of(key, value)) ++wrong;
        } else if (value != "comes and goes") {
          ++wrong;
        }
      });
      if (seen.size() != kStaying) ++wrong;
      for (const auto& [key, count] : seen) {
        if (count != 1) ++wrong;
      }
      ++walks;
    }
  });
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(one_->stats().evictions, 0U);
  expect_sound();
}

TEST_P(HandleThreadTest, AfterClearReturnsNothingStoredBeforeIsSeenByAnyThread) {
  make(2 * kMiB);
  std::barrier together(kThreads);
  std::atomic<std::uint64_t> survived{0};
  std::atomic<std::uint64_t> lost{0};
  in_threads([&](std::size_t i, Cache& cache) {
    for (std::uint64_t round = 0; round < repetitions(300); ++round) {
      for (std::uint64_t n = 0; n < 50; ++n) {
        const std::string key = numbered_key("t" + std::to_string(i), n);
        if (insist([&] { return cache.set(key, value_for(key, round, 100)); }) != Status::kOk) ++lost;
      }
      together.arrive_and_wait();
      if (i == round % kThreads) cache.clear();
      together.arrive_and_wait();
      for (std::size_t other = 0; other < kThreads; ++other) {
        for (std::uint64_t n = 0; n < 50; ++n) {
          if (cache.get(numbered_key("t" + std::to_string(other), n))) ++survived;
        }
      }
      together.arrive_and_wait();
    }
  });
  EXPECT_EQ(survived.load(), 0U);
  EXPECT_EQ(lost.load(), 0U);
  EXPECT_EQ(one_->stats().clears, repetitions(300));
  expect_sound();
}

TEST_P(HandleThreadTest, ClearsAmongWritesNeverBringBackWhatWasStoredBefore) {
  make(kMiB);
  const std::uint64_t sets = repetitions(100'000);  // by each thread
  std::atomic<std::uint32_t> begun{0};              // the n-th clear begins after this is n ...
  std::atomic<std::uint32_t> ended{0};              // ... and has ended before this is
  constexpr std::uint32_t kInFlight = 0xffffffff;
  std::vector<std::atomic<std::uint32_t>> begun_after_set(kThreads * sets);
  for (auto& number : begun_after_set) number.store(kInFlight);
  std::atomic<std::uint64_t> stale{0};
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint32_t> finished{0};
  in_threads([&](std::size_t i, Cache& cache) {
    if (i == 0) {
      while (finished.load() < kThreads - 1) {
        begun.fetch_add(1);
        cache.clear();
        ended.store(begun.load());
        std::this_thread::yield();
      }
      return;
    }
    Random random(i);
    std::string found;
    for (std::uint64_t done = 0; done < sets;) {
      const std::string key = numbered_key("k", random.below(200));
      if (random.one_in(2)) {
        const std::uint64_t sequence = i * sets + done++;
        if (cache.set(key, value_for(key, sequence, 60)) == Status::kOk) begun_after_set[sequence].store(begun.load());
        continue;
      }
      const std::uint32_t clears = ended.load();
      if (cache.get(key, found) != Status::kOk) continue;
      ++hits;
      const auto sequence = sequence_of(key, found);
      // A set that was over when `n` clears had begun is undone by clear n + 1.
      const std::uint32_t known = sequence ? begun_after_set[*sequence].load() : 0;
      if (!sequence || (known != kInFlight && known < clears)) ++stale;
    }
    ++finished;
  });
  EXPECT_EQ(stale.load(), 0U);
  EXPECT_GT(hits.load(), 100U);
  expect_sound();
}

TEST_P(HandleThreadTest, HandlesAreOpenedAndClosedWhileOthersWork) {
  make(2 * kMiB);
  std::vector<std::string> wrong(kThreads);
  in_threads([&](std::size_t i, Cache& cache) {
    for (std::uint64_t round = 0; round < repetitions(100) && wrong[i].empty(); ++round) {
      if (i < 2) {
        wrong[i] = workout(cache, "thread" + std::to_string(i), 50);
      } else {
        Cache own = Cache::open(name_);
        wrong[i] = workout(own, "thread" + std::to_string(i), 20);
      }
    }
  });
  for (const std::string& text : wrong) EXPECT_EQ(text, "");
  expect_sound();
}

TEST_P(HandleThreadTest, StatsAndVerifyBesideWorkingThreadsReportNoProblem) {
  make(2 * kMiB);
  std::atomic<bool> stop{false};
  std::string first_problem;
  std::uint64_t looks = 0;
  in_threads([&](std::size_t i, Cache& cache) {
    if (i == 0) {
      std::uint64_t gets = 0;
      for (std::uint64_t n = 0; n < repetitions(100); ++n, ++looks) {
        const VerifyReport report = cache.verify();
        if (!report.ok && first_problem.empty()) first_problem = report.problems.empty() ? "not ok" : report.problems.front();
        const Stats stats = cache.stats();
        if (stats.gets != stats.hits + stats.misses && first_problem.empty()) first_problem = "gets are not hits and misses";
        if (stats.gets < gets && first_problem.empty()) first_problem = "a counter went back";
        gets = stats.gets;
        static_cast<void>(cache.slabs());
        static_cast<void>(cache.workers());
      }
      stop.store(true);
      return;
    }
    Random random(i);
    std::string value;
    while (!stop.load()) {
      const std::string key = numbered_key("k", random.below(2'000));
      make_value(value, key, 1, random.log_uniform(20'000));
      static_cast<void>(cache.set(key, value));
      static_cast<void>(cache.get(key));
      if (random.one_in(10)) static_cast<void>(cache.erase(key));
    }
  });
  EXPECT_EQ(first_problem, "");
  expect_sound();
}

INSTANTIATE_TEST_SUITE_P(Handles, HandleThreadTest, ::testing::Values(1, 2),
                         [](const auto& handles) { return std::string(handles.param == 1 ? "One" : "Two"); });

}  // namespace
}  // namespace carafe::test
