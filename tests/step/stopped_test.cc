// SPDX-License-Identifier: MIT
/// Stopped is not dead. A writer is held within a set, an erase, an eviction or the rebuild of a table: at an instruction that was chosen, and by
/// SIGSTOP wherever it is. Meanwhile all keys can be read as fast as ever, keys of other stripes can be written, those of its own stripe
/// are written or refused within Options::lock_wait. When it goes on, it ends as if nothing had been: it was robbed of nothing.
///
///   CARAFE_STEP_STOPPED_SECONDS=600   how long the writer stays stopped by SIGSTOP, all stops together; 2 s by default
///   CARAFE_STEP_STOPS=0               hold it at every instruction that others could notice, not at some of them
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <ostream>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "crash/anatomy.h"
#include "step/duels.h"
#include "step/troupe.h"
#include "support/child.h"
#include "support/random.h"

namespace carafe::test {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kGetMostNs = 1'000'000;
constexpr std::uint64_t kLockWaitNs = 5'000'000;
constexpr std::uint64_t kSlackNs = 45'000'000;  // this machine may be busy with others

/// Time that this thread has been running: a get sleeps for nobody, so the time in which others have the processor is not its own.
std::uint64_t cpu_ns() noexcept {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}
long sleeps() noexcept {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

struct Latencies {
  std::vector<std::uint64_t> ns;
  void add(std::uint64_t one) { ns.push_back(one); }
  [[nodiscard]] double us_at(double part) {
    if (ns.empty()) return 0;
    std::sort(ns.begin(), ns.end());
    return static_cast<double>(ns[std::min(ns.size() - 1, static_cast<std::size_t>(part * static_cast<double>(ns.size())))]) / 1e3;
  }
};

#if CARAFE_CAN_STEP

/// Reads every key and looks at what it holds. `may_miss`: evicted meanwhile. The key the writer is at has its old value or its new one.
class Readers {
 public:
  Readers(Cache& cache, std::string writers_key, std::vector<std::uint64_t> allowed)
      : cache_(cache), writers_key_(std::move(writers_key)), allowed_(std::move(allowed)) {
    cache_.for_each([&](std::string_view key, std::string_view value) { held_[std::string(key)] = name_of_value(value); });
    held_.erase(writers_key_);
    value_.reserve(1 << 16);
  }
  /// What was wrong, or "".
  std::string read_all(bool may_miss, Latencies& latencies) {
    const long before = sleeps();
    for (const auto& [key, value] : held_) {
      const Status status = timed_get(key, latencies);
      if (status == Status::kNotFound && !may_miss) return key + " cannot be read";
      if (status == Status::kOk && name_of_value(value_) != value) return key + " has a value that nobody stored there";
      if (status != Status::kOk && status != Status::kNotFound) return "get(" + key + ") says " + std::string(to_string(status));
    }
    const Status status = timed_get(writers_key_, latencies);
    writers_value_ = status == Status::kOk ? name_of_value(value_) : 0;
    if (std::find(allowed_.begin(), allowed_.end(), writers_value_) == allowed_.end())
      return writers_key_ + " has neither its old nor its new value";
    if (sleeps() != before) return "a get slept";
    if (slowest_ > kGetMostNs) return "a get took " + std::to_string(slowest_ / 1000) + " us";
    return "";
  }
  /// What the writer's key held when it was last read; 0 for nothing.
  [[nodiscard]] std::uint64_t writers_value() const noexcept { return writers_value_; }

 private:
  Status timed_get(const std::string& key, Latencies& latencies) {
    for (int attempt = 0;; ++attempt) {  // an interrupt may come in between; a lock would be there again
      const std::uint64_t begin = cpu_ns();
      const Status status = cache_.get(key, value_);
      const std::uint64_t took = cpu_ns() - begin;
      if (took > kGetMostNs && attempt < 3) continue;
      latencies.add(took);
      slowest_ = std::max(slowest_, took);
      return status;
    }
  }

  Cache& cache_;
  const std::string writers_key_;
  const std::vector<std::uint64_t> allowed_;  // names of values; 0 for absent
  std::unordered_map<std::string, std::uint64_t> held_;
  std::string value_;
  std::uint64_t slowest_ = 0;
  std::uint64_t writers_value_ = 0;
};

/// What the writer is about when it is held.
struct Held {
  const char* name;
  std::function<Operation(Stage&)> prepare;
  bool tight = false;
  std::function<bool(const Stats& before, const Stats& after)> took_the_way = {};
};

void PrintTo(const Held& held, std::ostream* out) { *out << held.name; }

std::vector<Held> helds() {
  using namespace play;
  return {
      {"set",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         return set("key", text('b', kShared));
       }},
      {"set a new key", [](Stage&) { return set("key", text('b', kShared)); }},
      {"erase",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         return erase("key");
       }},
      {"increment",
       [](Stage& stage) {
         stage.put("key", "7");
         return increment("key");
       }},
      {"set that evicts",
       [](Stage& stage) {
         stage.fill(kLarge);
         return set("key", text('b', kLarge));
       },
       true, &evicted},
      {"set that evicts a small one",
       [](Stage& stage) {
         stage.fill(kShared);
         stage.find_key(kShared, &evicted);
         return set(stage.key, text('b', kShared));
       },
       true, &evicted},
      {"set that moves a page",
       [](Stage& stage) {
         stage.fill(kLarge);
         return set("key", text('b', kSmall));
       },
       true, &moved_a_page},
      {"set that rebuilds a table",
       [](Stage& stage) {
         static_cast<void>(neighbour_of_next_growth(stage));
         return set(stage.key, text('b', 40));
       },
       false, &rebuilt},
      {"set that displaces an entry",
       [](Stage& stage) {
         static_cast<void>(displaced_by_next_set(stage, 2));
         return set(stage.key, text('b', 40));
       }},
  };
}

