// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace carafe {

using TimeFunction = std::uint64_t (*)() noexcept;

/// Milliseconds of the kernel's coarse monotonic clock: ticks of 4 ms, about 5 ns a reading, never set back by anybody.
[[nodiscard]] std::uint64_t now_ms() noexcept;

/// The same in nanoseconds, precise; for bounds of waits.
[[nodiscard]] std::uint64_t now_ns() noexcept;

/// Milliseconds since 1970 by the system's clock, which people and NTP set: only for what has to outlive a boot.
[[nodiscard]] std::uint64_t wall_ms() noexcept;

/// Replaces now_ms and wall_ms in this process; nullptr restores the clocks.
void override_time_for_tests(TimeFunction now_ms) noexcept;

}  // namespace carafe
