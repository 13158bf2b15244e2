// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/time.h"
#include "carafe/load.h"
#include "carafe/options.h"
#include "layout/limits.h"

// What MemoryStore and FileStore have in common with Cache: the rules in carafe/store.h.

namespace carafe {

inline constexpr std::uint64_t kNeverEnds = std::numeric_limits<std::uint64_t>::max();

[[nodiscard]] inline bool is_valid_key(std::string_view key) noexcept { return !key.empty() && key.size() <= kMaxKeyBytes; }

[[nodiscard]] inline bool is_already_over(std::chrono::milliseconds ttl) noexcept { return ttl.count() <= 0; }

/// When something stored at `now_ms` ends, on the same clock. `ttl` is positive.
[[nodiscard]] inline std::uint64_t end_of(std::chrono::milliseconds ttl, std::uint64_t now_ms) noexcept {
  if (ttl == kForever) return kNeverEnds;
  const auto span = static_cast<std::uint64_t>(ttl.count());
  return span > kNeverEnds - 1 - now_ms ? kNeverEnds - 1 : now_ms + span;
}

/// The time to live of what a loader answered; zero where it is not to be stored. Asks cache_if, which may throw.
[[nodiscard]] inline std::chrono::milliseconds ttl_of_answer(const std::optional<std::string>& answer, const LoadOptions& options,
                                                             std::string_view key) {
  if (!answer) return options.negative_ttl;
  if (options.cache_if && !options.cache_if(*answer)) return std::chrono::milliseconds(0);
  if (options.ttl == kForever || is_already_over(options.ttl) || !(options.jitter > 0)) return options.ttl;
  const double random = static_cast<double>(hash_key(key, now_ns()) >> 11) * 0x1p-53;
  const double shorter = static_cast<double>(options.ttl.count()) * std::min(options.jitter, 1.0) * random;
  return std::chrono::milliseconds(std::max<std::int64_t>(1, options.ttl.count() - std::llround(shorter)));
}

/// Until when a caller waits for another one's load.
[[nodiscard]] inline std::chrono::steady_clock::time_point end_of_wait(const LoadOptions& options) {
  return std::chrono::steady_clock::now() +
         std::clamp<std::chrono::milliseconds>(options.max_wait, std::chrono::milliseconds(0), std::chrono::hours(24));
}

}  // namespace carafe
