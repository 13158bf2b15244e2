// SPDX-License-Identifier: MIT
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "carafe/cache.h"
#include "storm/oracle.h"
#include "storm/requests.h"
#include "storm/stalls.h"
#include "support/random.h"
#include "support/values.h"

namespace carafe::test::storm {

inline constexpr std::uint64_t kLongestCall = 50 * kMillisecond;
inline constexpr std::uint64_t kHang = 1'000 * kMillisecond;

inline std::string key_text(std::size_t index) { return numbered_key("key", index, index % 11 == 0 ? 200 : 0); }
inline std::string filler_text(std::size_t index) { return numbered_key("f", index); }
inline std::string counter_text(std::size_t index) { return numbered_key("counter", index); }
inline std::string cas_counter_text(std::size_t index) { return numbered_key("cas-counter", index); }

/// One thread of a worker: draws requests, carries them out, and tells the oracle before and after.
class Thread {
 public:
  /// `inherited` is the handle that the harness had before it forked this worker; all threads of all workers share it.
  Thread(Oracle& oracle, const Phase& phase, std::size_t worker, std::size_t thread, std::uint64_t seed, Cache& inherited,
         const std::string& name, std::atomic<bool>& leaving)
      : oracle_(oracle),
        phase_(phase),
        stops_(oracle.workers[worker].stops),
        me_(oracle.workers[worker].threads[thread]),
        random_(seed),
        inherited_(inherited),
        name_(name),
        leaving_(leaving),
        chunk_bytes_(largest_chunk(inherited.info().page_bytes)) {
    me_.tid.store(static_cast<std::int32_t>(::syscall(SYS_gettid)));
    me_.run_delay_ns.store(run_delay_of(kOwnSchedule));
  }

  void run() {
    while (oracle_.stop.load(std::memory_order_relaxed) == 0 && !leaving_.load(std::memory_order_relaxed)) carry_out(draw(random_, phase_));
  }

 private:
  static constexpr const char* kOwnSchedule = "/proc/thread-self/schedstat";

  static std::size_t largest_chunk(std::size_t page_bytes) noexcept { return page_bytes < 65'536 ? 8'000 : page_bytes / 8; }

  void carry_out(const Request& request) {
    switch (request.verb) {
      case Verb::kGet:
        return get(request.key);
      case Verb::kGetMany:
        return get_many(request.key);
      case Verb::kSet:
      case Verb::kAdd:
      case Verb::kReplace:
      case Verb::kCompareAndSet:
      case Verb::kErase:
        return change(request);
      case Verb::kIncrement:
        return increment(request.counter, request.delta);
      case Verb::kReadCounter:
        return read_counters(request.counter);
      case Verb::kCompareAndSetCounter:
        return increment_by_compare_and_set(request);
      case Verb::kSetFiller:
      case Verb::kGetFiller:
      case Verb::kEraseFiller:
        return filler(request);
      case Verb::kWalk:
        return walk();
      case Verb::kClear:
        return clear();
      case Verb::kAttach:
        return attach();
      case Verb::kDetach:
        own_.reset();
        return;
      case Verb::kLeave:
        leaving_.store(true);
        return;
    }
  }

  Cache& cache() { return own_ ? *own_ : inherited_; }

  void attach() {
    own_.reset();
    try {
      own_.emplace(Cache::open(name_));
      oracle_.attaches.fetch_add(1);
    } catch (const Error& error) {
      oracle_.violation("open: %s", error.what());
    }
  }

  /// Runs one call of carafe and sees how long it took, less what the machine and the harness took.
  template <typename Call>
  auto timed(const char* verb, Call&& call) {
    const std::uint32_t stops = stops_.load();
    const std::uint64_t begin_ns = now_in_ns();
    if (begin_ns - delay_read_ns_ > 2 * kMillisecond) {
      me_.run_delay_ns.store(run_delay_of(kOwnSchedule));
      delay_read_ns_ = begin_ns;
    }
    me_.call_begin_ns.store(begin_ns);
    auto answer = call();
    me_.call_begin_ns.store(0);
    const std::uint64_t end_ns = now_in_ns();
    oracle_.calls.fetch_add(1, std::memory_order_relaxed);
    if (end_ns - begin_ns > 10 * kMillisecond && (stops & 1) == 0 && stops_.load() == stops) note_slow(verb, begin_ns, end_ns);
    return answer;
  }

