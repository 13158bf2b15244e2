// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "carafe/carafe.h"
#include "support/capacity.h"
#include "support/child.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/values.h"
#include "support/workout.h"

/// Eight workers that use two segments, and a harness that kills one with -9 every few milliseconds, stops others for up to half a
/// second, and starts new ones. What may be read is judged by an oracle in memory of the harness's own, outside carafe.
///
/// The tight segment is named and always full, so that everything is evicted all the time; the roomy one is anonymous and never a
/// tenth full, so that nothing may be lost but what a killed worker was writing.
///
/// CARAFE_STORM_SECONDS  how long (default 8)
/// CARAFE_STORM_SEED     repeats the choices; what the kernel's scheduler makes of them differs
namespace carafe::test {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kWorkers = 8;
constexpr std::size_t kTightKeys = 256;
constexpr std::size_t kRoomyKeys = 128;
constexpr std::size_t kKeys = kTightKeys + kRoomyKeys;
constexpr std::size_t kCounters = 8;
constexpr std::size_t kTightBytes = 2 * kMiB;
constexpr std::size_t kRoomyBytes = 16 * kMiB;
constexpr std::size_t kRemembered = 1024;  // operations of a key
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kLongestCall = 50 * kMillisecond;

std::uint64_t now_in_ns() noexcept { return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); }

/// The clock that expiry goes by: it stands still between the kernel's ticks, and longer where the machine stalls.
std::uint64_t coarse_now_in_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

enum Outcome : std::uint32_t {
  kInFlight = 0,
  kWrote,    // acknowledged: the key held this value
  kEmptied,  // acknowledged: the key held nothing
  kRefused,  // acknowledged: nothing was changed
  kUnknown,  // its worker was killed: it happened before its death, or never
};

/// One write or erase. All times are of the kernel's monotonic clock, which all processes share.
struct Operation {
  std::atomic<std::uint64_t> sequence;  // whose record this is; others took its place before and will after
  std::atomic<std::uint64_t> begin_ns;
  std::atomic<std::uint64_t> begin_coarse_ns;
  std::atomic<std::uint64_t> end_ns;  // acknowledged, or its worker was seen dead
  std::atomic<std::uint32_t> outcome;
  std::atomic<std::uint32_t> is_erase;
  std::atomic<std::uint64_t> ttl_ns;  // 0: for ever
};

struct KeyRecord {
  std::atomic<std::uint64_t> begun;            // sequence number of the newest operation
  std::atomic<std::uint64_t> known;            // when equal to begun: that one was alone and is acknowledged, so its outcome is the state
  std::atomic<std::uint64_t> newest_begin_ns;  // the latest begin among acknowledged writes and erases
  Operation operations[kRemembered];
};

struct CounterRecord {
  std::atomic<std::int64_t> begun;
  std::atomic<std::int64_t> done;
};

struct WorkerRecord {
  std::atomic<std::uint64_t> key;       // 1 + the key that an operation of this worker is changing; 0: none
  std::atomic<std::uint64_t> sequence;  // of that operation; 0: not taken yet
  std::atomic<std::uint64_t> call_begin_ns;
  std::atomic<std::uint64_t> run_delay_ns;  // what the kernel said last
  std::atomic<std::uint32_t> stops;         // odd while stopped by the harness, or about to be
};

struct Oracle {
  std::atomic<std::uint32_t> stop;
  std::atomic<std::uint64_t> cleared_begin_ns;  // the latest begin among acknowledged clears of the tight segment
  std::atomic<std::uint64_t> calls;
  std::atomic<std::uint64_t> hits;
  std::atomic<std::uint64_t> strict;  // reads whose answer was known exactly
  std::atomic<std::uint64_t> forgotten;
  std::atomic<std::uint64_t> busy;
  std::atomic<std::uint64_t> no_space;
  std::atomic<std::uint64_t> longest_call_ns;  // less the time that the machine kept the worker waiting
  std::atomic<std::uint32_t> violations;
  char texts[20][240];
  WorkerRecord workers[kWorkers];
  CounterRecord counters[kCounters];
  KeyRecord keys[kKeys];
};

