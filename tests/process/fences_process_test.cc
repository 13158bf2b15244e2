// SPDX-License-Identifier: MIT
// Each way to invalidate against a load that is under way in another process: once it has returned, nobody may see what was computed before.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iterator>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/test_name.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kKey = "key:7";

/// The "database", and where the two processes meet.
struct Board {
  std::atomic<std::uint64_t> version;      // what a loader reads
  std::atomic<std::uint64_t> computing;    // loads that have read it
  std::atomic<std::uint64_t> invalidated;  // invalidations that have returned
  std::atomic<std::uint32_t> stop;
};

struct Kind {
  const char* name;
  /// Stores `version`, or nothing, and takes whatever is older away.
  std::function<void(Cache& cache, Namespace& space, std::uint64_t version)> invalidate;
  bool in_namespace = false;
  bool at_fill = false;  // the tag is named only then
  bool stale = false;    // there is an old value, which is refreshed
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

const Kind kKinds[] = {
    {"erase", [](Cache& cache, Namespace&, std::uint64_t) { static_cast<void>(cache.erase(kKey)); }},
    {"erase of a stale value", [](Cache& cache, Namespace&, std::uint64_t) { static_cast<void>(cache.erase(kKey)); }, false, false, true},
    {"set", [](Cache& cache, Namespace&, std::uint64_t version) { static_cast<void>(cache.set(kKey, std::to_string(version))); }},
    {"clear", [](Cache& cache, Namespace&, std::uint64_t) { cache.clear(); }},
    {"clear of a namespace", [](Cache&, Namespace& space, std::uint64_t) { space.clear(); }, true},
    {"drop of a namespace", [](Cache& cache, Namespace&, std::uint64_t) { cache.drop_namespace("space"); }, true},
    {"tag", [](Cache& cache, Namespace&, std::uint64_t) { static_cast<void>(cache.invalidate_tag("tag")); }},
    {"tag of a stale value", [](Cache& cache, Namespace&, std::uint64_t) { static_cast<void>(cache.invalidate_tag("tag")); }, false, false,
     true},
    {"tag named at the fill", [](Cache& cache, Namespace&, std::uint64_t) { static_cast<void>(cache.invalidate_tag("tag")); }, false, true},
    {"erase_prefix", [](Cache& cache, Namespace&, std::uint64_t) { cache.erase_prefix("key:"); }},
    {"erase_prefix in a namespace", [](Cache&, Namespace& space, std::uint64_t) { space.erase_prefix("key:"); }, true},
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

/// One load, in the loader's process. `fenced`: by the library; else with get and set, as everybody writes it by hand.
void load(Keyspace& keys, const Kind& kind, bool fenced, const std::function<std::string()>& compute) {
  const Tags tags = kind.in_namespace ? Tags{} : Tags{"tag"};
  const LoadOptions options{.ttl = kind.stale ? 1ms : kForever, .stale_for = kind.stale ? 1h : 0ms, .tags = tags};
  if (!fenced) {
    if (!keys.get(kKey)) static_cast<void>(keys.set(kKey, compute(), {.tags = tags}));
  } else if (kind.at_fill) {
    LoadTicket ticket = keys.try_load(kKey);
    if (ticket.owns_lease()) static_cast<void>(ticket.fill(compute(), {.tags = tags}));
  } else {
    static_cast<void>(keys.get_or_load(kKey, compute, options));
  }
}

/// What anybody may see of the key: also a stale value.
std::optional<std::string> look(Keyspace& keys, const Kind& kind) {
  if (!kind.stale) return keys.get(kKey);
  const LoadTicket ticket = keys.try_load(kKey, {.stale_for = 1h, .tags = {"tag"}});
  return ticket.has_value() ? std::optional(ticket.value()) : std::nullopt;
}

Races race(const Kind& kind, bool fenced, std::uint64_t most) {
  const ScratchName name("fences");
  Cache cache = Cache::create(name, with_capacity(kMiB));
  Namespace space = cache.in("space");
  Keyspace& keys = kind.in_namespace ? static_cast<Keyspace&>(space) : cache;
  SharedMemory memory(sizeof(Board));
  Board& board = memory.as<Board>();
  Child loader = Child::fork([&] {
    Cache mine = Cache::open(name);
    Namespace my_space = mine.in("space");
    Keyspace& my_keys = kind.in_namespace ? static_cast<Keyspace&>(my_space) : mine;
    while (board.stop.load() == 0)
      load(my_keys, kind, fenced, [&] {
        const std::uint64_t invalidated = board.invalidated.load();
        const std::uint64_t seen = board.version.load();
        board.computing.fetch_add(1);
        spin_until(200us, [&] { return board.invalidated.load() != invalidated || board.stop.load() != 0; });
        return std::to_string(seen);
      });
    return 0;
  });
  const auto end = std::chrono::steady_clock::now() + (most > 5'000 ? std::chrono::seconds(600) : std::chrono::seconds(2));
  Races races;
  while (races.rounds < most && std::chrono::steady_clock::now() < end) {
    const std::uint64_t computing = board.computing.load();
    if (!spin_until(1000us, [&] { return board.computing.load() != computing; })) {
      static_cast<void>(keys.erase(kKey));  // there was a value, so nobody computes
      board.invalidated.fetch_add(1);
      continue;
    }
    const std::uint64_t round = ++races.rounds;
    board.version.store(round);
    kind.invalidate(cache, space, round);
    board.invalidated.fetch_add(1);
    const auto is_old = [&](const std::optional<std::string>& value) { return value && std::stoull(*value) < round; };
    if (spin_until(100us, [&] { return is_old(look(keys, kind)); })) ++races.violations;
    if (!kind.stale || round % 16 == 0) static_cast<void>(keys.erase(kKey));
  }
  board.stop.store(1);
  EXPECT_EQ(loader.wait(), 0);
  EXPECT_TRUE(cache.verify().ok);
  return races;
}

class Fences : public ::testing::TestWithParam<Kind> {};

/// CARAFE_FENCE_RACES: in all of them together; some 20,000 by default.
TEST_P(Fences, NothingComputedBeforeIsSeenAfter) {
  const bool is_brief = number_from_environment("CARAFE_TEST_SHORT", 0) != 0;
  const std::uint64_t each = number_from_environment("CARAFE_FENCE_RACES", is_brief ? 4'000 : 20'000) / std::size(kKinds);
  const Races fenced = race(GetParam(), true, each);
  EXPECT_EQ(fenced.violations, 0U);
  EXPECT_GT(fenced.rounds, 50U) << "this tested hardly anything";
  Races by_hand;
  for (int i = 0; i < 5 && by_hand.violations == 0; ++i) {
    const Races more = race(GetParam(), false, 300);
    by_hand.rounds += more.rounds;
    by_hand.violations += more.violations;
  }
  EXPECT_GT(by_hand.violations, 0U) << "this test sees nothing, in " << by_hand.rounds << " rounds";
  std::printf("%s: 0 old values in %llu races with get_or_load, %llu in %llu with get and set\n", GetParam().name,
              static_cast<unsigned long long>(fenced.rounds), static_cast<unsigned long long>(by_hand.violations),
              static_cast<unsigned long long>(by_hand.rounds));
}

INSTANTIATE_TEST_SUITE_P(Process, Fences, ::testing::ValuesIn(kKinds), [](const auto& kind) { return test_name(kind.param.name); });

}  // namespace
}  // namespace carafe::test
