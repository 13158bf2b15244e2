// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace carafe {

/// Who holds a lock or has a chunk claimed: a worker slot and the incarnation of its tenant. Never a pid: pids come back,
/// and mean nothing across pid namespaces.
struct WorkerId {
  std::uint32_t slot = 0;
  std::uint32_t incarnation = 0;  // 0 is nobody
  friend bool operator==(const WorkerId&, const WorkerId&) = default;
};

/// The word of a lock.
///
///   bit 63          32 31         16 15      1   0
///       | incarnation | slot + 1    | zero   | waiters |      all zero: free
///
/// The low half is what a waiter sleeps on (futex). A named slot's has a thread in place of the zero bits.
struct LockWord {
  static constexpr std::uint64_t kFree = 0;
  static constexpr std::uint64_t kWaiters = 1;

  static constexpr std::uint64_t of(WorkerId id) noexcept {
    return (std::uint64_t{id.incarnation} << 32) | (std::uint64_t{id.slot + 1} << 16);
  }
  static constexpr WorkerId owner(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>((word >> 16) & 0xffff) - 1, static_cast<std::uint32_t>(word >> 32)};
  }
};

}  // namespace carafe
