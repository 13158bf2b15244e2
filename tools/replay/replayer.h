// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "carafe/cache.h"
#include "payload.h"
#include "simulate.h"
#include "trace.h"

namespace carafe::replay {

/// What one request came to.
enum class Answer : std::uint8_t { kNone, kHit, kMiss, kOther };

/// What should not happen, or not often. May lie in memory that workers share.
struct Tally {
  std::atomic<std::uint64_t> wrong_values{0};  ///< Values that came back and were another key's: always 0, or carafe is broken.
  std::atomic<std::uint64_t> declined{0};      ///< Sets not carried out: larger than a quarter of the segment, busy, no room.
};

/// One worker's hands on real carafe: get, and set on a miss; or what else the request says.
class Replayer {
 public:
  Replayer(Cache& cache, const Trace& trace, Payload payload, Tally& tally)
      : cache_(cache), trace_(trace), payload_(std::move(payload)), tally_(tally) {}

  /// Does the request at `position`. `answer` has the outcome of a get before the set that follows a miss, and keeps one that it has:
  /// a request that is done once more, since its worker was killed over it, counts as it did the first time.
  void serve(std::size_t position, volatile std::uint8_t& answer);

 private:
  void store(std::string_view key, const Request& request);

  Cache& cache_;
  const Trace& trace_;
  Payload payload_;
  std::string value_;
  Tally& tally_;
};

}  // namespace carafe::replay
