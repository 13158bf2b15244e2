// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

namespace carafe::test {

/// While it lives, time in this process stands still and moves only when told. One at a time.
class FakeClock {
 public:
  FakeClock();
  ~FakeClock();
  FakeClock(const FakeClock&) = delete;
  FakeClock& operator=(const FakeClock&) = delete;

  void advance(std::chrono::milliseconds step) noexcept;
  /// Milliseconds since the clock was made.
  [[nodiscard]] std::chrono::milliseconds elapsed() const noexcept;
};

}  // namespace carafe::test
