// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
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

/// What the processes of a test tell one another.
struct Board {
  Meeting meeting;
  std::atomic<std::uint32_t> stop;
  std::atomic<std::uint64_t> sequence;
  std::atomic<std::uint64_t> done;
};

// --- what the workers do, whether re-executed on a named segment or forked on an anonymous one

constexpr std::uint32_t kProcesses = 4;
constexpr std::int64_t kIncrements = 20'000;

int increment(Cache& cache, Board& board) {
  CHILD_REQUIRE(board.meeting.meet(kProcesses));
  for (std::int64_t i = 0; i < kIncrements; ++i) {
    CHILD_REQUIRE(insist([&] { return cache.increment("everybody's", 1).status; }) == Status::kOk);
    CHILD_REQUIRE(insist([&] { return cache.increment(i % 2 == 0 ? "even" : "odd", -3, 1000).status; }) == Status::kOk);
  }
  return 0;
}

constexpr std::uint64_t kKeys = 150;

int write_values(Cache& cache, Board& board) {
  Random random(static_cast<std::uint64_t>(::getpid()));
  std::string value;
  CHILD_REQUIRE(board.meeting.meet(kProcesses));
  while (board.stop.load(std::memory_order_relaxed) == 0) {
    const std::string key = numbered_key("k", random.below(kKeys));
    make_value(value, key, board.sequence.fetch_add(1, std::memory_order_relaxed), kCertifiedBytes + random.log_uniform(60'000));
    Status status = Status::kOk;
    switch (random.below(8)) {
      case 0:
        status = cache.erase(key);
        break;
      case 1:
        status = cache.add(key, value);
        break;
      case 2:
        status = cache.replace(key, value);
        break;
      default:
        status = cache.set(key, value);
    }
    CHILD_REQUIRE(status == Status::kOk || status == Status::kBusy || status == Status::kNotFound || status == Status::kExists);
    board.done.fetch_add(1, std::memory_order_relaxed);
  }
  return 0;
}

CARAFE_CHILD(increment) {
  Cache cache = Cache::open(arguments.at(0));
  SharedMemory memory = SharedMemory::inherit(arguments.at(1));
  return increment(cache, memory.as<Board>());
}

CARAFE_CHILD(write_values) {
  Cache cache = Cache::open(arguments.at(0));
  SharedMemory memory = SharedMemory::inherit(arguments.at(1));
  return write_values(cache, memory.as<Board>());
}

/// A test of both kinds of segment: `true` for a named one with re-executed children, `false` for an anonymous one with forked ones.
class ConcurrentProcessTest : public ::testing::TestWithParam<bool> {
 protected:
  using Work = int (*)(Cache&, Board&);

  void make(std::size_t capacity_bytes) {
    const Options options = with_capacity(capacity_bytes);
    cache_.emplace(GetParam() ? Cache::create(name_, options) : Cache::create_anonymous(options));
  }
  Child start(const char* work_name, Work work) {
    if (GetParam()) return Child::spawn(work_name, {name_.str(), memory_.argument()});
    return Child::fork([this, work] { return work(*cache_, board_); });
  }

  ScratchName name_{"concurrent"};
  SharedMemory memory_{sizeof(Board)};
  Board& board_ = memory_.as<Board>();
  std::optional<Cache> cache_;
};

TEST_P(ConcurrentProcessTest, IncrementsOfFourProcessesSumExactly) {
  make(kMiB);
  std::vector<Child> children;
  for (std::uint32_t i = 0; i < kProcesses; ++i) children.push_back(start("increment", &increment));
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(cache_->get("everybody's"), std::to_string(kProcesses * kIncrements));
  EXPECT_EQ(cache_->get("even"), std::to_string(1000 - 3 * kProcesses * kIncrements / 2));
  EXPECT_EQ(cache_->get("odd"), std::to_string(1000 - 3 * kProcesses * kIncrements / 2));
  EXPECT_EQ(cache_->stats().sets, 2U * kProcesses * kIncrements);
  EXPECT_TRUE(cache_->verify().ok);
}

TEST_P(ConcurrentProcessTest, ReadersSeeOnlyWholeValuesOfTheirKeyUnderThreeWriters) {
  make(2 * kMiB);
  std::vector<Child> writers;
  for (std::uint32_t i = 1; i < kProcesses; ++i) writers.push_back(start("write_values", &write_values));
  ASSERT_TRUE(board_.meeting.meet(kProcesses));
  Random random(1);
  std::uint64_t hits = 0;
  std::vector<std::string> keys(8);
  std::vector<std::string_view> views(8);
  const auto look_at = [&hits](std::string_view key, std::string_view value) {
    ++hits;
    ASSERT_TRUE(sequence_of(key, value).has_value()) << key << ": a value of " << value.size() << " bytes that nobody wrote";
  };
  const auto end = std::chrono::steady_clock::now() + 2s;
  while (std::chrono::steady_clock::now() < end && !HasFailure()) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i] = numbered_key("k", random.below(kKeys));
      views[i] = keys[i];
    }
    for (const std::string& key : keys) {
      const auto value = cache_->get(key);
      if (value) look_at(key, *value);
      const auto versioned = cache_->get_versioned(key);
      if (versioned) look_at(key, versioned->value);
    }
    const auto values = cache_->get_many(views);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (values[i]) look_at(keys[i], *values[i]);
    }
    if (random.one_in(100)) cache_->for_each(look_at);
  }
  board_.stop.store(1);
  for (Child& writer : writers) EXPECT_EQ(writer.wait(), 0);
  EXPECT_GT(hits, 1'000U);
  EXPECT_GT(board_.done.load(), 1'000U);
  const Stats stats = cache_->stats();
  EXPECT_EQ(stats.gets, stats.hits + stats.misses);
  EXPECT_EQ(stats.corruptions, 0U);
  EXPECT_EQ(stats.no_space, 0U);
  const VerifyReport report = cache_->verify();
  EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
}

TEST_P(ConcurrentProcessTest, WhileAWriterIsStoppedReadsGoOnAndWritesOfOtherKeysSucceed) {
  make(4 * kMiB);
  constexpr std::uint64_t kOwnKeys = 64;
  const std::string value(100, 'v');
  for (std::uint64_t i = 0; i < kOwnKeys; ++i) ASSERT_EQ(cache_->set(numbered_key("own", i), value), Status::kOk);
  Child writer = start("write_values", &write_values);
  board_.meeting.meet(1);  // the child waits for four: it, and we three times
  board_.meeting.meet(1);
  board_.meeting.meet(1);
  ASSERT_TRUE(eventually(10s, [this] { return board_.done.load() > 100; }));
  Random random(2);
  std::uint64_t busy = 0;
  for (int round = 0; round < 60; ++round) {
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(3000)));
    writer.signal(SIGSTOP);
    ASSERT_TRUE(writer.wait_until_stopped());
    std::uint64_t refused = 0;
    for (std::uint64_t i = 0; i < kOwnKeys; ++i) {
      const std::string key = numbered_key("own", i);
      auto start_time = std::chrono::steady_clock::now();
      EXPECT_EQ(cache_->get(key), value) << "in round " << round;
      EXPECT_LT(std::chrono::steady_clock::now() - start_time, 500ms) << "a get waited for a stopped writer";
      start_time = std::chrono::steady_clock::now();
      const Status status = cache_->set(key, value);
      EXPECT_LT(std::chrono::steady_clock::now() - start_time, 500ms) << "a set waited for a stopped writer without a bound";
      EXPECT_TRUE(status == Status::kOk || status == Status::kBusy) << to_string(status);
      if (status == Status::kBusy) {
        ++refused;
        EXPECT_EQ(cache_->erase(key), Status::kBusy) << "an erase that could not be done has to say so";
        EXPECT_EQ(cache_->get(key), value);
      }
    }
    EXPECT_LE(refused, kOwnKeys / 3) << "one stopped writer holds at most one stripe";
    busy += refused;
    writer.signal(SIGCONT);
    for (std::uint64_t i = 0; i < kOwnKeys; ++i) {
      ASSERT_EQ(insist([&] { return cache_->set(numbered_key("own", i), value); }), Status::kOk);
    }
  }
  RecordProperty("busy", std::to_string(busy));
  board_.stop.store(1);
  EXPECT_EQ(writer.wait(), 0);
  EXPECT_TRUE(cache_->verify().ok);
}

