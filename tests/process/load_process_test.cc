// SPDX-License-Identifier: MIT
// One computation per host: processes and threads that miss the same keys at once, some of which are killed while they compute.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shared_memory.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

constexpr int kKeys = 200;
constexpr auto kLoaderTime = 20ms;

struct Board {
  std::atomic<std::uint32_t> go;
  std::atomic<std::uint64_t> begun[kKeys];  // loads of each key
  std::atomic<std::uint64_t> ended[kKeys];
  std::atomic<std::int64_t> owner[kKeys];       // pid of who computes it now; 0: nobody
  std::atomic<std::uint64_t> killed_ns[kKeys];  // when its last owner was killed
  std::atomic<std::uint64_t> longest_takeover_ns;
  std::atomic<std::uint64_t> longest_wait_ns;
};

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

void raise(std::atomic<std::uint64_t>& most, std::uint64_t value) {
  for (std::uint64_t seen = most.load(); seen < value && !most.compare_exchange_weak(seen, value);) {
  }
}

std::string key_of(int i) { return "cold" + std::to_string(i); }

/// What one thread does: loads every key, from a place of its own on.
void load_all(Cache& cache, Board& board, int first) {
  while (board.go.load() == 0) std::this_thread::sleep_for(100us);
  for (int n = 0; n < kKeys; ++n) {
    const int i = (first + n) % kKeys;
    const std::uint64_t start = now_ns();
    const std::string value = cache.get_or_load(key_of(i), [&] {
      board.owner[i].store(::getpid());
      board.begun[i].fetch_add(1);
      if (const std::uint64_t killed = board.killed_ns[i].exchange(0); killed != 0) raise(board.longest_takeover_ns, now_ns() - killed);
      std::this_thread::sleep_for(kLoaderTime);
      board.ended[i].fetch_add(1);
      board.owner[i].store(0);
      return "value of " + key_of(i);
    });
    raise(board.longest_wait_ns, now_ns() - start);
    CHILD_REQUIRE(value == "value of " + key_of(i));
  }
}

int work(const std::string& name, Board& board, int number) {
  Cache cache = Cache::open(name);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] { load_all(cache, board, (number * 4 + thread) % 3 == 0 ? 0 : number * 7 + thread); });
  for (std::thread& thread : threads) thread.join();
  return 0;
}

TEST(LoadProcess, EightProcessesOfFourThreadsComputeEachKeyOnce) {
  const ScratchName name("load");
  const Cache cache = Cache::create(name, with_capacity(8 * kMiB));
  SharedMemory memory(sizeof(Board));
  Board& board = memory.as<Board>();
  std::vector<Child> children;
  for (int i = 0; i < 8; ++i) children.push_back(Child::fork([&, i] { return work(name.str(), board, i); }));
  board.go.store(1);
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  for (int i = 0; i < kKeys; ++i) EXPECT_EQ(board.begun[i].load(), 1U) << key_of(i);
  const Stats stats = cache.stats();
  EXPECT_EQ(stats.loads, static_cast<std::uint64_t>(kKeys));
  EXPECT_EQ(stats.lone_loads, 0U);
  EXPECT_EQ(stats.items, static_cast<std::uint64_t>(kKeys));
  std::printf("%llu callers waited, none longer than %.1f ms\n", static_cast<unsigned long long>(stats.load_waits),
              static_cast<double>(board.longest_wait_ns.load()) / 1e6);
}

/// Each kill of an owner costs one more load of his key, and those who wait hardly notice.
TEST(LoadProcess, AKilledOwnersLoadIsTakenOver) {
  const ScratchName name("load");
  const Cache cache = Cache::create(name, with_capacity(8 * kMiB));
  SharedMemory memory(sizeof(Board));
  Board& board = memory.as<Board>();
  std::array<Child, 8> children;
  for (int i = 0; i < 8; ++i) children[static_cast<std::size_t>(i)] = Child::fork([&, i] { return work(name.str(), board, i); });
  board.go.store(1);
  Random random(number_from_environment("CARAFE_SEED", 7));
  int kills = 0;
  std::uint64_t hit_owners = 0;
  while (kills < 60) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + random.below(20)));
    const auto victim = static_cast<std::size_t>(random.below(7));  // one stays, so that the work gets done
    if (children[victim].poll() != Child::kStillRunning) {
      children[victim] = Child::fork([&, victim] { return work(name.str(), board, static_cast<int>(victim)); });
      if (std::all_of(std::begin(board.ended), std::end(board.ended), [](const auto& ended) { return ended.load() != 0; })) break;
      continue;
    }
    children[victim].signal(SIGSTOP);  // so that what he computes does not change between the look and the death
    if (!children[victim].wait_until_stopped()) continue;
    for (int i = 0; i < kKeys; ++i)
      if (board.owner[i].load() == children[victim].pid()) {
        ++hit_owners;
        board.killed_ns[i].store(now_ns());
      }
    children[victim].kill();
    ++kills;
    children[victim] = Child::fork([&, victim] { return work(name.str(), board, static_cast<int>(victim)); });
  }
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  std::uint64_t begun = 0;
  for (int i = 0; i < kKeys; ++i) {
    EXPECT_GE(board.ended[i].load(), 1U) << key_of(i);
    begun += board.begun[i].load();
  }
  const Stats stats = cache.stats();
  // Between asking and beginning, or between ending and filling, a death is not seen here.
  EXPECT_LE(begun, kKeys + hit_owners + static_cast<std::uint64_t>(kills) * 4);
  EXPECT_GE(begun + 2, kKeys + hit_owners);
  EXPECT_EQ(stats.lone_loads, 0U);
  EXPECT_GT(stats.load_take_overs, 0U);
  EXPECT_LT(board.longest_takeover_ns.load(), 500'000'000U);  // 50 ms, and what a busy machine adds
  std::printf("%d kills, %llu of owners, %llu loads of %d keys, longest take-over %.1f ms, longest wait %.1f ms\n", kills,
              static_cast<unsigned long long>(hit_owners), static_cast<unsigned long long>(begun), kKeys,
              static_cast<double>(board.longest_takeover_ns.load()) / 1e6, static_cast<double>(board.longest_wait_ns.load()) / 1e6);
}

