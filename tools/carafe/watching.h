// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "carafe/cache.h"
#include "context.h"

/// What the verbs that look again and again (-w) have in common.
namespace carafe::tool {

/// -w SEC -n COUNT.
void add_watch(CLI::App& verb, double& interval_seconds, std::uint64_t& count, const std::string& help);

[[nodiscard]] std::int64_t monotonic_ns();

/// Waits from one look to the next. From its making on, an interrupt ends a wait rather than the process. One per process.
class Ticker {
 public:
  explicit Ticker(double interval_seconds);
  /// False when interrupted. After a suspension it goes on from now, and does not catch up.
  [[nodiscard]] bool wait();

 private:
  std::int64_t step_ns_;
  std::int64_t due_ns_;
};

/// The segment that has a name, whichever that is.
class WatchedSegment {
 public:
  explicit WatchedSegment(std::string name);
  [[nodiscard]] const Cache& cache() const { return cache_; }
  /// True when another one has the name since the last call, which `cache` is from now on. Throws Failure (3) when none has.
  [[nodiscard]] bool follow();

 private:
  std::string name_;
  std::pair<dev_t, ino_t> identity_;
  Cache cache_;
};

}  // namespace carafe::tool
