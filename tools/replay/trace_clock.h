// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace carafe::replay {

/// While it lives, carafe's time in this process (and in children forked meanwhile) is the trace's: it stands still until told. One at a time.
class TraceClock {
 public:
  TraceClock();
  ~TraceClock();
  TraceClock(const TraceClock&) = delete;
  TraceClock& operator=(const TraceClock&) = delete;

  /// The time of a request; never goes back.
  static void set(std::uint64_t t_ms) noexcept;
};

}  // namespace carafe::replay
