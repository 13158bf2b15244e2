// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>

#include "segment/segment_file.h"
#include "slab/free_hints.h"
#include "slab/slabs.h"
#include "workers/liveness.h"
#include "workers/worker.h"
#include "workers/worker_registry.h"

namespace carafe {

/// One segment as this process has it open: everything the verbs work on. Shared by all threads; all that changes in it is atomic.
struct Engine {
  Engine(Segment opened, std::uint64_t lock_wait)
      : segment(std::move(opened)),
        view(segment.view),
        classes(view.geometry().page_bytes),
        slabs(view, classes, hints),
        liveness(segment),
        registry(segment.read_only ? nullptr : std::make_unique<WorkerRegistry>(segment)),
        seed(view.header().seed),
        lock_wait_ns(lock_wait) {}
  ~Engine() {
    // closefrom(3) may have closed our descriptor, and somebody else's have its number by now.
    if (!is_same_file(segment.fd.get(), segment)) segment.fd.release();
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Segment segment;
  const View view;
  const SizeClasses classes;
  FreeHints hints;
  const Slabs slabs;
  const Liveness liveness;
  const std::unique_ptr<WorkerRegistry> registry;
  const std::uint64_t seed;
  const std::uint64_t lock_wait_ns;

  /// Who we are, for one operation; without a slot it has no counters and no lock word (then nothing may be written).
  [[nodiscard]] Worker worker() const noexcept {
    Worker me{view, liveness, {}, 0, nullptr};
    if (registry != nullptr && (me.word = registry->ensure()) != 0) {
      me.id = LockWord::owner(me.word);
      me.lane = &view.worker(me.id.slot).lanes[thread_lane()];
    }
    return me;
  }
  [[nodiscard]] std::uint32_t epoch() const noexcept { return view.header().epoch.load(kAcquire); }
  [[nodiscard]] bool retired() const noexcept { return view.header().retired.load(kAcquire) != 0; }
  [[nodiscard]] std::uint64_t largest_value_bytes() const noexcept { return view.geometry().capacity_bytes / kValueDivisor; }
};

}  // namespace carafe
