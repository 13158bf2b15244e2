// SPDX-License-Identifier: MIT
#include "base/time.h"

#include <ctime>

#include "base/atomic.h"

namespace carafe {
namespace {

Atomic<TimeFunction> override_{nullptr};

std::uint64_t read_clock(clockid_t clock, std::uint64_t per_second, std::uint64_t ns_per_unit) noexcept {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * per_second + static_cast<std::uint64_t>(t.tv_nsec) / ns_per_unit;
}

}  // namespace

std::uint64_t now_ms() noexcept {
  if (TimeFunction fake = override_.load(kRelaxed)) [[unlikely]]
    return fake();
  return read_clock(CLOCK_MONOTONIC_COARSE, 1'000, 1'000'000);
}

std::uint64_t now_ns() noexcept { return read_clock(CLOCK_MONOTONIC, 1'000'000'000, 1); }

std::uint64_t wall_ms() noexcept {
  if (TimeFunction fake = override_.load(kRelaxed)) [[unlikely]]
    return fake();
  return read_clock(CLOCK_REALTIME, 1'000, 1'000'000);
}

void override_time_for_tests(TimeFunction fake) noexcept { override_.store(fake, kRelaxed); }

}  // namespace carafe