__attribute__((format(printf, 2, 3))) void violation(Oracle& oracle, const char* format, ...) noexcept {
  const std::uint32_t index = oracle.violations.fetch_add(1);
  if (index >= std::size(oracle.texts)) return;
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(oracle.texts[index], sizeof oracle.texts[index], format, arguments);
  va_end(arguments);
}

void raise_to(std::atomic<std::uint64_t>& maximum, std::uint64_t value) noexcept {
  std::uint64_t old = maximum.load();
  while (old < value && !maximum.compare_exchange_weak(old, value)) {
  }
}

std::string key_text(std::size_t index) { return numbered_key(index < kTightKeys ? "tight" : "roomy", index, index % 11 == 0 ? 200 : 0); }
std::string counter_text(std::size_t index) { return numbered_key("counter", index); }

/// Time that a process was ready to run and had no processor. 0 where the kernel does not tell.
std::uint64_t run_delay_of(const char* path) noexcept {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[128] = {};
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  unsigned long long on_cpu = 0;
  unsigned long long waiting = 0;
  return got > 0 && std::sscanf(text, "%llu %llu", &on_cpu, &waiting) == 2 ? waiting : 0;
}

// --- a worker

class Worker {
 public:
  Worker(Oracle& oracle, std::size_t index, std::uint64_t seed, std::uint64_t secret, Cache& tight, Cache& roomy,
         const std::string& tight_name)
      : oracle_(oracle),
        me_(oracle.workers[index]),
        random_(seed),
        secret_(secret),
        inherited_(tight),
        roomy_(roomy),
        tight_name_(tight_name) {
    if (random_.one_in(2)) attach();
    me_.run_delay_ns.store(run_delay_of("/proc/self/schedstat"));
  }

