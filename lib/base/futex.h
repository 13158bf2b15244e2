// SPDX-License-Identifier: MIT
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>

#include "base/atomic.h"

namespace carafe {

// The kernel's wait queues, among processes (futex(2)): `word` lies in shared memory. errno stays as it was.

/// A word of the segment, as the kernel takes it.
[[nodiscard]] inline std::uint32_t* futex_word(Atomic<std::uint32_t>& word) noexcept { return reinterpret_cast<std::uint32_t*>(&word); }

/// Sleeps while `*word` is `seen`: until a wake, for `ns` at most, or for less.
inline void futex_wait(std::uint32_t* word, std::uint32_t seen, std::uint64_t ns) noexcept {
  const timespec timeout{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  const int saved = errno;
  ::syscall(SYS_futex, word, FUTEX_WAIT, seen, &timeout, nullptr, 0);
  errno = saved;
}

inline constexpr int kAllWaiters = INT_MAX;

inline void futex_wake(std::uint32_t* word, int waiters) noexcept {
  const int saved = errno;
  ::syscall(SYS_futex, word, FUTEX_WAKE, waiters, nullptr, nullptr, 0);
  errno = saved;
}

}  // namespace carafe
