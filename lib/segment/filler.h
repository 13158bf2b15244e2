// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

#include <string>
#include <vector>

#include "base/atomic.h"
#include "carafe/options.h"
#include "segment/mapping.h"

namespace carafe {

/// Fills this process's page tables for a mapping, and has small pages collected into huge ones, as Options say; by the caller or by a thread.
/// Changes no byte, takes no lock of ours, and may run beside any use of the segment.
///
/// Who may call: fill() any thread; the rest whoever makes the object. The mapping has to outlive it.
/// Fork:         a child has no thread, and its copy does not wait for one: `mark` is zero again there.
/// Cost:         2 MiB at a time: the destructor waits for one such step, milliseconds.
class Filler {
 public:
  /// `mark` is zero, and again in a forked child.
  Filler(const Mapping& mapping, Pages pages, Populate populate, Atomic<std::uint32_t>& mark) noexcept;
  ~Filler();
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

  /// Does what the options ask for, if anything: at once, or by a thread where they say so or `may_wait` is false.
  void begin(bool may_wait) noexcept;
  /// At once. Page tables are filled if `populate` says so, huge pages seen to in any case.
  void fill(bool populate) noexcept;
  /// What was asked for and refused, so far; `huge_bytes` of the mapping are on huge pages, whoever collected them.
  [[nodiscard]] std::vector<std::string> refused(std::size_t huge_bytes) const;

 private:
  /// By a thread of low demands: signals blocked but for faults of its own, a small stack.
  void start() noexcept;
  static void* run(void* self) noexcept;
  bool collect(std::byte* at, std::size_t bytes) noexcept;
  bool populate(std::byte* at, std::size_t bytes) noexcept;

  const Mapping& mapping_;
  const Pages pages_;
  const Populate populate_;
  Atomic<std::uint32_t>& mark_;
  pthread_t thread_{};
  Atomic<bool> stop_{false};
  Atomic<int> thread_error_{0};
  Atomic<int> collect_error_{0};  // errno of the last huge page that was refused
  Atomic<int> populate_error_{0};
};

}  // namespace carafe
