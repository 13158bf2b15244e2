// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace carafe {

/// Short spellings; every operation names its order.
inline constexpr auto kRelaxed = std::memory_order_relaxed;
inline constexpr auto kAcquire = std::memory_order_acquire;
inline constexpr auto kRelease = std::memory_order_release;
inline constexpr auto kAcqRel = std::memory_order_acq_rel;

}  // namespace carafe

// The seam through which everything in the segment is an atomic: the standard's in the product. A checker that explores weak memory
// behaviours (tests/model/weak) names a header of its own here, with the same names and those of base/racy_copy.h.
#ifdef CARAFE_CHECKED_ATOMICS
#include CARAFE_CHECKED_ATOMICS
#else

namespace carafe {

template <typename T>
using Atomic = std::atomic<T>;

inline void atomic_fence(std::memory_order order) noexcept { std::atomic_thread_fence(order); }

/// A pause within a spin loop.
inline void spin_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace carafe

#endif
