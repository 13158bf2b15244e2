// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

#include "base/atomic.h"
#include "base/time.h"
#include "carafe/options.h"
#include "layout/item.h"

namespace carafe {

/// When something stored now ends, on the segment's clock.
struct Expiry {
  std::uint64_t at_ms = kNeverExpires;
  bool already = false;  // zero or negative time to live

  [[nodiscard]] static Expiry from_ttl(std::chrono::milliseconds ttl) noexcept { return from_ttl(ttl, now_ms); }
  /// On another clock than the segment's.
  [[nodiscard]] static Expiry from_ttl(std::chrono::milliseconds ttl, std::uint64_t (*clock_ms)() noexcept) noexcept {
    if (ttl == kForever) return {};
    if (ttl.count() <= 0) return {0, true};
    const std::uint64_t now = clock_ms();
    const auto span = static_cast<std::uint64_t>(ttl.count());
    return {span > kNeverExpires - 1 - now ? kNeverExpires - 1 : now + span, false};
  }
  [[nodiscard]] bool forever() const noexcept { return at_ms == kNeverExpires; }
};

/// Whether an expiry time has passed. Never means a look at the clock less.
[[nodiscard]] inline bool has_expired(std::uint64_t at_ms) noexcept { return at_ms != kNeverExpires && at_ms <= now_ms(); }

/// Lowers a hint of "nothing ends before"; racy on purpose.
inline void note_expiry(Atomic<std::uint64_t>& hint, std::uint64_t at_ms) noexcept {
  if (hint.load(kRelaxed) > at_ms) hint.store(at_ms, kRelaxed);
}

}  // namespace carafe
