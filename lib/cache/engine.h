// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>

#include "evict/duel.h"
#include "segment/filler.h"
#include "segment/segment_file.h"
#include "slab/free_hints.h"
#include "slab/slabs.h"
#include "workers/liveness.h"
#include "workers/worker.h"
#include "workers/worker_registry.h"

namespace carafe {

/// One segment as this process has it open: everything the verbs work on. Shared by all threads; all that changes in it is atomic.
struct Engine {
  Engine(Segment opened, std::uint64_t lock_wait, const Options& options = {})
      : segment(std::move(opened)),
        view(segment.view),
        classes(view.geometry().page_bytes),
        slabs(view, classes, hints),
        duel(view),
        liveness(segment),
        registry(segment.read_only ? nullptr : std::make_unique<WorkerRegistry>(segment)),
        seed(view.header().seed),
        lock_wait_ns(lock_wait),
        filler(registry == nullptr ? nullptr
                                   : std::make_unique<Filler>(segment.mapping, options.pages, options.populate, registry->filling())) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Segment segment;
  const View view;
  const SizeClasses classes;
  FreeHints hints;
  const Slabs slabs;
  const Duel duel;
  const Liveness liveness;
  const std::unique_ptr<WorkerRegistry> registry;
  const std::uint64_t seed;
  const std::uint64_t lock_wait_ns;
  const std::uint64_t serial = next_serial();  // tells this process's engines apart; 24 bits, never 0
  // Where this process goes on looking for what deaths have left behind, and when.
  mutable Atomic<std::uint32_t> index_cursor{0};
  mutable Atomic<std::uint64_t> next_recount_ms{0};
  mutable Atomic<bool> orphaned{false};  // as `retired`, for a reader who may not write that down
  const std::unique_ptr<Filler> filler;  // none of a reader; last, since it uses what is above

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
  [[nodiscard]] bool retired() const noexcept { return view.header().retired.load(kAcquire) != 0 || orphaned.load(kRelaxed); }
  [[nodiscard]] static std::uint64_t next_serial() noexcept {
    static Atomic<std::uint64_t> made{0};
    return made.fetch_add(1, kRelaxed) % 0xffffff + 1;
  }
  [[nodiscard]] std::uint64_t largest_value_bytes() const noexcept { return view.geometry().capacity_bytes / kValueDivisor; }
};

}  // namespace carafe