  void note_slow(const char* verb, std::uint64_t begin_ns, std::uint64_t end_ns) {
    const std::uint64_t took_ns = end_ns - begin_ns;
    const std::uint64_t kept_ns = run_delay_of(kOwnSchedule) - me_.run_delay_ns.load() + oracle_.stalls.within(begin_ns, end_ns);
    const std::uint64_t own_ns = took_ns - std::min(took_ns, kept_ns);
    raise_to(oracle_.longest_call_ns, took_ns);
    raise_to(oracle_.longest_own_ns, own_ns);
    if (took_ns > kLongestCall) oracle_.slow_calls.fetch_add(1);
    if (own_ns > kLongestCall)
      std::fprintf(stderr, "%s: %s took %llu ms, %llu of them its own\n", phase_.name, verb, Oracle::number(took_ns / kMillisecond),
                   Oracle::number(own_ns / kMillisecond));
    if (own_ns > kHang) oracle_.violation("%s took %llu ms", verb, Oracle::number(own_ns / kMillisecond));
  }

  // --- reading

  void get(std::size_t key) {
    const std::string text = key_text(key);
    Cache& cache = this->cache();
    const Before before = oracle_.look(key);
    const Status status = timed("get", [&] { return cache.get(text, found_); });
    if (status != Status::kOk && status != Status::kNotFound) oracle_.violation("get %s: %s", text.c_str(), to_string(status).data());
    oracle_.judge(key, text, before, status == Status::kOk ? &found_ : nullptr, "get", [&] { return cache.contains(text); });
  }

  void get_many(std::size_t first) {
    std::array<std::size_t, 6> keys{};
    std::array<std::string, 6> texts;
    std::array<std::string_view, 6> views;
    std::array<Before, 6> before{};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      keys[i] = (first + i * 7) % phase_.keys;
      texts[i] = key_text(keys[i]);
      views[i] = texts[i];
      before[i] = oracle_.look(keys[i]);
    }
    Cache& cache = this->cache();
    const auto values = timed("get_many", [&] { return cache.get_many(views); });
    for (std::size_t i = 0; i < keys.size(); ++i)
      oracle_.judge(keys[i], texts[i], before[i], values[i] ? &*values[i] : nullptr, "get_many", [&] { return cache.contains(texts[i]); });
  }

  void walk() {
    cache().for_each([this](std::string_view key, std::string_view value) {
      if (key.substr(0, 8) == "counter-") return;
      if (!sequence_of(key, value, oracle_.secret))
        oracle_.violation("for_each %.*s: a value that nobody wrote", static_cast<int>(key.size()), key.data());
    });
  }

  // --- changing

  void change(const Request& request) {
    const std::string text = key_text(request.key);
    Cache& cache = this->cache();
    std::uint64_t version = 0;
    if (request.verb == Verb::kCompareAndSet) {
      const auto seen = timed("get_versioned", [&] { return cache.get_versioned(text); });
      if (!seen) return;
      version = seen->version;
    }
    const auto ttl = request.ttl_ms == 0 ? kForever : std::chrono::milliseconds(request.ttl_ms);
    const bool is_erase = request.verb == Verb::kErase;
    const bool alone = oracle_.begin_change(me_, request.key, is_erase, request.ttl_ms);
    if (!is_erase) make_value(value_, text, me_.sequence.load(), bytes_of(request), oracle_.secret);
    Status status = Status::kOk;
    switch (request.verb) {
      case Verb::kErase:
        status = timed("erase", [&] { return cache.erase(text); });
        break;
      case Verb::kCompareAndSet:
        status = timed("compare_and_set", [&] { return cache.compare_and_set(text, version, value_, ttl); });
        break;
      case Verb::kAdd:
        status = timed("add", [&] { return cache.add(text, value_, ttl); });
        break;
      case Verb::kReplace:
        status = timed("replace", [&] { return cache.replace(text, value_, ttl); });
        break;
      default:
        status = timed("set", [&] { return cache.set(text, value_, ttl); });
    }
    if (alone) judge_status(request, status, text);
    oracle_.end_change(me_, request.key, alone, outcome_of(request, status, text));
  }

