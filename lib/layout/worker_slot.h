// SPDX-License-Identifier: MIT
#pragma once

#include "base/counter_table.h"
#include "layout/shared_layout.h"

namespace carafe {

/// Counters of one worker, for some of its threads.
///
/// Shared:  written by the slot's tenant only (relaxed adds), read by all.
/// Crash:   a new tenant continues them, so sums over all slots are exact and never go back.
/// items, item_bytes: gauges {epoch 24, signed 40}: what the tenant added less what it removed, of the named epoch; of another
///          epoch they count as zero, which is how clear resets them in one store elsewhere. Bytes in units of 8.
struct alignas(kCacheLineBytes) CounterLane {
  Atomic<std::uint64_t> counters[kCounterCount];
  Atomic<std::uint64_t> items;
  Atomic<std::uint64_t> item_bytes;
};
static_assert(SharedLayout<CounterLane> && sizeof(CounterLane) == 4 * kCacheLineBytes);

inline constexpr std::size_t kCounterLanes = 2;

/// A slot of the worker table. The kernel's byte lock on the segment's file says who has it (workers/liveness.h).
///
///   byte 0             4    8             16                64
///        | incarnation | pid | attached_ms | reserved (zero)  | lanes ...
///
/// Writers: the tenant, after it has the byte lock; incarnation first, then used.
struct alignas(kCacheLineBytes) WorkerSlot {
  Atomic<std::uint32_t> incarnation;  // of the latest tenant; 0 = never used
  Atomic<std::uint32_t> pid;          // for people only
  Atomic<std::uint64_t> attached_ms;
  std::byte reserved[48];
  CounterLane lanes[kCounterLanes];
};
static_assert(SharedLayout<WorkerSlot> && sizeof(WorkerSlot) == (1 + 4 * kCounterLanes) * kCacheLineBytes);

}  // namespace carafe
