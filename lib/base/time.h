// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace carafe {

using TimeFunction = std::uint64_t (*)() noexcept;

/// Milliseconds of the kernel's coarse monotonic clock: ticks of 4 ms, about 5 ns a reading, never set back by anybody.
[[nodiscard]] std::uint64_t now_ms() noexcept;

/// The same in nanoseconds, precise; for bounds of waits.
[[nodiscard]] std::uint64_t now_ns() noexcept;

/// Replaces now_ms in this process; nullptr restores the clock.
void override_time_for_tests(TimeFunction now_ms) noexcept;

}  // namespace carafe