TEST_P(ConcurrentProcessTest, KillingWritersLosesNothingButWhatTheyWereWriting) {
  make(8 * kMiB);
  constexpr std::uint64_t kOwnKeys = 1000;
  for (std::uint64_t i = 0; i < kOwnKeys; ++i) {
    const std::string key = numbered_key("own", i);
    ASSERT_EQ(cache_->set(key, value_for(key, 1, i)), Status::kOk);
  }
  Random random(3);
  const auto cycle = [&] {
    Child writer = start("write_values", &write_values);
    const std::uint64_t before = board_.done.load();
    for (int i = 0; i < 3; ++i) board_.meeting.meet(1);
    ASSERT_TRUE(eventually(10s, [&] { return board_.done.load() > before + 20; }));
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(4000)));
    writer.kill();
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      const std::string key = numbered_key("k", i);
      const auto start_time = std::chrono::steady_clock::now();
      ASSERT_EQ(cache_->set(key, value_for(key, 1, 100)), Status::kOk) << "after a kill -9";
      ASSERT_LT(std::chrono::steady_clock::now() - start_time, 500ms);
      ASSERT_EQ(cache_->get(key), value_for(key, 1, 100));
    }
  };
  for (int i = 0; i < 60; ++i) ASSERT_NO_FATAL_FAILURE(cycle()) << i;
  const Stats stats = cache_->stats();
  if (stats.evictions == 0) {
    for (std::uint64_t i = 0; i < kOwnKeys; ++i) {
      const std::string key = numbered_key("own", i);
      EXPECT_EQ(cache_->get(key), value_for(key, 1, i)) << key << " was lost";
    }
  }
  EXPECT_EQ(stats.corruptions, 0U);
  const VerifyReport report = cache_->verify();
  EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
}