  int run() {
    while (oracle_.stop.load(std::memory_order_relaxed) == 0) {
      step();
      if (random_.one_in(3'000)) return 0;  // leaves by itself
      if (random_.one_in(500)) random_.one_in(2) ? attach() : own_.reset();
    }
    return 0;
  }

 private:
  /// What was known before a read.
  struct Before {
    std::uint64_t now_coarse_ns;
    std::uint64_t newest_begin_ns;
    std::uint64_t cleared_begin_ns;
    std::uint64_t known;
    std::uint64_t begun;
  };

  void attach() {
    own_.reset();
    try {
      own_.emplace(Cache::open(tight_name_));
    } catch (const Error& error) {
      violation(oracle_, "open: %s", error.what());
    }
  }

  Cache& cache_of(std::size_t key) {
    if (key >= kTightKeys) return roomy_;
    return own_ ? *own_ : inherited_;
  }

  /// Runs one call of carafe and sees how long it took, less what the machine and the harness took.
  template <typename Call>
  auto timed(const char* verb, Call&& call) {
    const std::uint32_t stops = me_.stops.load();
    const std::uint64_t begin_ns = now_in_ns();
    if (begin_ns - delay_read_ns_ > 2 * kMillisecond) {
      me_.run_delay_ns.store(run_delay_of("/proc/self/schedstat"));
      delay_read_ns_ = begin_ns;
    }
    me_.call_begin_ns.store(begin_ns);
    auto answer = call();
    me_.call_begin_ns.store(0);
    const std::uint64_t took_ns = now_in_ns() - begin_ns;
    oracle_.calls.fetch_add(1, std::memory_order_relaxed);
    if (took_ns > 10 * kMillisecond && (stops & 1) == 0 && me_.stops.load() == stops) {
      const std::uint64_t delay_ns = run_delay_of("/proc/self/schedstat") - me_.run_delay_ns.load();
      raise_to(oracle_.longest_call_ns, took_ns > delay_ns ? took_ns - delay_ns : 0);
      if (took_ns > delay_ns + 1'000 * kMillisecond)
        violation(oracle_, "%s took %llu ms", verb, static_cast<unsigned long long>(took_ns / kMillisecond));
    }
    return answer;
  }

  void step() {
    const std::size_t key = random_.one_in(3) ? kTightKeys + random_.below(kRoomyKeys) : random_.below(kTightKeys);
    const std::uint64_t choice = random_.below(1'000);
    if (choice < 350) return get(key);
    if (choice < 400) return get_many(key < kTightKeys ? 0 : kTightKeys, key < kTightKeys ? kTightKeys : kRoomyKeys);
    if (choice < 800) return change(key);
    if (choice < 900) return increment(random_.below(kCounters));
    if (choice < 980) return read_counter(random_.below(kCounters));
    if (choice < 985) return walk();
    if (choice == 999 && random_.one_in(50)) return clear();
  }

  // --- reading

  Before look(std::size_t key) {
    const KeyRecord& record = oracle_.keys[key];
    Before before{};
    before.known = record.known.load();
    before.begun = record.begun.load();
    before.newest_begin_ns = record.newest_begin_ns.load();
    before.cleared_begin_ns = key < kTightKeys ? oracle_.cleared_begin_ns.load() : 0;
    before.now_coarse_ns = coarse_now_in_ns();
    return before;
  }

  /// Whether a read that began after `before` may have answered `value` (nullptr: nothing). `again` repeats the read.
  template <typename Again>
  void judge(std::size_t key, const std::string& text, const Before& before, const std::string* value, const char* verb, Again&& again) {
    const KeyRecord& record = oracle_.keys[key];
    std::uint64_t sequence = 0;
    if (value != nullptr) {
      oracle_.hits.fetch_add(1, std::memory_order_relaxed);
      const auto told = sequence_of(text, *value, secret_);
      if (!told) return violation(oracle_, "%s %s: a value of %zu bytes that nobody wrote", verb, text.c_str(), value->size());
      sequence = *told;
      if (sequence == 0 || sequence > record.begun.load())
        return violation(oracle_, "%s %s: a sequence number from nowhere", verb, text.c_str());
      judge_sequence(record, sequence, text, before, verb);
    }
    // Was the key's state known exactly, and nothing begun since?
    if (before.known == 0 || before.known != before.begun) return;
    const Operation& last = record.operations[before.known % kRemembered];
    const std::uint32_t outcome = last.outcome.load();
    const std::uint64_t ttl_ns = last.ttl_ns.load();
    // It may be gone from a millisecond before its end on, for the engine counts in milliseconds.
    const std::uint64_t may_end_ns = ttl_ns == 0 ? ~std::uint64_t{0} : last.begin_coarse_ns.load() + ttl_ns - kMillisecond;
    if (last.sequence.load() != before.known || record.begun.load() != before.begun) return;
    oracle_.strict.fetch_add(1, std::memory_order_relaxed);
    if (outcome == kEmptied && value != nullptr)
      return violation(oracle_, "%s %s: value %llu after acknowledged erase %llu", verb, text.c_str(),
                       static_cast<unsigned long long>(sequence), static_cast<unsigned long long>(before.known));
    if (outcome != kWrote) return;
    if (value != nullptr && sequence != before.known)
      return violation(oracle_, "%s %s: value %llu where %llu was acknowledged and alone", verb, text.c_str(),
                       static_cast<unsigned long long>(sequence), static_cast<unsigned long long>(before.known));
    if (value == nullptr && key >= kTightKeys && now_in_ns() < may_end_ns) {
      for (int i = 0; i < 20; ++i) {  // a read may be given up as a miss while neighbours change without end
        if (again() || record.begun.load() != before.begun) return;
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
      if (record.begun.load() == before.begun && now_in_ns() < may_end_ns)
        violation(oracle_, "%s %s: value %llu is lost from the roomy segment", verb, text.c_str(),
                  static_cast<unsigned long long>(before.known));
    }
  }

  void judge_sequence(const KeyRecord& record, std::uint64_t sequence, const std::string& text, const Before& before, const char* verb) {
    const Operation& operation = record.operations[sequence % kRemembered];
    const bool ours = operation.sequence.load() == sequence;
    const std::uint32_t outcome = operation.outcome.load();
    const std::uint64_t end_ns = operation.end_ns.load();
    const std::uint64_t ttl_ns = operation.ttl_ns.load();
    const bool is_erase = operation.is_erase.load() != 0;
    if (!ours || operation.sequence.load() != sequence) {
      oracle_.forgotten.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    const auto number = static_cast<unsigned long long>(sequence);
    if (is_erase) return violation(oracle_, "%s %s: value %llu of an erase", verb, text.c_str(), number);
    if (outcome == kRefused || outcome == kEmptied) return violation(oracle_, "%s %s: value %llu was refused", verb, text.c_str(), number);
    if (outcome == kInFlight || end_ns == 0) return;
    if (end_ns < before.newest_begin_ns)
      return violation(oracle_, "%s %s: value %llu is older than an acknowledged write or erase, by %llu us", verb, text.c_str(), number,
                       static_cast<unsigned long long>((before.newest_begin_ns - end_ns) / 1'000));
    if (end_ns < before.cleared_begin_ns) return violation(oracle_, "%s %s: value %llu survived a clear", verb, text.c_str(), number);
    // The engine read the clock before end_ns when it stored, and reads it after `before` now: no tolerance is needed.
    if (ttl_ns != 0 && before.now_coarse_ns > end_ns + ttl_ns + kMillisecond)
      return violation(oracle_, "%s %s: value %llu expired %llu us ago", verb, text.c_str(), number,
                       static_cast<unsigned long long>((before.now_coarse_ns - end_ns - ttl_ns) / 1'000));
  }

  void get(std::size_t key) {
    const std::string text = key_text(key);
    Cache& cache = cache_of(key);
    const Before before = look(key);
    const Status status = timed("get", [&] { return cache.get(text, found_); });
    if (status != Status::kOk && status != Status::kNotFound) violation(oracle_, "get %s: %s", text.c_str(), to_string(status).data());
    judge(key, text, before, status == Status::kOk ? &found_ : nullptr, "get", [&] { return cache.contains(text); });
  }

  void get_many(std::size_t first, std::size_t count) {
    std::array<std::size_t, 6> keys{};
    std::array<std::string, 6> texts;
    std::array<std::string_view, 6> views;
    std::array<Before, 6> before{};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i] = first + random_.below(count);
      texts[i] = key_text(keys[i]);
      views[i] = texts[i];
      before[i] = look(keys[i]);
    }
    Cache& cache = cache_of(first);
    const auto values = timed("get_many", [&] { return cache.get_many(views); });
    for (std::size_t i = 0; i < keys.size(); ++i) {
      judge(keys[i], texts[i], before[i], values[i] ? &*values[i] : nullptr, "get_many", [&] { return cache.contains(texts[i]); });
    }
  }

  void walk() {
    Cache& cache = random_.one_in(2) ? cache_of(0) : roomy_;
    cache.for_each([this](std::string_view key, std::string_view value) {
      if (key.substr(0, 7) == "counter") return;
      if (!sequence_of(key, value, secret_))
        violation(oracle_, "for_each %.*s: a value that nobody wrote", static_cast<int>(key.size()), key.data());
    });
  }

  // --- changing

  void change(std::size_t key) {
    KeyRecord& record = oracle_.keys[key];
    const std::string text = key_text(key);
    Cache& cache = cache_of(key);
    const std::uint64_t choice = random_.below(20);
    const bool is_erase = choice < 4;
    std::uint64_t version = 0;
    if (choice == 4) {
      const auto seen = timed("get_versioned", [&] { return cache.get_versioned(text); });
      if (!seen) return;
      version = seen->version;
    }
    milliseconds ttl = kForever;
    if (random_.one_in(6)) ttl = milliseconds(random_.between(10, 300));

    // First say which key is being changed, then take a number: so two that overlap cannot both believe that they are alone.
    me_.key.store(key + 1);
    const std::uint64_t sequence = record.begun.fetch_add(1) + 1;
    me_.sequence.store(sequence);
    Operation& operation = record.operations[sequence % kRemembered];
    operation.sequence.store(0);
    operation.outcome.store(kInFlight);
    operation.end_ns.store(0);
    operation.is_erase.store(is_erase ? 1 : 0);
    operation.ttl_ns.store(ttl == kForever ? 0 : static_cast<std::uint64_t>(ttl.count()) * kMillisecond);
    const std::uint64_t begin_ns = now_in_ns();
    operation.begin_ns.store(begin_ns);
    operation.begin_coarse_ns.store(coarse_now_in_ns());
    operation.sequence.store(sequence);
    bool alone = true;
    for (const WorkerRecord& other : oracle_.workers) alone = alone && (&other == &me_ || other.key.load() != key + 1);

    if (!is_erase) make_value(value_, text, sequence, choose_bytes(key), secret_);
    Status status = Status::kOk;
    switch (choice) {
      case 0:
      case 1:
      case 2:
      case 3:
        status = timed("erase", [&] { return cache.erase(text); });
        break;
      case 4:
        status = timed("compare_and_set", [&] { return cache.compare_and_set(text, version, value_, ttl); });
        break;
      case 5:
        status = timed("add", [&] { return cache.add(text, value_, ttl); });
        break;
      case 6:
        status = timed("replace", [&] { return cache.replace(text, value_, ttl); });
        break;
      default:
        status = timed("set", [&] { return cache.set(text, value_, ttl); });
    }

    Outcome outcome = kRefused;
    switch (status) {
      case Status::kOk:
        outcome = is_erase ? kEmptied : kWrote;
        break;
      case Status::kNotFound:
        outcome = is_erase ? kEmptied : kRefused;
        break;
      case Status::kNoSpace:
        outcome = kEmptied;
        oracle_.no_space.fetch_add(1);
        if (key >= kTightKeys) violation(oracle_, "no space in the roomy segment for %zu bytes", value_.size());
        break;
      case Status::kBusy:
        oracle_.busy.fetch_add(1);
        break;
      case Status::kExists:
        break;
      case Status::kVersionChanged:
        break;
      default:
        violation(oracle_, "changing %s: %s", text.c_str(), to_string(status).data());
    }
    if (operation.sequence.load() == sequence) {  // else we were stopped for so long that our record serves another
      operation.end_ns.store(now_in_ns());
      operation.outcome.store(outcome);
    }
    if (outcome == kWrote || outcome == kEmptied) {
      raise_to(record.newest_begin_ns, begin_ns);
      if (alone && record.begun.load() == sequence) record.known.store(sequence);
    }
    me_.sequence.store(0);
    me_.key.store(0);
  }

  std::size_t choose_bytes(std::size_t key) {
    if (key >= kTightKeys) return kCertifiedBytes + random_.log_uniform(4'000);
    return kCertifiedBytes + random_.log_uniform(random_.one_in(200) ? kTightBytes / 4 - kCertifiedBytes : 40'000);
  }

  void increment(std::size_t index) {
    CounterRecord& record = oracle_.counters[index];
    const std::string text = counter_text(index);
    const std::int64_t least = record.done.load();
    record.begun.fetch_add(1);
    const Counter counter = timed("increment", [&] { return roomy_.increment(text, 1); });
    if (counter.status == Status::kOk) {
      record.done.fetch_add(1);
      const std::int64_t most = record.begun.load();
      if (counter.value <= least || counter.value > most)
        violation(oracle_, "increment %s: %lld, not from %lld to %lld", text.c_str(), static_cast<long long>(counter.value),
                  static_cast<long long>(least + 1), static_cast<long long>(most));
    } else {
      record.begun.fetch_sub(1);
      oracle_.busy.fetch_add(1);
      if (counter.status != Status::kBusy) violation(oracle_, "increment %s: %s", text.c_str(), to_string(counter.status).data());
    }
  }

  void read_counter(std::size_t index) {
    const CounterRecord& record = oracle_.counters[index];
    const std::string text = counter_text(index);
    const std::int64_t least = record.done.load();
    const auto value = timed("get", [&] { return roomy_.get(text); });
    const std::int64_t most = record.begun.load();
    if (!value) return;  // the sum at the end tells whether it was really gone
    const std::int64_t number = std::strtoll(value->c_str(), nullptr, 10);
    if (std::to_string(number) != *value || number < least || number > most)
      violation(oracle_, "get %s: \"%s\", not from %lld to %lld", text.c_str(), value->substr(0, 30).c_str(), static_cast<long long>(least),
                static_cast<long long>(most));
  }

  void clear() {
    const std::uint64_t begin_ns = now_in_ns();
    timed("clear", [&] {
      cache_of(0).clear();
      return 0;
    });
    raise_to(oracle_.cleared_begin_ns, begin_ns);
  }

  Oracle& oracle_;
  WorkerRecord& me_;
  Random random_;
  std::uint64_t secret_;
  Cache& inherited_;
  Cache& roomy_;
  const std::string& tight_name_;
  std::optional<Cache> own_;
  std::uint64_t delay_read_ns_ = 0;
  std::string value_;
  std::string found_;
};

// --- the harness

/// The longest time that a thread which only wants to sleep a millisecond overslept: what this machine does to anybody.
class StallMeter {
 public:
  StallMeter()
      : thread_([this] {
          while (!stop_.load()) {
            const std::uint64_t begin_ns = now_in_ns();
            std::this_thread::sleep_for(milliseconds(1));
            raise_to(longest_ns_, now_in_ns() - begin_ns);
          }
        }) {}
  ~StallMeter() {
    stop_.store(true);
    thread_.join();
  }
  StallMeter(const StallMeter&) = delete;
  StallMeter& operator=(const StallMeter&) = delete;
  [[nodiscard]] std::uint64_t longest_ns() const noexcept { return longest_ns_.load(); }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> longest_ns_{0};
  std::thread thread_;
};

class Storm {
 public:
  Storm(std::uint64_t seed, Oracle& oracle) : oracle_(oracle), random_(seed), secret_(random_.next()) {
    for (std::size_t i = 0; i < kWorkers; ++i) start(i);
  }

  void rage(std::chrono::seconds duration) {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end && oracle_.violations.load() == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_.between(500, 6'000)));
      resume_due();
      const std::size_t index = random_.below(kWorkers);
      switch (random_.below(8)) {
        case 0:
        case 1:
          stop(index);
          break;
        case 2:
          break;
        default:
          finish(index, true);
          start(index);
          ++kills_;
      }
      for (std::size_t i = 0; i < kWorkers; ++i) restart_if_it_left(i);
    }
  }

  /// Lets all workers come to an end.
  void calm() {
    oracle_.stop.store(1);
    for (std::size_t i = 0; i < kWorkers; ++i) resume(i);
    for (std::size_t i = 0; i < kWorkers; ++i) {
      const int status = workers_[i].wait(std::chrono::seconds(30));
      EXPECT_EQ(status, 0) << "worker " << i << (status == -1 ? " hangs" : "");
    }
  }

  [[nodiscard]] Cache& tight() noexcept { return tight_; }
  [[nodiscard]] Cache& roomy() noexcept { return roomy_; }
  [[nodiscard]] std::uint64_t secret() const noexcept { return secret_; }
  [[nodiscard]] std::uint64_t kills() const noexcept { return kills_; }
  [[nodiscard]] std::uint64_t stops() const noexcept { return stops_; }

 private:
  void start(std::size_t index) {
    const std::uint64_t seed = random_.next();
    workers_[index] = Child::fork([this, index, seed] { return Worker(oracle_, index, seed, secret_, tight_, roomy_, name_.str()).run(); });
  }

  void stop(std::size_t index) {
    if (resume_at_ns_[index] != 0) return;
    oracle_.workers[index].stops.fetch_add(1);  // odd, before it can have any effect
    workers_[index].signal(SIGSTOP);
    resume_at_ns_[index] = now_in_ns() + random_.log_uniform(500) * kMillisecond + kMillisecond;
    ++stops_;
  }
  void resume(std::size_t index) {
    if (resume_at_ns_[index] == 0) return;
    oracle_.workers[index].stops.fetch_add(1);  // even, before it goes on
    workers_[index].signal(SIGCONT);
    resumed_ns_[index] = now_in_ns();
    resume_at_ns_[index] = 0;
  }
  void resume_due() {
    const std::uint64_t now_ns = now_in_ns();
    for (std::size_t i = 0; i < kWorkers; ++i) {
      if (resume_at_ns_[i] != 0 && resume_at_ns_[i] < now_ns) resume(i);
    }
  }

  /// Kills the worker, if told, reaps it, and closes its account in the oracle.
  void finish(std::size_t index, bool kill) {
    WorkerRecord& record = oracle_.workers[index];
    if (kill) {
      look_for_a_hang(index);
      workers_[index].kill();
    }
    if ((record.stops.load() & 1) != 0) record.stops.fetch_add(1);
    resume_at_ns_[index] = 0;
    record.call_begin_ns.store(0);
    if (record.key.load() != 0) {
      KeyRecord& key = oracle_.keys[record.key.load() - 1];
      const std::uint64_t sequence = record.sequence.load();
      Operation& operation = key.operations[sequence % kRemembered];
      if (sequence != 0 && operation.sequence.load() == sequence && operation.outcome.load() == kInFlight) {
        operation.end_ns.store(now_in_ns());
        operation.outcome.store(kUnknown);
      }
    }
    record.sequence.store(0);
    record.key.store(0);
  }

  void restart_if_it_left(std::size_t index) {
    if (resume_at_ns_[index] != 0 || workers_[index].pid() <= 0) return;
    const int status = workers_[index].poll();
    if (status == Child::kStillRunning) return;
    if (status != 0) violation(oracle_, "a worker ended with status %d", status);
    finish(index, false);
    start(index);
  }

  /// A call that hangs would never be seen if its worker is killed first.
  void look_for_a_hang(std::size_t index) {
    const WorkerRecord& record = oracle_.workers[index];
    const std::uint32_t stops = record.stops.load();
    const std::uint64_t begin_ns = record.call_begin_ns.load();
    const std::uint64_t age_ns = now_in_ns() - begin_ns;
    if (begin_ns == 0 || (stops & 1) != 0 || age_ns < kLongestCall || age_ns > std::uint64_t{1} << 62) return;
    const std::string path = "/proc/" + std::to_string(workers_[index].pid()) + "/schedstat";
    const std::uint64_t delay_ns = run_delay_of(path.c_str()) - record.run_delay_ns.load();
    const std::uint64_t since_resumed_ns = now_in_ns() - resumed_ns_[index];
    if (record.call_begin_ns.load() != begin_ns || record.stops.load() != stops || since_resumed_ns < age_ns) return;
    raise_to(oracle_.longest_call_ns, age_ns > delay_ns ? age_ns - delay_ns : 0);
  }

  Oracle& oracle_;
  Random random_;
  std::uint64_t secret_;
  ScratchName name_{"storm"};
  Cache tight_ = Cache::create(name_, with_capacity(kTightBytes));
  Cache roomy_ = Cache::create_anonymous(with_capacity(kRoomyBytes));
  std::array<std::uint64_t, kWorkers> resume_at_ns_{};  // 0: not stopped
  std::array<std::uint64_t, kWorkers> resumed_ns_{};
  std::uint64_t kills_ = 0;
  std::uint64_t stops_ = 0;
  std::array<Child, kWorkers> workers_;  // last, so that they are gone before what they use
};

TEST(StormTest, NoWrongTornStaleOrExpiredValueAndNoHangUnderKillsAndStops) {
  const std::uint64_t seed = number_from_environment("CARAFE_STORM_SEED", std::random_device{}());
  const std::chrono::seconds duration(number_from_environment("CARAFE_STORM_SECONDS", 8));
  std::printf("CARAFE_STORM_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);

  SharedMemory memory(sizeof(Oracle));
  Oracle& oracle = memory.as<Oracle>();
  Storm storm(seed, oracle);
  {
    const StallMeter machine;
    storm.rage(duration);
    storm.calm();
    EXPECT_LE(oracle.longest_call_ns.load() / kMillisecond, (kLongestCall + machine.longest_ns()) / kMillisecond)
        << "milliseconds of the longest call; the machine itself stalled for " << machine.longest_ns() / kMillisecond;
  }
  for (std::uint32_t i = 0; i < oracle.violations.load() && i < std::size(oracle.texts); ++i) ADD_FAILURE() << oracle.texts[i];
  std::printf(
      "%llu kills, %llu stops, %llu calls, %llu hits, %llu of exactly known state, %llu forgotten, %llu busy, %llu without space, longest "
      "call %.1f ms\n",
      static_cast<unsigned long long>(storm.kills()), static_cast<unsigned long long>(storm.stops()),
      static_cast<unsigned long long>(oracle.calls.load()), static_cast<unsigned long long>(oracle.hits.load()),
      static_cast<unsigned long long>(oracle.strict.load()), static_cast<unsigned long long>(oracle.forgotten.load()),
      static_cast<unsigned long long>(oracle.busy.load()), static_cast<unsigned long long>(oracle.no_space.load()),
      static_cast<double>(oracle.longest_call_ns.load()) / static_cast<double>(kMillisecond));
  EXPECT_GT(oracle.hits.load(), 1'000U);
  EXPECT_GT(oracle.strict.load(), 1'000U);

  for (std::size_t i = 0; i < kCounters; ++i) {
    const auto value = storm.roomy().get(counter_text(i));
    ASSERT_TRUE(value.has_value()) << counter_text(i);
    EXPECT_GE(std::stoll(*value), oracle.counters[i].done.load()) << counter_text(i);
    EXPECT_LE(std::stoll(*value), oracle.counters[i].begun.load()) << counter_text(i);
  }
  for (std::size_t i = 0; i < kKeys; ++i) {
    Cache& cache = i < kTightKeys ? storm.tight() : storm.roomy();
    const std::string key = key_text(i);
    const std::uint64_t begin_ns = now_in_ns();
    static_cast<void>(cache.get(key));
    EXPECT_EQ(cache.set(key, value_for(key, i, 500)), Status::kOk) << key;
    EXPECT_EQ(cache.get(key), value_for(key, i, 500)) << key;
    EXPECT_LT((now_in_ns() - begin_ns) / kMillisecond, 500U) << key;
  }
  for (Cache* cache : {&storm.tight(), &storm.roomy()}) {
    const Stats stats = cache->stats();
    EXPECT_EQ(stats.gets, stats.hits + stats.misses);
    EXPECT_EQ(stats.corruptions, 0U);
    EXPECT_EQ(stats.workers, 1U);
    const VerifyReport report = cache->verify();
    EXPECT_TRUE(report.ok);
    for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
    EXPECT_HOLDS_98_PERCENT_OF_FRESH(*cache, 17U, 100U);
    EXPECT_HOLDS_98_PERCENT_OF_FRESH(*cache, 17U, 1'000U);
    EXPECT_EQ(cache->verify().unreferenced, 0U) << "left behind by the dead, after more than one turn of the hand";
  }
  EXPECT_EQ(storm.tight().stats().workers, 1U);
}

}  // namespace
}  // namespace carafe::test
