// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/counter_table.h"
#include "carafe/stats.h"

namespace carafe::tool {

/// One number of Stats: its name in the struct, in JSON and on the screen, and what it means.
struct StatField {
  const char* name;
  std::uint64_t Stats::*member;
  const char* meaning;
};

/// The counters, from the one table that feeds the struct too: a counter added there shows up here by itself.
inline constexpr StatField kCounterFields[] = {{"gets", &Stats::gets, "hits + misses"},
#define CARAFE_X(name, meaning) {#name, &Stats::name, meaning},
                                               CARAFE_COUNTERS(CARAFE_X)
#undef CARAFE_X
};

enum class GaugeKind { kCount, kBytes, kDuration };

struct GaugeField {
  StatField field;
  GaugeKind kind;
};

inline constexpr GaugeField kGaugeFields[] = {
    {{"items", &Stats::items, "keys that have a value"}, GaugeKind::kCount},
    {{"bytes_used", &Stats::bytes_used, "bytes of the chunks that hold them"}, GaugeKind::kBytes},
    {{"capacity_bytes", &Stats::capacity_bytes, "bytes of the whole segment"}, GaugeKind::kBytes},
    {{"index_bytes", &Stats::index_bytes, "bytes of the index"}, GaugeKind::kBytes},
    {{"pages", &Stats::pages, "slab pages"}, GaugeKind::kCount},
    {{"pages_free", &Stats::pages_free, "of these, not yet given to a size class"}, GaugeKind::kCount},
    {{"workers", &Stats::workers, "processes attached now"}, GaugeKind::kCount},
    {{"uptime_ms", &Stats::uptime_ms, "time since creation"}, GaugeKind::kDuration},
};

}  // namespace carafe::tool