INSTANTIATE_TEST_SUITE_P(Segments, ConcurrentProcessTest, ::testing::Bool(),
                         [](const auto& named) { return std::string(named.param ? "Named" : "Anonymous"); });

// --- two processes that make the same segment at once

constexpr std::uint64_t kRaces = 100;

CARAFE_CHILD(race_to_create) {
  const std::string& prefix = arguments.at(0);
  const std::string& me = arguments.at(1);
  const std::string other = me == "a" ? "b" : "a";
  SharedMemory memory = SharedMemory::inherit(arguments.at(2));
  Board& board = memory.as<Board>();
  for (std::uint64_t i = 0; i < kRaces; ++i) {
    const std::string name = prefix + "." + std::to_string(i);
    CHILD_REQUIRE(board.meeting.meet(2));
    Cache cache = Cache::open_or_create(name, with_capacity(me == "a" ? kMiB : 2 * kMiB));
    CHILD_REQUIRE(insist([&] { return cache.set(me, std::to_string(cache.info().capacity_bytes)); }) == Status::kOk);
    CHILD_REQUIRE(board.meeting.meet(2));
    CHILD_REQUIRE(cache.get(other) == std::to_string(cache.info().capacity_bytes));
    CHILD_REQUIRE(board.meeting.meet(2));
    if (me == "a") CHILD_REQUIRE(Cache::remove(name));
  }
  return 0;
}

TEST(RaceProcessTest, TwoProcessesThatOpenOrCreateAtOnceAlwaysGetTheSameSegment) {
  const ScratchName prefix("race");
  SharedMemory memory(sizeof(Board));
  Child a = Child::spawn("race_to_create", {prefix.str(), "a", memory.argument()});
  Child b = Child::spawn("race_to_create", {prefix.str(), "b", memory.argument()});
  EXPECT_EQ(a.wait(), 0);
  EXPECT_EQ(b.wait(), 0);
  for (const std::string& left : shared_files_with(prefix.str())) {
    ADD_FAILURE() << left << " was left behind";
    Cache::remove(left.substr(std::string("carafe.").size()));
  }
}

CARAFE_CHILD(race_to_remove) {
  const std::string& name = arguments.at(0);
  SharedMemory memory = SharedMemory::inherit(arguments.at(1));
  Board& board = memory.as<Board>();
  CHILD_REQUIRE(board.meeting.meet(2));
  for (int i = 0; i < 300; ++i) {
    try {
      Cache cache = Cache::open_or_create(name, with_capacity(kMiB));
      const Status status = cache.set("key", "value");
      CHILD_REQUIRE(status == Status::kOk || status == Status::kRetired || status == Status::kBusy);
      const auto value = cache.get("key");
      CHILD_REQUIRE(!value || *value == "value");
      Cache::remove(name);
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 1;
    }
  }
  return 0;
}

TEST(RaceProcessTest, OpeningCreatingAndRemovingAtOnceNeverFails) {
  const ScratchName name("removed");
  SharedMemory memory(sizeof(Board));
  Child a = Child::spawn("race_to_remove", {name.str(), memory.argument()});
  Child b = Child::spawn("race_to_remove", {name.str(), memory.argument()});
  EXPECT_EQ(a.wait(), 0);
  EXPECT_EQ(b.wait(), 0);
}

TEST(WorkoutProcessTest, EightProcessesUseEveryVerbOnKeysOfTheirOwn) {
  const ScratchName name("workout");
  Cache cache = Cache::create(name, with_capacity(4 * kMiB));
  std::vector<Child> children;
  for (int i = 0; i < 8; ++i) {
    children.push_back(Child::fork([&, i] {
      Cache own = Cache::open(name);
      const std::string wrong = workout(i % 2 == 0 ? own : cache, "worker" + std::to_string(i), 3'000);
      if (!wrong.empty()) std::fprintf(stderr, "worker %d: %s\n", i, wrong.c_str());
      return wrong.empty() ? 0 : 1;
    }));
  }
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  EXPECT_TRUE(cache.verify().ok);
}

}  // namespace
}  // namespace carafe::test
