// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace carafe {

/// The seam through which everything in the segment is an atomic: std::atomic in the product, replaceable by a checker's
/// own type that explores weak memory behaviours.
template <typename T>
using Atomic = std::atomic<T>;

/// Short spellings; every operation names its order.
inline constexpr auto kRelaxed = std::memory_order_relaxed;
inline constexpr auto kAcquire = std::memory_order_acquire;
inline constexpr auto kRelease = std::memory_order_release;
inline constexpr auto kAcqRel = std::memory_order_acq_rel;

/// A pause within a spin loop.
inline void spin_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace carafe
