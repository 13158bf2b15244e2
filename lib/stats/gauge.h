// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/atomic.h"

namespace carafe {

/// A signed sum that belongs to one epoch: {epoch 24, value 40}. Read in another epoch it is zero, so a clear resets the gauges of
/// all workers by raising the epoch, elsewhere.
struct Gauge {
  static constexpr std::uint64_t kValueMask = (std::uint64_t{1} << 40) - 1;

  static constexpr std::uint32_t epoch(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 40); }
  static constexpr std::int64_t value(std::uint64_t word) noexcept { return static_cast<std::int64_t>(word << 24) >> 24; }
  static constexpr std::uint64_t make(std::uint32_t epoch, std::int64_t value) noexcept {
    return (std::uint64_t{epoch & 0xffffff} << 40) | (static_cast<std::uint64_t>(value) & kValueMask);
  }
  static constexpr std::int64_t value_in(std::uint64_t word, std::uint32_t now) noexcept {
    return epoch(word) == (now & 0xffffff) ? value(word) : 0;
  }

  /// Adds on behalf of `now`; an older epoch's change is dropped, a newer one's starts from zero.
  static void add(Atomic<std::uint64_t>& gauge, std::uint32_t now, std::int64_t by) noexcept {
    std::uint64_t seen = gauge.load(kRelaxed);
    for (;;) {
      const std::uint32_t ahead = ((now & 0xffffff) - epoch(seen)) & 0xffffff;
      if (ahead >= 0x800000) return;
      if (gauge.compare_exchange_weak(seen, make(now, (ahead == 0 ? value(seen) : 0) + by), kRelaxed)) return;
    }
  }
};

}  // namespace carafe
