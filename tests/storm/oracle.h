// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <optional>
#include <string>
#include <thread>

#include "storm/requests.h"
#include "storm/stalls.h"
#include "support/values.h"

namespace carafe::test::storm {

inline constexpr std::size_t kMostWorkers = 32;
inline constexpr std::size_t kMostThreads = 4;  // of a worker
inline constexpr std::size_t kMostKeys = 256;
inline constexpr std::size_t kMostCounters = 8;
inline constexpr std::size_t kRemembered = 1024;  // operations of a key

enum Outcome : std::uint32_t {
  kInFlight = 0,
  kWrote,    // acknowledged: the key held this value
  kEmptied,  // acknowledged: the key held nothing
  kRefused,  // acknowledged, or found out: nothing was changed, and never will be
  kUnknown,  // its worker was killed: it happened before its death, or never
};

/// One write or erase. All times are of the kernel's monotonic clock, which all processes share.
struct Operation {
  std::atomic<std::uint64_t> sequence;  // whose record this is; others took its place before and will after
  std::atomic<std::uint64_t> begin_ns;
  std::atomic<std::uint64_t> begin_coarse_ns;
  std::atomic<std::uint64_t> end_ns;  // acknowledged, or its worker was seen dead
  std::atomic<std::uint64_t> ttl_ms;  // 0: for ever
  std::atomic<std::uint64_t> prior;   // the operation whose outcome was the key's known state when this one began, alone; 0: not known
  std::atomic<std::uint32_t> outcome;
  std::atomic<std::uint32_t> is_erase;
};

struct KeyRecord {
  std::atomic<std::uint64_t> begun;            // sequence number of the newest operation
  std::atomic<std::uint64_t> known;            // when equal to begun: that one was alone and is acknowledged, so its outcome is the state
  std::atomic<std::uint64_t> newest_begin_ns;  // the latest begin among acknowledged writes and erases
  Operation operations[kRemembered];

  [[nodiscard]] Operation& operation(std::uint64_t sequence) noexcept { return operations[sequence % kRemembered]; }
  [[nodiscard]] const Operation& operation(std::uint64_t sequence) const noexcept { return operations[sequence % kRemembered]; }
};

/// Sums of what was asked for and what was acknowledged. Asked for and refused is taken back.
struct CounterRecord {
  std::atomic<std::int64_t> begun;
  std::atomic<std::int64_t> done;
};

/// What one thread of a worker is doing now.
struct ThreadRecord {
  std::atomic<std::uint64_t> key;       // 1 + the key that an operation of this thread is changing; 0: none
  std::atomic<std::uint64_t> sequence;  // of that operation; 0: not taken yet
  std::atomic<std::uint64_t> call_begin_ns;
  std::atomic<std::uint64_t> run_delay_ns;  // what the kernel said last
  std::atomic<std::int32_t> tid;
};

struct WorkerRecord {
  std::atomic<std::uint32_t> stops;  // odd while stopped by the harness, or about to be
  ThreadRecord threads[kMostThreads];
};

/// What was known of a key before a read.
struct Before {
  std::uint64_t now_coarse_ns;
  std::uint64_t newest_begin_ns;
  std::uint64_t cleared_begin_ns;
  std::uint64_t known;
  std::uint64_t begun;
};

/// Everything that is known of what the segment may answer, in memory that carafe never sees. A key is a register that anything may
/// empty at any time where room is scarce, and nothing where it is not.
struct Oracle {
  std::uint64_t secret;
  std::uint32_t roomy;
  std::uint32_t workers_in_use;
  std::atomic<std::uint32_t> stop;
  std::atomic<std::uint32_t> regime;
  std::atomic<std::uint64_t> cleared_begin_ns;  // the latest begin among acknowledged clears
  std::atomic<std::uint64_t> calls;
  std::atomic<std::uint64_t> hits;
  std::atomic<std::uint64_t> strict;     // reads whose answer was known exactly
  std::atomic<std::uint64_t> forgotten;  // values read that were set too long ago to be judged by their times
  std::atomic<std::uint64_t> busy;
  std::atomic<std::uint64_t> no_space;
  std::atomic<std::uint64_t> attaches;
  std::atomic<std::uint64_t> lost;              // acknowledged, for ever or not ended, nobody was changing it, and gone
  std::atomic<std::uint64_t> lost_with_writer;  // the same, of a key whose writer was killed
  std::atomic<std::uint64_t> resolved;          // what a killed writer had come to, found out afterwards
  std::atomic<std::uint64_t> longest_call_ns;   // as the clock says
  std::atomic<std::uint64_t> longest_own_ns;    // less what the machine and the harness kept the thread from running
  std::atomic<std::uint64_t> slow_calls;        // above kLongestCall, as the clock says
  std::atomic<std::uint32_t> violations;
  char texts[20][240];
  Stalls stalls;
  WorkerRecord workers[kMostWorkers];
  CounterRecord counters[kMostCounters];
  CounterRecord cas_counters[kMostCounters];
  KeyRecord keys[kMostKeys];