  Outcome outcome_of(const Request& request, Status status, const std::string& text) {
    const bool is_erase = request.verb == Verb::kErase;
    switch (status) {
      case Status::kOk:
        return is_erase ? kEmptied : kWrote;
      case Status::kNotFound:
        return is_erase ? kEmptied : kRefused;
      case Status::kNoSpace:
        oracle_.no_space.fetch_add(1);
        if (phase_.roomy) oracle_.violation("changing %s: no space for %zu bytes in a segment with room", text.c_str(), value_.size());
        return kEmptied;
      case Status::kBusy:
        oracle_.busy.fetch_add(1);
        return kRefused;
      case Status::kExists:
      case Status::kVersionChanged:
        return kRefused;
      default:
        oracle_.violation("changing %s: %s", text.c_str(), to_string(status).data());
        return kUnknown;
    }
  }

  /// Where nobody else changed the key meanwhile, and its state before was known, the answer follows from that.
  void judge_status(const Request& request, Status status, const std::string& text) {
    KeyRecord& record = oracle_.keys[request.key];
    const std::uint64_t sequence = me_.sequence.load();
    const std::uint64_t prior = record.operation(sequence).prior.load();
    if (prior == 0 || record.begun.load() != sequence || request.verb == Verb::kSet) return;
    const Operation& last = record.operation(prior);
    if (last.sequence.load() != prior) return;
    const std::uint32_t outcome = last.outcome.load();
    const bool found = request.verb == Verb::kAdd ? status == Status::kExists : status == Status::kOk || status == Status::kVersionChanged;
    const bool missed = request.verb == Verb::kAdd ? status == Status::kOk : status == Status::kNotFound;
    if (outcome == kEmptied && found)
      oracle_.violation("changing %s: \"%s\" although erase %llu was acknowledged and alone", text.c_str(), to_string(status).data(),
                        Oracle::number(prior));
    if (phase_.roomy && outcome == kWrote && missed && now_in_ns() < Oracle::earliest_end_ns(last)) oracle_.lost.fetch_add(1);
  }

  std::size_t bytes_of(const Request& request) const noexcept {
    return size_of(static_cast<Regime>(oracle_.regime.load(std::memory_order_relaxed)), request.size_rank, phase_, chunk_bytes_);
  }

  void filler(const Request& request) {
    const std::string text = filler_text(request.filler);
    Cache& cache = this->cache();
    if (request.verb == Verb::kGetFiller) {
      if (timed("get", [&] { return cache.get(text, found_); }) == Status::kOk && !sequence_of(text, found_, oracle_.secret))
        oracle_.violation("get %s: a value of %zu bytes that nobody wrote", text.c_str(), found_.size());
    } else if (request.verb == Verb::kEraseFiller) {
      static_cast<void>(timed("erase", [&] { return cache.erase(text); }));
    } else {
      std::size_t bytes = bytes_of(request);
      if (phase_.roomy) bytes = std::min<std::size_t>(bytes, 400);
      make_value(value_, text, request.size_rank, bytes, oracle_.secret);
      const auto ttl = request.ttl_ms == 0 ? kForever : std::chrono::milliseconds(request.ttl_ms);
      const Status status = timed("set", [&] { return cache.set(text, value_, ttl); });
      if (status == Status::kNoSpace) oracle_.no_space.fetch_add(1);
      if (status == Status::kBusy) oracle_.busy.fetch_add(1);
    }
  }

  void clear() {
    const std::uint64_t begin_ns = now_in_ns();
    timed("clear", [&] {
      cache().clear();
      return 0;
    });
    raise_to(oracle_.cleared_begin_ns, begin_ns);
  }

  // --- counters. Where room is scarce they may be evicted and begin anew; where it is not, every number is exact.

  void increment(std::size_t index, std::int64_t delta) {
    CounterRecord& record = oracle_.counters[index];
    const std::string text = counter_text(index);
    const std::int64_t least = phase_.roomy ? record.done.load() : 0;
    record.begun.fetch_add(delta);
    const Counter counter = timed("increment", [&] { return cache().increment(text, delta); });
    if (counter.status == Status::kOk) {
      record.done.fetch_add(delta);
      check_number("increment", text, counter.value, least + delta, record.begun.load());
    } else {
      record.begun.fetch_sub(delta);
      if (counter.status == Status::kBusy) oracle_.busy.fetch_add(1);
      if (counter.status == Status::kNoSpace) oracle_.no_space.fetch_add(1);
      if (counter.status != Status::kBusy && (phase_.roomy || counter.status != Status::kNoSpace))
        oracle_.violation("increment %s: %s", text.c_str(), to_string(counter.status).data());
    }
  }