class StoppedWriter : public ::testing::TestWithParam<Held> {
 protected:
  StoppedWriter() : stage_(Stage::Kind::kNamed, options()), memory_(sizeof(Performance)) {
    for (int i = 0; i < kBystanders; ++i) stage_.put(bystander(i), text('o', 150 + static_cast<std::size_t>(i % 3) * 100));
    operation_ = GetParam().prepare(stage_);
    stage_.save();
  }
  static Options options() {
    Options options = with_capacity(Stage::kCapacity);
    options.lock_wait = milliseconds(kLockWaitNs / 1'000'000);
    return options;
  }

  /// Names of the values that the operation's key may hold at first and in the end.
  [[nodiscard]] std::vector<std::uint64_t> values_allowed() {
    std::string value;
    std::vector<std::uint64_t> allowed{stage_.cache().get(operation_.key, value) == Status::kOk ? name_of_value(value) : 0};
    const std::int64_t number = std::strtoll(value.c_str(), nullptr, 10);
    allowed.push_back(operation_.verb == Operation::kErase       ? 0
                      : operation_.verb == Operation::kIncrement ? name_of_value(std::to_string(number + 1))
                                                                 : name_of_value(operation_.value));
    return allowed;
  }

  /// Every access of the operation to the segment.
  std::vector<Stop> survey() {
    Performance& all = memory_.as<Performance>();
    const Stats before = stage_.cache().stats();
    {
      Troupe troupe(stage_, all, parts_);
      EXPECT_TRUE(troupe.move({0, {Stop::kSurvey, 0, 0}})) << all.trouble;
    }
    EXPECT_TRUE(!GetParam().took_the_way || GetParam().took_the_way(before, stage_.cache().stats())) << "it went another way";
    stage_.restore();
    std::vector<Stop> stops;
    std::unordered_map<std::uintptr_t, std::uint32_t> visits;
    for (std::uint32_t i = 0; i < all.survey.count; ++i) {
      const std::uint32_t visit = ++visits[all.survey.at[i]];
      if (all.survey.kind[i] != Survey::kPlain && visit <= 64) stops.push_back({Stop::kAtAddress, visit, all.survey.at[i]});
    }
    return stops;
  }

