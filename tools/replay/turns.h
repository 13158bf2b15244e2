// SPDX-License-Identifier: MIT
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <ctime>

#include "base/atomic.h"

namespace carafe::replay {

inline constexpr std::size_t kMostProcesses = 64;

/// Who may do the next request: each worker's position in the trace, in memory that all of them share. Request i belongs to worker i mod P.
/// A worker that was killed leaves its position; whoever takes its place goes on there.
class Turns {
 public:
  Turns(unsigned workers, std::uint64_t overlap) : workers_(workers), overlap_(overlap) {
    for (unsigned i = 0; i < workers; ++i) next_[i].position.store(i);
  }

  /// The request that `worker` has to do next.
  [[nodiscard]] std::uint64_t next(unsigned worker) const noexcept { return next_[worker].position.load(std::memory_order_acquire); }
  /// Waits until `worker` may do it: all requests but the last `overlap` before it are done.
  void wait(unsigned worker) noexcept {
    const std::uint64_t mine = next(worker);
    for (int spins = 0; slowest() + overlap_ < mine; ++spins) {
      if (spins < kSpins) {
        spin_pause();
      } else {
        sleep(worker, mine);
      }
    }
  }
  /// It is done; lets the others know.
  void done(unsigned worker) noexcept {
    next_[worker].position.store(next(worker) + workers_);
    if (overlap_ == 0) return ring((worker + 1) % workers_);  // nobody else can be the next
    for (unsigned i = 0; i < workers_; ++i) ring(i);
  }
  /// Requests before this one are all done.
  [[nodiscard]] std::uint64_t slowest() const noexcept {
    std::uint64_t least = next(0);
    for (unsigned i = 1; i < workers_; ++i) least = std::min(least, next(i));
    return least;
  }

 private:
  static constexpr int kSpins = 200;

  void sleep(unsigned worker, std::uint64_t mine) noexcept {
    Worker& me = next_[worker];
    me.asleep.store(1);
    const std::uint32_t heard = me.bell.load();
    const timespec most{0, 20'000'000};  // whoever should ring may have been killed before it could
    if (slowest() + overlap_ < mine) ::syscall(SYS_futex, &me.bell, FUTEX_WAIT, heard, &most, nullptr, 0);
    me.asleep.store(0);
  }
  void ring(unsigned worker) noexcept {
    Worker& other = next_[worker];
    if (other.asleep.load() == 0) return;
    other.bell.fetch_add(1);
    ::syscall(SYS_futex, &other.bell, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }

  struct alignas(64) Worker {
    std::atomic<std::uint64_t> position{0};
    std::atomic<std::uint32_t> bell{0};    // a futex; every ring changes it
    std::atomic<std::uint32_t> asleep{0};  // worth ringing
  };

  unsigned workers_;
  std::uint64_t overlap_;
  Worker next_[kMostProcesses];
};

}  // namespace carafe::replay
