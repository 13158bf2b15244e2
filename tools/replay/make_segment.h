// SPDX-License-Identifier: MIT
#pragma once

#include "carafe/cache.h"

namespace carafe::replay {

/// An anonymous segment. Throws Failure (5) instead of asking for more memory than the machine has to spare: all of it is reserved at once,
/// and the kernel would answer by killing somebody.
[[nodiscard]] Cache make_segment(const Options& options);

/// Bytes that the machine has to spare, as /proc/meminfo says; the largest number when it says nothing.
[[nodiscard]] std::uint64_t spare_memory_bytes();

}  // namespace carafe::replay