  [[nodiscard]] std::vector<std::uint32_t> locked_stripes() const {
    std::vector<std::uint32_t> locked;
    for (std::uint32_t i = 0; i < stage_.view().geometry().stripe_count; ++i)
      if (stage_.view().stripe(i).lock.load(kRelaxed) != 0) locked.push_back(i);
    return locked;
  }

  /// Writes while the writer is held; what was wrong, or "".
  std::string write_beside(std::uint64_t round) {
    Cache& cache = stage_.cache();
    const std::vector<std::uint32_t> locked = locked_stripes();
    for (std::uint32_t i = 0; i < 24; ++i) {
      const std::string key = "beside" + std::to_string(round % 4) + "." + std::to_string(i);
      const std::uint32_t stripe = stage_.stripe_of(key);
      const bool its_own = stage_.view().stripe(stripe).lock.load(kRelaxed) != 0;
      Status status = Status::kOk;
      std::uint64_t took = 0;
      for (int attempt = 0; attempt < 4; ++attempt) {  // this process may lose its processor as well; hardly four times
        const std::uint64_t begin = now_ns();
        status = cache.set(key, text('w', 200));
        took = now_ns() - begin;
        if (took <= kLockWaitNs + kSlackNs) break;
      }
      slowest_set_ = std::max(slowest_set_, took);
      if (status == Status::kBusy && its_own) {
        ++busy_;
      } else if (status != Status::kOk) {
        return "set of a key in " + std::string(its_own ? "its" : "another") + " stripe says " + std::string(to_string(status));
      } else if (std::string value; cache.get(key, value) != Status::kOk || value != text('w', 200)) {
        return "what was set meanwhile is not there";
      }
      if (took > kLockWaitNs + kSlackNs) return "a set took " + std::to_string(took / 1000) + " us";
      ++sets_;
    }
    // Where room is short, until the hand has been everywhere twice: it passes over what the writer has claimed.
    for (int i = 0; GetParam().tight && i < 700; ++i) {
      const Status status = cache.set("round" + std::to_string(i), text('w', play::kLarge));
      if (status != Status::kOk && status != Status::kBusy) return "a set that evicts says " + std::string(to_string(status));
      if (status == Status::kBusy && i >= 20) break;  // each of them waits; some are enough
    }
    if (locked.size() > 1) return "it has more than one stripe";
    if (locked != locked_stripes()) return "its lock was taken away";
    return "";
  }

  std::string check_end() {
    for (const std::string& problem : stage_.cache().verify().problems) return "verify: " + problem;
    for (const SlabStats& slab : stage_.cache().slabs())
      if (slab.claimed != 0) return "a chunk is still claimed";
    const Stats stats = stage_.cache().stats();
    if (stats.recoveries != 0) return "a lock was taken over";
    if (stats.reclaimed_chunks != 0) return "a chunk was taken from the living";
    const Anatomy anatomy = Anatomy::of(stage_.view());
    for (const std::uint64_t debris : anatomy.debris)
      if (debris != 0) return "a chunk is used by nothing";
    if (anatomy.current_items != stats.items)
      return "there are " + std::to_string(anatomy.current_items) + " items, stats say " + std::to_string(stats.items);
    return "";
  }

  Stage stage_;
  SharedMemory memory_;
  Operation operation_;
  std::vector<Part> parts_;
  std::uint64_t slowest_set_ = 0;
  std::uint64_t sets_ = 0;
  std::uint64_t busy_ = 0;
};