  __attribute__((format(printf, 2, 3))) void violation(const char* format, ...) noexcept {
    const std::uint32_t index = violations.fetch_add(1);
    if (index >= std::size(texts)) return;
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(texts[index], sizeof texts[index], format, arguments);
    va_end(arguments);
  }

  // --- changing a key

  /// Says that this thread is about to change the key; what it is doing is then found in `me` if it dies. True when nobody else is.
  bool begin_change(ThreadRecord& me, std::size_t key, bool is_erase, std::uint64_t ttl_ms) noexcept {
    KeyRecord& record = keys[key];
    // First the key, then a number: so two that overlap cannot both believe that they are alone.
    me.key.store(key + 1);
    const std::uint64_t known = record.known.load();
    const std::uint64_t sequence = record.begun.fetch_add(1) + 1;
    me.sequence.store(sequence);
    Operation& operation = record.operation(sequence);
    operation.sequence.store(0);
    operation.outcome.store(kInFlight);
    operation.end_ns.store(0);
    operation.is_erase.store(is_erase ? 1 : 0);
    operation.ttl_ms.store(ttl_ms);
    operation.begin_ns.store(now_in_ns());
    operation.begin_coarse_ns.store(coarse_now_in_ns());
    bool alone = true;
    for (std::uint32_t i = 0; i < workers_in_use; ++i)
      for (const ThreadRecord& other : workers[i].threads) alone = alone && (&other == &me || other.key.load() != key + 1);
    operation.prior.store(alone && known == sequence - 1 ? known : 0);
    operation.sequence.store(sequence);
    return alone;
  }

  void end_change(ThreadRecord& me, std::size_t key, bool alone, Outcome outcome) noexcept {
    KeyRecord& record = keys[key];
    const std::uint64_t sequence = me.sequence.load();
    Operation& operation = record.operation(sequence);
    const std::uint64_t begin_ns = operation.begin_ns.load();
    const bool ours = operation.sequence.load() == sequence;  // else we were stopped for so long that our record serves another
    if (ours) {
      operation.end_ns.store(now_in_ns());
      operation.outcome.store(outcome);
      if (outcome == kWrote || outcome == kEmptied) {
        raise_to(record.newest_begin_ns, begin_ns);
        if (alone && record.begun.load() == sequence) record.known.store(sequence);
      }
    }
    me.sequence.store(0);
    me.key.store(0);
  }

  // --- reading

  [[nodiscard]] Before look(std::size_t key) const noexcept {
    const KeyRecord& record = keys[key];
    Before before{};
    before.known = record.known.load();
    before.begun = record.begun.load();
    before.newest_begin_ns = record.newest_begin_ns.load();
    before.cleared_begin_ns = cleared_begin_ns.load();
    before.now_coarse_ns = coarse_now_in_ns();
    return before;
  }

