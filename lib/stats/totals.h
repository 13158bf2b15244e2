// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include "base/counter_table.h"
#include "carafe/stats.h"
#include "segment/view.h"

namespace carafe {

/// Sums over all worker slots.
struct Totals {
  std::array<std::uint64_t, kCounterCount> counters{};
  std::int64_t items = 0;
  std::int64_t item_bytes = 0;
  [[nodiscard]] std::uint64_t operator[](CounterId id) const noexcept { return counters[static_cast<std::size_t>(id)]; }
};

/// Adds up the slots ever used. Loads only.
[[nodiscard]] Totals sum_workers(const View& view) noexcept;

/// Puts counters, gauges and windows into `stats`. Loads only, except that with `may_write` the gauges are counted anew after a death
/// within a critical section (once; a few hundred microseconds a GiB).
void fill_stats(const View& view, bool may_write, Stats& stats) noexcept;

/// Takes whatever samples are due. Called now and then by whoever works; of several, one takes a sample.
void take_samples(const View& view, std::uint64_t now_ms) noexcept;

}  // namespace carafe
