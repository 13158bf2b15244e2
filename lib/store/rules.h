// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "carafe/load.h"
#include "carafe/options.h"
#include "expiry/jitter.h"
#include "layout/limits.h"

// What MemoryStore and FileStore have in common with Cache: the rules in carafe/store.h.

namespace carafe {

[[nodiscard]] inline bool is_valid_key(std::string_view key) noexcept { return !key.empty() && key.size() <= kMaxKeyBytes; }

/// The time to live of what a loader answered; zero where it is not to be stored. Asks cache_if, which may throw.
[[nodiscard]] inline std::chrono::milliseconds ttl_of_answer(const std::optional<std::string>& answer, const LoadOptions& options,
                                                             std::string_view key) {
  if (!answer) return options.negative_ttl;
  if (options.cache_if && !options.cache_if(*answer)) return std::chrono::milliseconds(0);
  return jittered(options.ttl, options.jitter, key);
}

/// Until when a caller waits for another one's load.
[[nodiscard]] inline std::chrono::steady_clock::time_point end_of_wait(const LoadOptions& options) {
  return std::chrono::steady_clock::now() +
         std::clamp<std::chrono::milliseconds>(options.max_wait, std::chrono::milliseconds(0), std::chrono::hours(24));
}

}  // namespace carafe