TEST_P(StoppedWriter, HoldsUpNobodyAndIsRobbedOfNothing) {
  parts_ = {{operation_}};
  Cache& cache = stage_.cache();
  const std::vector<std::uint64_t> allowed = values_allowed();
  Readers readers(cache, operation_.key, allowed);
  Latencies before;
  Latencies meanwhile;
  for (int i = 0; i < 20; ++i) ASSERT_EQ(readers.read_all(false, before), "");
  stage_.restore();

  const std::vector<Stop> stops = survey();
  const std::uint64_t most = number_from_environment("CARAFE_STEP_STOPS", 40);
  Random random(number_from_environment("CARAFE_STEP_SEED", static_cast<std::uint64_t>(std::time(nullptr))));
  const std::uint64_t stride = most == 0 || stops.size() <= most ? 1 : stops.size() / most;
  Performance& all = memory_.as<Performance>();
  std::uint64_t held = 0;
  for (std::uint64_t i = random.below(stride); i < stops.size(); i += stride) {
    Troupe troupe(stage_, all, parts_);
    ASSERT_TRUE(troupe.move({0, stops[i]})) << all.trouble;
    if (!troupe.is_stopped(0)) continue;  // it went another way: a clock was read
    ++held;
    std::string wrong = readers.read_all(GetParam().tight, meanwhile);
    const bool published = operation_.verb != Operation::kErase && readers.writers_value() == allowed[1];
    Stage::advance(std::chrono::hours(1));  // longer than any time-out
    if (wrong.empty()) wrong = write_beside(i);
    if (wrong.empty()) wrong = readers.read_all(GetParam().tight, meanwhile);
    if (!troupe.finish()) wrong = all.trouble;
    const Outcome& outcome = all.strings[0].outcomes[0];
    if (wrong.empty() && outcome.status != Status::kOk) wrong = "it ended with " + std::string(to_string(outcome.status));
    std::string value;
    const std::uint64_t now = cache.get(operation_.key, value) == Status::kOk ? name_of_value(value) : 0;
    // Where room is short, what it had published before it was held may have been evicted since.
    if (wrong.empty() && now != allowed[1] && !(GetParam().tight && published && now == 0)) wrong = "what it did is not there";
    if (wrong.empty()) wrong = check_end();
    EXPECT_EQ(wrong, "") << GetParam().name << ", held at its stop " << i << " of " << stops.size();
    stage_.restore();
    if (HasFailure()) break;
  }
  EXPECT_GT(held, 0U);
  std::printf(
      "%-28s held at %llu of %zu stops; gets: p50 %.1f us, p99.9 %.1f us (%.1f and %.1f without); %llu sets beside, %llu busy, slowest "
      "%.1f ms\n",
      GetParam().name, static_cast<unsigned long long>(held), stops.size(), meanwhile.us_at(0.5), meanwhile.us_at(0.999), before.us_at(0.5),
      before.us_at(0.999), static_cast<unsigned long long>(sets_), static_cast<unsigned long long>(busy_),
      static_cast<double>(slowest_set_) / 1e6);
}

std::string name_of_held(const ::testing::TestParamInfo<Held>& held) {
  std::string name = held.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Step, StoppedWriter, ::testing::ValuesIn(helds()), &name_of_held);

#else
TEST(StoppedWriter, HoldsUpNobodyAndIsRobbedOfNothing) { GTEST_SKIP() << "needs x86-64, and no sanitizer"; }
#endif

