// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "layout/lock_word.h"
#include "segment/segment_file.h"

namespace carafe {

/// This process's place in a segment's worker table.
///
/// The identity lies in a page that the kernel wipes in a forked child (MADV_WIPEONFORK), so that a child, even of a raw clone,
/// finds none and takes a slot of its own at its first operation. A child of a privileged parent takes it at once, in an atfork
/// handler: it may be about to drop the right to open the segment's file, or to lock itself into a chroot.
///
/// Who may call: any thread; `ensure` right after fork too. Bounded: it tries once, then again a second later.
class WorkerRegistry {
 public:
  /// Throws Error when the identity page cannot be mapped.
  explicit WorkerRegistry(const Segment& segment);
  ~WorkerRegistry();
  WorkerRegistry(const WorkerRegistry&) = delete;
  WorkerRegistry& operator=(const WorkerRegistry&) = delete;

  /// The identity as a lock word, or 0: none (yet). One load.
  [[nodiscard]] std::uint64_t word() const noexcept { return identity_->word.load(kAcquire); }
  /// As word(), after trying to get one.
  [[nodiscard]] std::uint64_t ensure() noexcept {
    const std::uint64_t word = identity_->word.load(kAcquire);
    return word != 0 ? word : take_slot();
  }
  /// Flags for the owner's use that are zero again in a forked child: a thread follows the name, a thread fills page tables.
  [[nodiscard]] Atomic<std::uint32_t>& following() const noexcept { return identity_->following; }
  [[nodiscard]] Atomic<std::uint32_t>& filling() const noexcept { return identity_->filling; }
  /// Why there is none: 0 = all slots taken, else an errno.
  [[nodiscard]] int error() const noexcept { return identity_->error; }

 private:
  struct Identity {
    Atomic<std::uint64_t> word;
    Atomic<std::uint32_t> state;  // 0 idle, 1 a thread is taking a slot
    int error;
    Atomic<std::uint32_t> following;
    Atomic<std::uint32_t> filling;
    Atomic<std::uint64_t> retry_at_ms;
    void* token;
  };

  std::uint64_t take_slot() noexcept;
  void register_in_child() noexcept;
  static void after_fork_in_child() noexcept;

  const Segment& segment_;
  Identity* identity_ = nullptr;
};

/// Which of a worker's counter lanes the calling thread uses; ~0: it has none yet. In this model of thread-local storage it is one load in a
/// shared library too.
extern __attribute__((tls_model("initial-exec"))) constinit thread_local std::uint32_t own_lane;
std::uint32_t take_lane() noexcept;
[[nodiscard]] inline std::uint32_t thread_lane() noexcept {
  const std::uint32_t lane = own_lane;
  return lane != ~0U ? lane : take_lane();
}

}  // namespace carafe
