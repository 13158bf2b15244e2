// SPDX-License-Identifier: MIT
#pragma once

namespace carafe {

/// Has the line at `address`, which must be mapped, on its way while something else is done. A load whose value nobody waits for, not a prefetch: of those
/// a processor may drop what misses its TLB, and in a large segment on pages of 4 KiB most do (bench/RESULTS.md).
inline void touch(const void* address) noexcept {
  asm volatile("" : : "r"(__atomic_load_n(static_cast<const unsigned char*>(address), __ATOMIC_RELAXED)));
}

}  // namespace carafe
