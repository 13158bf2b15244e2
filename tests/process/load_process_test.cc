// SPDX-License-Identifier: MIT
// One computation per host: processes and threads that miss the same keys at once, some of which are killed while they compute.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <optional>
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

struct Race {
  std::atomic<std::uint64_t> truth;      // what a loader reads
  std::atomic<std::uint64_t> computing;  // loaders that have read it
  std::atomic<std::uint64_t> erased;     // erases that have returned
  std::atomic<std::uint32_t> stop;
};

template <typename Condition>
bool spin_until(std::chrono::microseconds most, const Condition& condition) {
  for (const auto end = std::chrono::steady_clock::now() + most; !condition();) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

struct Races {
  std::uint64_t rounds = 0;
  std::uint64_t violations = 0;
};

/// A loader computes from what changes while it computes; who changes it erases the key afterwards. After that erase has returned, nobody may
/// see what was computed before. `fenced`: by get_or_load; else with get and set, as everybody writes it by hand.
Races race(bool fenced) {
  const ScratchName name("load");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  SharedMemory memory(sizeof(Race));
  Race& board = memory.as<Race>();
  const auto load = [&] {
    const std::uint64_t erased = board.erased.load();
    const std::uint64_t seen = board.truth.load();
    board.computing.fetch_add(1);
    spin_until(200us, [&] { return board.erased.load() != erased || board.stop.load() != 0; });
    return std::to_string(seen);
  };
  Child loader = Child::fork([&] {
    Cache mine = Cache::open(name);
    while (board.stop.load() == 0) {
      if (fenced) {
        static_cast<void>(mine.get_or_load("key", load));
      } else if (!mine.get("key")) {
        static_cast<void>(mine.set("key", load()));
      }
    }
    return 0;
  });
  const std::uint64_t most = number_from_environment("CARAFE_LOAD_RACES", 20'000);
  const auto end = std::chrono::steady_clock::now() + (most > 20'000 ? std::chrono::seconds(600) : std::chrono::seconds(4));
  Races races;
  while (races.rounds < most && std::chrono::steady_clock::now() < end) {
    const std::uint64_t computing = board.computing.load();
    if (!spin_until(1000us, [&] { return board.computing.load() != computing; })) {
      static_cast<void>(cache.erase("key"));  // there was a value, so nobody computes
      board.erased.fetch_add(1);
      continue;
    }
    const std::uint64_t round = ++races.rounds;
    board.truth.store(round);
    static_cast<void>(cache.erase("key"));
    board.erased.fetch_add(1);
    std::optional<std::string> value;
    spin_until(100us, [&] { return (value = cache.get("key")).has_value(); });
    if (value && std::stoull(*value) < round) ++races.violations;
    static_cast<void>(cache.erase("key"));
  }
  board.stop.store(1);
  EXPECT_EQ(loader.wait(), 0);
  return races;
}

TEST(LoadProcess, AnErasedValueNeverComesBack) {
  const Races fenced = race(true);
  EXPECT_EQ(fenced.violations, 0U);
  EXPECT_GT(fenced.rounds, 50U) << "this tested hardly anything";
  const Races by_hand = race(false);
  EXPECT_GT(by_hand.violations, 0U) << "this test sees nothing, in " << by_hand.rounds << " rounds";
  std::printf("old values after an erase: 0 in %llu races with get_or_load, %llu in %llu with get and set\n",
              static_cast<unsigned long long>(fenced.rounds), static_cast<unsigned long long>(by_hand.violations),
              static_cast<unsigned long long>(by_hand.rounds));
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
