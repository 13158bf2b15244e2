// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <thread>
#include <vector>

#include "support/child.h"

namespace carafe::test::storm {

inline constexpr std::uint64_t kMillisecond = 1'000'000;

inline std::uint64_t now_in_ns() noexcept {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

/// The clock that expiry goes by: it stands still between the kernel's ticks, and longer where the machine stalls.
inline std::uint64_t coarse_now_in_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

inline void raise_to(std::atomic<std::uint64_t>& maximum, std::uint64_t value) noexcept {
  std::uint64_t old = maximum.load();
  while (old < value && !maximum.compare_exchange_weak(old, value)) {
  }
}

/// Time that a thread was ready to run and had no processor, as the kernel counts it. 0 where it does not tell.
inline std::uint64_t run_delay_of(const char* path) noexcept {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[128] = {};
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  unsigned long long on_cpu = 0;
  unsigned long long waiting = 0;
  return got > 0 && std::sscanf(text, "%llu %llu", &on_cpu, &waiting) == 2 ? waiting : 0;
}

/// When somebody who has nothing to do with carafe, and only wants to sleep a millisecond, overslept: what this machine does to anybody.
/// Lies in memory shared with a control process, which has one thread on each of the first processors.
class Stalls {
 public:
  /// The control process; ends with the object.
  [[nodiscard]] Child start() {
    return Child::fork([this] {
      std::vector<std::thread> threads;
      const std::size_t count = std::min<std::size_t>(kCpus, std::max(1U, std::thread::hardware_concurrency()));
      for (std::size_t cpu = 0; cpu < count; ++cpu) threads.emplace_back([this, cpu] { watch(cpu); });
      for (std::thread& thread : threads) thread.join();
      return 0;
    });
  }

  [[nodiscard]] std::uint64_t longest_ns() const noexcept { return longest_ns_.load(); }
  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t all = 0;
    for (const Log& log : logs_) all += log.count.load();
    return all;
  }

  /// How much of that time some processor stalled: of the one that did so most.
  [[nodiscard]] std::uint64_t within(std::uint64_t begin_ns, std::uint64_t end_ns) const noexcept {
    std::uint64_t most = 0;
    for (const Log& log : logs_) {
      std::uint64_t sum = 0;
      const std::uint64_t count = log.count.load();
      for (std::uint64_t i = count - std::min<std::uint64_t>(count, kRemembered); i < count; ++i) {
        const Stall& stall = log.stalls[i % kRemembered];
        const std::uint64_t from = std::max(stall.begin_ns.load(), begin_ns);
        const std::uint64_t to = std::min(stall.end_ns.load(), end_ns);
        if (from < to) sum += to - from;
      }
      most = std::max(most, sum);
    }
    return std::min(most, end_ns - begin_ns);
  }

 private:
  static constexpr std::size_t kCpus = 4;
  static constexpr std::uint64_t kRemembered = 512;
  static constexpr std::uint64_t kWorthNoting = 2 * kMillisecond;

  struct Stall {
    std::atomic<std::uint64_t> begin_ns, end_ns;
  };
  struct Log {
    std::atomic<std::uint64_t> count;
    Stall stalls[kRemembered];
  };

  void watch(std::size_t cpu) noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ::sched_setaffinity(0, sizeof set, &set);  // where that is forbidden, two of them anywhere do as well
    Log& log = logs_[cpu];
    for (;;) {
      const std::uint64_t due_ns = now_in_ns() + kMillisecond;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const std::uint64_t woke_ns = now_in_ns();
      if (woke_ns < due_ns + kWorthNoting) continue;
      Stall& stall = log.stalls[log.count.load() % kRemembered];
      stall.begin_ns.store(due_ns);
      stall.end_ns.store(woke_ns);
      log.count.fetch_add(1);
      raise_to(longest_ns_, woke_ns - due_ns);
    }
  }

  std::atomic<std::uint64_t> longest_ns_;
  Log logs_[kCpus];
};

}  // namespace carafe::test::storm