  /// Whether a read that began after `before` may have answered `value` (nullptr: nothing). `again` repeats the read.
  template <typename Again>
  void judge(std::size_t key, const std::string& text, const Before& before, const std::string* value, const char* verb, Again&& again) {
    KeyRecord& record = keys[key];
    std::uint64_t sequence = 0;
    if (value != nullptr) {
      hits.fetch_add(1, std::memory_order_relaxed);
      const auto told = sequence_of(text, *value, secret);
      if (!told) return violation("%s %s: a value of %zu bytes that nobody wrote", verb, text.c_str(), value->size());
      sequence = *told;
      if (sequence == 0 || sequence > record.begun.load()) return violation("%s %s: a sequence number from nowhere", verb, text.c_str());
      judge_sequence(record, sequence, text, before, verb);
    }
    // Was the key's state known exactly, and nothing begun since?
    if (before.known == 0 || before.known != before.begun) return;
    const Operation& last = record.operation(before.known);
    const std::uint32_t outcome = last.outcome.load();
    const std::uint64_t may_end_ns = earliest_end_ns(last);
    if (last.sequence.load() != before.known || record.begun.load() != before.begun) return;
    strict.fetch_add(1, std::memory_order_relaxed);
    if (outcome == kEmptied && value != nullptr)
      return violation("%s %s: value %llu after acknowledged erase %llu", verb, text.c_str(), number(sequence), number(before.known));
    if (outcome != kWrote) return;
    if (value != nullptr && sequence != before.known)
      return violation("%s %s: value %llu where %llu was acknowledged and alone", verb, text.c_str(), number(sequence),
                       number(before.known));
    if (value == nullptr && roomy != 0 && is_gone(record, before.begun, may_end_ns, again) &&
        record.known.compare_exchange_strong(sequence = before.known, 0))
      lost.fetch_add(1);
  }

  /// Whether what was there, and may not be gone before `may_end_ns`, is missing again and again, with nobody changing it: a read may be
  /// given up as a miss while neighbours change without end.
  template <typename Again>
  [[nodiscard]] static bool is_gone(const KeyRecord& record, std::uint64_t begun, std::uint64_t may_end_ns, Again&& again) {
    for (int i = 0; i < 20; ++i) {
      if (again() || record.begun.load() != begun || now_in_ns() >= may_end_ns) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return record.begun.load() == begun && now_in_ns() < may_end_ns;
  }

  /// When what the operation stored may be gone at the earliest: a millisecond early, for the engine counts in milliseconds.
  [[nodiscard]] static std::uint64_t earliest_end_ns(const Operation& operation) noexcept {
    const std::uint64_t ttl_ms = operation.ttl_ms.load();
    return ttl_ms == 0 ? ~std::uint64_t{0} : operation.begin_coarse_ns.load() + (ttl_ms - 1) * kMillisecond;
  }

  static unsigned long long number(std::uint64_t value) noexcept { return value; }

 private:
  void judge_sequence(const KeyRecord& record, std::uint64_t sequence, const std::string& text, const Before& before, const char* verb) {
    const Operation& operation = record.operation(sequence);
    const bool ours = operation.sequence.load() == sequence;
    const std::uint32_t outcome = operation.outcome.load();
    const std::uint64_t end_ns = operation.end_ns.load();
    const std::uint64_t ttl_ms = operation.ttl_ms.load();
    const bool is_erase = operation.is_erase.load() != 0;
    if (!ours || operation.sequence.load() != sequence) {
      forgotten.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    if (is_erase) return violation("%s %s: value %llu of an erase", verb, text.c_str(), number(sequence));
    if (outcome == kRefused || outcome == kEmptied) return violation("%s %s: value %llu was refused", verb, text.c_str(), number(sequence));
    if (outcome == kInFlight || end_ns == 0) return;
    if (end_ns < before.newest_begin_ns)
      return violation("%s %s: value %llu is older than an acknowledged write or erase, by %llu us", verb, text.c_str(), number(sequence),
                       number((before.newest_begin_ns - end_ns) / 1'000));
    if (end_ns < before.cleared_begin_ns) return violation("%s %s: value %llu survived a clear", verb, text.c_str(), number(sequence));
    // The engine read its clock before end_ns when it stored, and reads the same clock after `before` now; both in whole milliseconds. So
    // the tick of the coarse clock needs no tolerance.
    const std::uint64_t end_ms = end_ns / kMillisecond + ttl_ms;
    if (ttl_ms != 0 && before.now_coarse_ns / kMillisecond >= end_ms)
      return violation("%s %s: value %llu expired %llu ms ago", verb, text.c_str(), number(sequence),
                       number(before.now_coarse_ns / kMillisecond - end_ms));
  }
};

}  // namespace carafe::test::storm