/// A writer that is stopped by SIGSTOP again and again, wherever it is, and goes on every time.
TEST(StoppedBySignal, HoldsUpNobodyAndIsRobbedOfNothing) {
  constexpr int kStops = 60;
  const std::uint64_t seconds = number_from_environment("CARAFE_STEP_STOPPED_SECONDS", 2);
  const std::uint64_t hold_ns = seconds * 1'000'000'000 / kStops;
  ScratchName name("stopped");
  Options options = with_capacity(4 * kMiB);
  options.lock_wait = milliseconds(kLockWaitNs / 1'000'000);
  Cache cache = Cache::create(name, options);
  for (int i = 0; i < kBystanders; ++i) ASSERT_EQ(cache.set(bystander(i), text('o', 200)), Status::kOk);

  SharedMemory memory(64);
  auto& enough = memory.as<std::atomic<std::uint64_t>>();
  Child writer = Child::fork([&] {
    for (std::uint64_t round = 0; enough.load() == 0; ++round) {
      // Small ones and chains, new ones and old ones; tables that grow and shrink.
      for (int i = 0; i < 400; ++i) {
        const std::string key = "writer" + std::to_string(i);
        const std::string_view value = text(static_cast<char>('a' + round % 20), i % 50 == 0 ? 20'000 : 40);
        Status status = Status::kBusy;  // the others hold a stripe no longer than they run, but they may lose their processor
        for (int attempt = 0; status == Status::kBusy && attempt < 1'000; ++attempt) status = cache.set(key, value);
        CHILD_REQUIRE(status == Status::kOk);
        CHILD_REQUIRE(cache.get(key) == value);
      }
      for (int i = 0; i < 400; i += 1 + static_cast<int>(round % 3)) {
        Status status = Status::kBusy;
        for (int attempt = 0; status == Status::kBusy && attempt < 1'000; ++attempt) status = cache.erase("writer" + std::to_string(i));
        CHILD_REQUIRE(status == Status::kOk);
      }
    }
    return 0;
  });

  Random random(number_from_environment("CARAFE_STEP_SEED", static_cast<std::uint64_t>(std::time(nullptr))));
  Latencies gets;
  std::string value;
  std::uint64_t slow = 0;
  std::uint64_t busy = 0;
  std::uint64_t sets = 0;
  std::uint64_t in_lock = 0;
  int late = 0;
  for (int stop = 0; stop < kStops; ++stop) {
    ::usleep(static_cast<useconds_t>(random.below(3'000)));
    writer.signal(SIGSTOP);
    ASSERT_TRUE(writer.wait_until_stopped());
    const std::uint64_t busy_before = busy;
    const std::uint64_t begin = now_ns();
    std::uint64_t round = 0;
    do {
      const long slept = sleeps();
      for (int i = 0; i < kBystanders; ++i) {
        const std::uint64_t start = cpu_ns();
        ASSERT_EQ(cache.get(bystander(i), value), Status::kOk) << bystander(i);
        const std::uint64_t took = cpu_ns() - start;
        ASSERT_EQ(value, text('o', 200));
        gets.add(took);
        slow += took > kGetMostNs ? 1 : 0;
      }
      for (int i = 0; i < 400; ++i) static_cast<void>(cache.get("writer" + std::to_string(i), value));  // some are there, some not
      ASSERT_EQ(sleeps(), slept) << "a get slept";
      if (round++ % 8 != 0) continue;
      for (int i = 0; i < 100; ++i) {
        const std::uint64_t start = now_ns();
        const Status status = cache.set("beside" + std::to_string(i), text('w', 100));
        late = now_ns() - start > kLockWaitNs + kSlackNs ? late + 1 : 0;  // this process may lose its processor as well
        ASSERT_LT(late, 4) << "four sets in turn took longer than lock_wait";
        ASSERT_TRUE(status == Status::kOk || status == Status::kBusy) << to_string(status);
        ++sets;
        busy += status == Status::kBusy ? 1 : 0;
      }
    } while (now_ns() - begin < hold_ns);
    in_lock += busy != busy_before ? 1 : 0;
    writer.signal(SIGCONT);
    ASSERT_EQ(writer.poll(), Child::kStillRunning);
  }
  enough.store(1);
  EXPECT_EQ(writer.wait(), 0);
  EXPECT_LE(slow * 100'000, gets.ns.size()) << "gets that ran for more than 1 ms: " << slow << " of " << gets.ns.size();
  const VerifyReport report = cache.verify();
  EXPECT_TRUE(report.ok) << report.problems.front();
  EXPECT_EQ(cache.stats().recoveries, 0U);
  EXPECT_EQ(cache.stats().reclaimed_chunks, 0U);
  EXPECT_EQ(cache.stats().evictions, 0U);
  for (const SlabStats& slab : cache.slabs()) EXPECT_EQ(slab.claimed, 0U) << slab.chunk_bytes;
  std::printf(
      "stopped %d times for %.0f ms, %llu times while it held a stripe; %zu gets: p50 %.1f us, p99.9 %.1f us; %llu sets, %llu busy\n",
      kStops, static_cast<double>(hold_ns) / 1e6, static_cast<unsigned long long>(in_lock), gets.ns.size(), gets.us_at(0.5),
      gets.us_at(0.999), static_cast<unsigned long long>(sets), static_cast<unsigned long long>(busy));
}

}  // namespace
}  // namespace carafe::test
