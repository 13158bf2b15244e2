// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>
#include <system_error>

namespace shop {

inline constexpr std::size_t kMostWorkers = 64;

/// What master and workers tell one another. The master makes it before the first fork; pages shared with children.
struct Scoreboard {
  std::atomic<std::uint64_t> requests{0};                  ///< Answers to /product and /room, whatever they were.
  std::atomic<std::uint64_t> failures{0};                  ///< Of these: not 2xx.
  std::atomic<std::uint64_t> hits{0};                      ///< Of these: without a query of their own.
  std::atomic<std::uint64_t> queries{0};                   ///< Pages that the database was asked for.
  std::atomic<std::uint64_t> restarts{0};                  ///< Workers that died and were replaced.
  std::array<std::atomic<pid_t>, kMostWorkers> workers{};  ///< 0 = none.

  /// Never unmapped: it is needed until the process ends.
  static Scoreboard& make_shared() {
    void* pages = mmap(nullptr, sizeof(Scoreboard), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    return *new (pages) Scoreboard;
  }
};

}  // namespace shop
