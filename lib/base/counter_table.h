// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

/// The one table of counters: name, and what it means. It feeds the enum below, the worker's lines in the segment, Stats,
/// the inspector and docs/counters. Order is layout: append only, with a new layout version.
///
/// X(name, meaning)
#define CARAFE_COUNTERS(X)                                                             \
  X(hits, "gets that returned a value")                                                \
  X(misses, "gets that did not")                                                       \
  X(sets, "values stored")                                                             \
  X(erases, "keys removed on request")                                                 \
  X(evictions, "live items pushed out for room")                                       \
  X(conflict_evictions, "evictions because both buckets of a key were full")           \
  X(expirations, "items collected after their time to live")                           \
  X(invalidations, "items collected after a clear or another invalidation")            \
  X(clears, "times the segment was cleared")                                           \
  X(lock_waits, "times a writer slept for a stripe")                                   \
  X(busy, "operations given up because a lock holder is alive but slow")               \
  X(recoveries, "locks taken over from dead workers")                                  \
  X(reclaimed_chunks, "chunks taken back from dead workers")                           \
  X(reader_retries, "reads repeated because a writer was faster")                      \
  X(reader_contended, "reads given up as a miss after all retries")                    \
  X(too_large, "values refused because they exceed a quarter of the capacity")         \
  X(no_space, "values refused because nothing could be evicted in time")               \
  X(corruptions, "shared bytes that made no sense")                                    \
  X(pages_moved, "slab pages that changed their class")                                \
  X(index_rebuilds, "tables of the index grown, shrunk or restarted")                  \
  X(registrations, "workers that attached")                                            \
  X(cannot_reopen, "attempts to follow a removed segment that this user may not make") \
  X(loads, "leases given: values that one caller computed for all")                    \
  X(load_waits, "times a caller waited for another one's load")                        \
  X(load_take_overs, "leases taken over from dead workers")                            \
  X(lone_loads, "values computed without a lease, which was not to be had in time")    \
  X(stale_fills, "fills refused since the key was changed or invalidated meanwhile")   \
  X(stale_hits, "of the hits: values past their time, while a new one was computed")   \
  X(none_hits, "of the hits: that there is no value, as an answer")                    \
  X(failed_loads, "loaders that threw")

namespace carafe {

enum class CounterId : std::size_t {
#define CARAFE_X(name, meaning) k_##name,
  CARAFE_COUNTERS(CARAFE_X)
#undef CARAFE_X
      kCount
};

inline constexpr std::size_t kCounterCount = static_cast<std::size_t>(CounterId::kCount);

struct CounterRow {
  const char* name;
  const char* meaning;
};

inline constexpr CounterRow kCounterRows[] = {
#define CARAFE_X(name, meaning) {#name, meaning},
    CARAFE_COUNTERS(CARAFE_X)
#undef CARAFE_X
};

}  // namespace carafe
