// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "carafe/export.h"
#include "carafe/status.h"

namespace carafe {
inline namespace v0 {

namespace detail {
struct MutexState;
}  // namespace detail

class Cache;

/// A mutex among all threads of all processes that have the segment open, by its name. Lives in the segment, and is never evicted.
///
///   carafe::NamedMutex nightly(cache, "nightly");
///   if (nightly.try_lock()) { ...; nightly.unlock(); }
///
/// Who holds it:  one thread. Each process, and each part of one, makes a NamedMutex of its own; threads may also share one. Not recursive:
///                where the thread holds it already try_lock says no, and lock waits for itself. A forked child does not hold what its
///                parent does.
/// Death:         the holder's death lets go of it; who waits has it within 50 ms, and recovered() says so. A holder that is stopped or
///                slow keeps it.
/// Removal:       it belongs to the segment. When that is removed, who waits is told kRetired, until there is a new segment of the name, in
///                which it goes on. Who holds it in the old one keeps it there, and is not alone any more.
/// Errors:        the constructor throws carafe::Error: kReadOnly, kNoWorkerSlot, kRetired, kNoSpace (a name takes a place as long as the
///                segment lives; 16 at 1 MiB, 256 at 64 MiB, 1024 at most, shared with Cache::warm_once). Afterwards nothing does.
/// Names:         any bytes. It is a hash of 64 bits that counts: two names with one hash are one mutex, which excludes more than it has
///                to.
/// Cost:          about 100 ns each to lock and to unlock; who waits sleeps, and looks every 20 ms whether the holder has died. Not fair.
///
/// A std::unique_lock may have it (TimedLockable), but does not ask what lock() answers: where the segment may be removed, ask is_held().
/// Must not outlive its Cache.
class CARAFE_EXPORT NamedMutex {
 public:
  NamedMutex(Cache& cache, std::string_view name);
  /// Unlocks it if the calling thread holds it.
  ~NamedMutex();
  NamedMutex(const NamedMutex&) = delete;
  NamedMutex& operator=(const NamedMutex&) = delete;

  /// Waits as long as it takes. kOk, or it is not ours, nor will it be: kRetired, kCannotReopen, kNoWorkerSlot, kNoSpace.
  [[nodiscard]] Status lock() noexcept;
  /// Whether it is ours now. Takes it over from the dead too.
  [[nodiscard]] bool try_lock() noexcept;
  [[nodiscard]] bool try_lock_for(std::chrono::duration<double> most) noexcept;
  /// A clock that is set meanwhile is not followed.
  template <typename Clock, typename Duration>
  [[nodiscard]] bool try_lock_until(const std::chrono::time_point<Clock, Duration>& end) noexcept {
    return try_lock_for(end - Clock::now());
  }
  /// Does nothing unless the calling thread holds it, and through this object.
  void unlock() noexcept;

  /// Whether the calling thread holds it, and through this object.
  [[nodiscard]] bool is_held() const noexcept;
  /// For who holds it: whether the one before died while he did (as EOWNERDEAD), so that what it guards may be half done.
  [[nodiscard]] bool recovered() const noexcept;

 private:
  std::unique_ptr<detail::MutexState> state_;
};

}  // namespace v0
}  // namespace carafe
