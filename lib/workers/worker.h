// SPDX-License-Identifier: MIT
#pragma once

#include "base/count_up.h"
#include "layout/worker_slot.h"
#include "segment/view.h"
#include "workers/liveness.h"

namespace carafe {

/// Who is doing the present operation: handed down by value of reference to everything that locks, claims or counts. Lives on
/// the stack of one operation, so it never outlives a fork.
struct Worker {
  const View& view;
  const Liveness& liveness;
  WorkerId id;
  std::uint64_t word = 0;       // the same as a lock word
  CounterLane* lane = nullptr;  // own counters; none: not registered, counts nothing

  void count(CounterId what, std::uint64_t by = 1) const noexcept {
    if (lane != nullptr) count_up(lane->counters[static_cast<std::size_t>(what)], by);
  }
};

}  // namespace carafe
