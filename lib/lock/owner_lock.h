// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "workers/worker.h"

namespace carafe {

enum class LockResult : std::uint8_t {
  kBusy,       ///< Not ours: somebody alive has it.
  kLocked,     ///< Ours.
  kTakenOver,  ///< Ours, from a dead owner who may have stopped between any two stores.
};

/// A lock of one word in the segment (layout/lock_word.h): CAS, a few pauses, then a futex wait of 1 ms doubling to 8 ms, after
/// each of which the owner's death is looked into. Uncontended about 10 ns. There is no repair step: recovery is "take the lock",
/// because whatever such a lock guards is valid after every single store. A wake-up lost with a killed waker costs one wait.
/// Not recursive; two threads of one process exclude each other as processes do.
class OwnerLock {
 public:
  [[nodiscard]] static LockResult try_lock(Atomic<std::uint64_t>& word, const Worker& me) noexcept;
  /// Waits at most `wait_ns`.
  [[nodiscard]] static LockResult lock(Atomic<std::uint64_t>& word, const Worker& me, std::uint64_t wait_ns) noexcept;
  static void unlock(Atomic<std::uint64_t>& word) noexcept;

 private:
  static LockResult wait(Atomic<std::uint64_t>& word, const Worker& me, std::uint64_t wait_ns) noexcept;
};

}  // namespace carafe