  void increment_by_compare_and_set(const Request& request) {
    CounterRecord& record = oracle_.cas_counters[request.counter];
    const std::string text = cas_counter_text(request.counter);
    const std::int64_t least = phase_.roomy ? record.done.load() : 0;
    const auto seen = timed("get_versioned", [&] { return cache().get_versioned(text); });
    const auto old = seen ? sequence_of(text, seen->value, oracle_.secret) : std::uint64_t{0};
    if (!old) return oracle_.violation("get_versioned %s: a value of %zu bytes that nobody wrote", text.c_str(), seen->value.size());
    make_value(value_, text, *old + 1, kCertifiedBytes + request.size_rank % 200, oracle_.secret);
    record.begun.fetch_add(1);
    const Status status =
        timed("compare_and_set", [&] { return seen ? cache().compare_and_set(text, seen->version, value_) : cache().add(text, value_); });
    if (status == Status::kOk) {
      record.done.fetch_add(1);
      check_number("compare_and_set", text, static_cast<std::int64_t>(*old + 1), least + 1, record.begun.load());
    } else {
      record.begun.fetch_sub(1);
      if (status == Status::kBusy) oracle_.busy.fetch_add(1);
      if (status == Status::kNoSpace) oracle_.no_space.fetch_add(1);
    }
  }

  void read_counters(std::size_t index) {
    const std::string text = counter_text(index);
    const std::int64_t least = phase_.roomy ? oracle_.counters[index].done.load() : 0;
    if (const auto value = timed("get", [&] { return cache().get(text); })) {
      const std::int64_t number = std::strtoll(value->c_str(), nullptr, 10);
      if (std::to_string(number) != *value) oracle_.violation("get %s: \"%s\"", text.c_str(), value->substr(0, 30).c_str());
      check_number("get", text, number, least, oracle_.counters[index].begun.load());
    }
    const std::string other = cas_counter_text(index);
    const std::int64_t other_least = phase_.roomy ? oracle_.cas_counters[index].done.load() : 0;
    if (const auto value = timed("get", [&] { return cache().get(other); })) {
      const auto number = sequence_of(other, *value, oracle_.secret);
      if (!number) return oracle_.violation("get %s: a value of %zu bytes that nobody wrote", other.c_str(), value->size());
      check_number("get", other, static_cast<std::int64_t>(*number), other_least, oracle_.cas_counters[index].begun.load());
    }
  }

  void check_number(const char* verb, const std::string& text, std::int64_t value, std::int64_t least, std::int64_t most) {
    if (value < least || value > most)
      oracle_.violation("%s %s: %lld, not from %lld to %lld", verb, text.c_str(), static_cast<long long>(value),
                        static_cast<long long>(least), static_cast<long long>(most));
  }

  Oracle& oracle_;
  const Phase& phase_;
  std::atomic<std::uint32_t>& stops_;
  ThreadRecord& me_;
  Random random_;
  Cache& inherited_;
  const std::string& name_;
  std::atomic<bool>& leaving_;
  const std::size_t chunk_bytes_;
  std::optional<Cache> own_;
  std::uint64_t delay_read_ns_ = 0;
  std::string value_;
  std::string found_;
};

/// What a forked worker does until the storm is over, it draws that it leaves, or it is killed.
inline int run_worker(Oracle& oracle, const Phase& phase, std::size_t worker, std::uint64_t seed, Cache& inherited,
                      const std::string& name) {
  Random random(seed);
  const std::size_t count = random.between(1, kMostThreads);
  std::atomic<bool> leaving{false};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t thread_seed = random.next();
    const auto body = [&oracle, &phase, &inherited, &name, &leaving, worker, i, thread_seed] {
      Thread(oracle, phase, worker, i, thread_seed, inherited, name, leaving).run();
    };
    if (i + 1 < count)
      threads.emplace_back(body);
    else
      body();
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace carafe::test::storm
