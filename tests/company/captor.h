// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cache/engine.h"
#include "carafe/cache.h"
#include "lock/owner_lock.h"
#include "support/values.h"

namespace carafe::test {

/// Takes the lock of every stripe, as a worker in the middle of as many writes. Dead, stopped or slow, it stands in everybody's way.
/// False when one could not be had.
[[nodiscard]] inline bool hold_every_stripe(const Engine& engine) {
  const Worker me = engine.worker();
  if (me.word == 0) return false;
  for (std::uint64_t i = 0; i < engine.view.geometry().stripe_count; ++i)
    if (OwnerLock::lock(engine.view.stripe(i).lock, me, 1'000'000'000) == LockResult::kBusy) return false;
  return true;
}

inline void let_every_stripe_go(const Engine& engine) {
  for (std::uint64_t i = 0; i < engine.view.geometry().stripe_count; ++i) OwnerLock::unlock(engine.view.stripe(i).lock);
}

/// The segment `name` as the mechanisms below the cache have it.
[[nodiscard]] inline std::unique_ptr<Engine> open_engine(std::string_view name) {
  return std::make_unique<Engine>(open_segment(name, {}, false), 20'000'000);
}

/// Keys enough that every stripe has some, of a segment of a few MiB.
inline constexpr std::uint64_t kKeysForEveryStripe = 400;

/// Writes to every stripe. What was wrong, or empty: each set has to succeed, and in less than `most`.
[[nodiscard]] inline std::string write_everywhere(Cache& cache, std::chrono::milliseconds most) {
  for (std::uint64_t i = 0; i < kKeysForEveryStripe; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const Status status = cache.set(numbered_key("everywhere", i), "value");
    const auto took = std::chrono::steady_clock::now() - start;
    if (status != Status::kOk) return "set number " + std::to_string(i) + " says " + std::string(to_string(status));
    if (took > most)
      return "set number " + std::to_string(i) + " took " +
             std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) + " ms";
  }
  return {};
}

}  // namespace carafe::test
