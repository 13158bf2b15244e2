// SPDX-License-Identifier: MIT
#include "support/fake_clock.h"

#include <atomic>
#include <cstdint>

#include "base/time.h"

namespace carafe::test {
namespace {

std::atomic<std::uint64_t> fake_now_ms{0};
std::uint64_t started_ms = 0;

std::uint64_t read_fake_clock() noexcept { return fake_now_ms.load(std::memory_order_relaxed); }

}  // namespace

FakeClock::FakeClock() {
  started_ms = now_ms();  // the real one: segments made before must not lie in the future
  fake_now_ms.store(started_ms, std::memory_order_relaxed);
  override_time_for_tests(&read_fake_clock);
}

FakeClock::~FakeClock() { override_time_for_tests(nullptr); }

void FakeClock::advance(std::chrono::milliseconds step) noexcept {
  fake_now_ms.fetch_add(static_cast<std::uint64_t>(step.count()), std::memory_order_relaxed);
}

std::chrono::milliseconds FakeClock::elapsed() const noexcept {
  return std::chrono::milliseconds(static_cast<std::int64_t>(fake_now_ms.load(std::memory_order_relaxed) - started_ms));
}

}  // namespace carafe::test
