// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/hash.h"
#include "base/time.h"
#include "carafe/options.h"

namespace carafe {

/// `ttl`, shortened by a share of it between 0 and `jitter`.
[[nodiscard]] inline std::chrono::milliseconds jittered(std::chrono::milliseconds ttl, double jitter, std::string_view key) noexcept {
  if (ttl == kForever || ttl.count() <= 0 || !(jitter > 0)) return ttl;
  const double random = static_cast<double>(hash_key(key, now_ns()) >> 11) * 0x1p-53;
  const double shorter = static_cast<double>(ttl.count()) * std::min(jitter, 1.0) * random;
  return std::chrono::milliseconds(std::max<std::int64_t>(1, ttl.count() - std::llround(shorter)));
}

}  // namespace carafe