/// What a forked child has inherited is its parent's lease, not its own.
TEST(LoadProcess, AForkedChildDoesNotEndItsParentsLease) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  LoadTicket ticket = cache.try_load("key");
  ASSERT_TRUE(ticket.owns_lease());
  Child child = Child::fork([&] {
    CHILD_REQUIRE(ticket.fill("the child's") == Status::kStale);
    LoadTicket other = cache.try_load("key");
    CHILD_REQUIRE(!other.owns_lease() && !other.has_value());
    ticket.abandon();
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(ticket.fill("the parent's"), Status::kOk);
  EXPECT_EQ(cache.get("key"), "the parent's");
}

/// Not after the 20 ms at which who waits looks whether the owner has died.
TEST(LoadProcess, WhoWaitsIsWokenAtOnce) {
  const ScratchName name("load");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  SharedMemory memory(sizeof(Board));
  Board& board = memory.as<Board>();
  constexpr int kRounds = 11;
  Child owner = Child::fork([&] {
    Cache mine = Cache::open(name);
    for (std::uint32_t i = 1; i <= kRounds; ++i) {
      static_cast<void>(mine.get_or_load(key_of(static_cast<int>(i)), [&] {
        board.go.store(i);
        std::this_thread::sleep_for(25ms);
        board.killed_ns[0].store(now_ns());
        return std::string("value");
      }));
      std::this_thread::sleep_for(10ms);
    }
    return 0;
  });
  std::vector<double> delays_ms;
  for (std::uint32_t i = 1; i <= kRounds; ++i) {
    ASSERT_TRUE(eventually(10s, [&] { return board.go.load() == i; }));
    EXPECT_EQ(cache.get_or_load(key_of(static_cast<int>(i)), [] { return "mine"; }), "value");
    delays_ms.push_back(static_cast<double>(now_ns() - board.killed_ns[0].load()) / 1e6);
  }
  EXPECT_EQ(owner.wait(), 0);
  std::sort(delays_ms.begin(), delays_ms.end());
  EXPECT_LT(delays_ms[kRounds / 2], 8.0);
  std::printf("a value reaches who waits for it after %.2f ms (median; %.2f to %.2f)\n", delays_ms[kRounds / 2], delays_ms.front(),
              delays_ms.back());
}

/// Stopped is not dead: his lease stays his.
TEST(LoadProcess, AStoppedOwnersLeaseStaysHis) {
  const ScratchName name("load");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  SharedMemory memory(sizeof(Board));
  Board& board = memory.as<Board>();
  Child owner = Child::fork([&] {
    Cache mine = Cache::open(name);
    return mine.get_or_load("key",
                            [&] {
                              board.go.store(1);
                              while (board.go.load() != 2) std::this_thread::sleep_for(1ms);
                              return "his";
                            }) == "his"
               ? 0
               : 1;
  });
  ASSERT_TRUE(eventually(10s, [&] { return board.go.load() == 1; }));
  owner.signal(SIGSTOP);
  ASSERT_TRUE(owner.wait_until_stopped());
  EXPECT_EQ(cache.get_or_load("key", [] { return "mine"; }, {.max_wait = 200ms}), "mine");
  EXPECT_FALSE(cache.get("key")) << "what was computed without a lease must not be stored";
  board.go.store(2);
  owner.signal(SIGCONT);
  EXPECT_EQ(owner.wait(), 0);
  EXPECT_EQ(cache.get("key"), "his");
}

}  // namespace
}  // namespace carafe::test
