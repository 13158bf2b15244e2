// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "support/random.h"
#include "support/values.h"

namespace carafe::test::storm {

/// What a phase of the storm is played in.
struct Phase {
  const char* name;
  bool roomy;  // the segment is far larger than all keys together: nothing has a reason to be missing
  std::size_t capacity_bytes;
  std::size_t keys;      // whose every write is remembered by the oracle
  std::size_t fillers;   // keys whose values only certify themselves: they crowd the index, and where it is tight the segment
  std::size_t counters;  // raised by increment, and as many again by compare_and_set
};

enum class Verb : std::uint8_t {
  kGet,
  kGetMany,
  kSet,
  kAdd,
  kReplace,
  kCompareAndSet,
  kErase,
  kIncrement,
  kReadCounter,
  kCompareAndSetCounter,
  kSetFiller,
  kGetFiller,
  kEraseFiller,
  kWalk,
  kClear,
  kAttach,
  kDetach,
  kLeave,
};

/// One request, drawn before it is known how the one before it ended: so the n-th request of a thread follows from its seed alone.
struct Request {
  Verb verb = Verb::kGet;
  std::size_t key = 0;  // also the first of a batch
  std::size_t filler = 0;
  std::size_t counter = 0;
  std::uint64_t size_rank = 0;  // the regime of the moment makes a size of it
  std::uint32_t ttl_ms = 0;     // 0: for ever
  std::uint32_t delta = 1;

  friend bool operator==(const Request&, const Request&) = default;
};

inline constexpr std::uint64_t kOfAThousand[] = {300, 40, 170, 25, 25, 25, 60, 60, 30, 30, 120, 90, 15, 2, 0, 4, 4, 0};
static_assert(std::size(kOfAThousand) == static_cast<std::size_t>(Verb::kLeave) + 1);

[[nodiscard]] inline Request draw(Random& random, const Phase& phase) noexcept {
  Request request;
  std::uint64_t choice = random.below(1'000);
  for (std::size_t verb = 0; verb < std::size(kOfAThousand); ++verb) {
    request.verb = static_cast<Verb>(verb);
    if (choice < kOfAThousand[verb]) break;
    choice -= kOfAThousand[verb];
  }
  const std::uint64_t rarely = random.below(100'000);
  if (rarely < 20) request.verb = Verb::kLeave;
  if (rarely == 99 && !phase.roomy) request.verb = Verb::kClear;
  // Half of all requests go to an eighth of the keys, so that workers meet.
  const std::uint64_t hot = random.below(2);
  request.key = random.below(hot != 0 ? std::max<std::size_t>(1, phase.keys / 8) : phase.keys);
  request.filler = random.below(phase.fillers);
  request.counter = random.below(phase.counters);
  request.size_rank = random.next();
  request.delta = static_cast<std::uint32_t>(random.between(1, 9));
  // 20 ms to 20 s, as likely per octave, or for ever.
  const std::uint64_t octave = random.below(10);
  const auto ttl_ms = static_cast<std::uint32_t>((20 + random.below(20)) << octave);
  if (random.one_in(4)) request.ttl_ms = ttl_ms;
  return request;
}

/// Sizes of values, all workers at once; now and then the next one comes, and pages have to change their class.
enum Regime : std::uint32_t { kTiny, kSmall, kMedium, kLarge, kChains, kHuge, kMixed, kRegimes };

/// The bytes of a value of that rank: each power of two between the regime's ends is as likely as the next. `chunk_bytes` is about the
/// largest chunk.
[[nodiscard]] inline std::size_t size_of(Regime regime, std::uint64_t rank, const Phase& phase, std::size_t chunk_bytes) noexcept {
  struct Range {
    std::size_t low, high;
  };
  const std::size_t largest = phase.roomy ? chunk_bytes * 3 : phase.capacity_bytes / 4;
  const Range ranges[kRegimes] = {{kCertifiedBytes, 40},
                                  {60, 400},
                                  {400, 2'000},
                                  {2'000, chunk_bytes},
                                  {chunk_bytes, chunk_bytes * 3},
                                  {chunk_bytes * 2, largest},
                                  {kCertifiedBytes, chunk_bytes * 3}};
  const Range range = ranges[regime];
  Random random(rank);
  return range.low + (range.high > range.low ? random.log_uniform(range.high - range.low) : 0);
}

}  // namespace carafe::test::storm
