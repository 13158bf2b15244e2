// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "layout/duel_state.h"

namespace carafe {

/// What may happen to a newcomer whose probation ends.
enum class PromotionRule : std::uint8_t {
  kUsed,       ///< Stays if it was used meanwhile (2Q's and S3-FIFO's rule).
  kContested,  ///< Stays if it was used and the sketch has seen it at least as often as the hand's victim, which goes instead (W-TinyLFU's).
};

/// One way of playing CLOCK with a probation queue: how much of a class is for newcomers, and when they may stay.
struct Mode {
  const char* name;
  std::uint32_t probation_permille;
  PromotionRule rule;
};

/// The four that duel. Which was found by simulation over 17 traces; what lost is in bench/RESULTS.md. kPlain is CLOCK as it always
/// was: the segment's only mode where Options::eviction is kClock.
inline constexpr std::uint32_t kPlain = 0;
inline constexpr Mode kModeTable[kModes] = {
    {"clock", 0, PromotionRule::kUsed},
    {"probation 10%", 100, PromotionRule::kUsed},
    {"contested 1%", 10, PromotionRule::kContested},
    {"probation 30%", 300, PromotionRule::kUsed},
};

}  // namespace carafe
