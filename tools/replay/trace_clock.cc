// SPDX-License-Identifier: MIT
#include "trace_clock.h"

#include "base/time.h"

namespace carafe::replay {
namespace {

std::uint64_t began_ms = 0;  // of the real clock: what a segment holds from before must not lie in the future
std::uint64_t trace_now_ms = 0;

std::uint64_t read_trace_clock() noexcept { return trace_now_ms; }

}  // namespace

TraceClock::TraceClock() {
  began_ms = now_ms();
  trace_now_ms = began_ms;
  override_time_for_tests(&read_trace_clock);
}

TraceClock::~TraceClock() { override_time_for_tests(nullptr); }

void TraceClock::set(std::uint64_t t_ms) noexcept {
  if (began_ms + t_ms > trace_now_ms) trace_now_ms = began_ms + t_ms;
}

}  // namespace carafe::replay
