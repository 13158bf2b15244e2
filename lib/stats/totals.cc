// SPDX-License-Identifier: MIT
#include "stats/totals.h"

#include <algorithm>

#include "base/time.h"
#include "stats/gauge.h"

namespace carafe {
namespace {

struct WindowShape {
  std::uint32_t seconds;
  std::uint32_t sample_ms;  // a little more than sixteen of them cover the window
};
constexpr WindowShape kShapes[kWindows] = {{10, 800}, {60, 4'500}, {600, 45'000}, {3600, 270'000}};

struct Sample {
  std::uint64_t time_ms = 0, hits = 0, misses = 0, sets = 0, evictions = 0;
};

/// The newest sample that is at least `span_ms` old, else the oldest one; false when there is none.
bool find_sample(const WindowRing& ring, std::uint64_t now, std::uint64_t span_ms, Sample& best) noexcept {
  bool found = false;
  for (const WindowSample& slot : ring.samples) {
    Sample sample;
    sample.time_ms = slot.time_ms.load(kAcquire);
    if (sample.time_ms == 0 || sample.time_ms > now) continue;
    sample.hits = slot.hits.load(kRelaxed);
    sample.misses = slot.misses.load(kRelaxed);
    sample.sets = slot.sets.load(kRelaxed);
    sample.evictions = slot.evictions.load(kRelaxed);
    atomic_fence(kAcquire);
    if (slot.time_ms.load(kRelaxed) != sample.time_ms) continue;
    const bool old_enough = now - sample.time_ms >= span_ms;
    const bool best_old_enough = found && now - best.time_ms >= span_ms;
    if (!found || (old_enough && (!best_old_enough || sample.time_ms > best.time_ms)) ||
        (!old_enough && !best_old_enough && sample.time_ms < best.time_ms))
      best = sample;
    found = true;
  }
  return found;
}

void fill_windows(const View& view, const Totals& totals, std::uint64_t now, Stats& stats) noexcept {
  const std::uint64_t created = view.header().created_ms;
  for (std::size_t i = 0; i < kWindows; ++i) {
    const std::uint64_t span = std::uint64_t{kShapes[i].seconds} * 1000;
    Sample base;
    base.time_ms = created;
    Sample sampled;
    if (now - std::min(now, created) > span && find_sample(view.header().windows[i], now, span, sampled)) base = sampled;
    const auto since = [](std::uint64_t total, std::uint64_t before) { return total - std::min(total, before); };
    WindowStats& window = stats.windows[i];
    window.seconds = kShapes[i].seconds;
    window.covered_seconds = static_cast<double>(now - std::min(now, base.time_ms)) / 1000.0;
    window.hits = since(totals[CounterId::k_hits], base.hits);
    window.misses = since(totals[CounterId::k_misses], base.misses);
    window.gets = window.hits + window.misses;
    window.sets = since(totals[CounterId::k_sets], base.sets);
    window.evictions = since(totals[CounterId::k_evictions], base.evictions);
  }
}

/// Items and bytes as the stripes have them.
void sum_stripes(const View& view, std::uint32_t epoch, std::int64_t& items, std::int64_t& bytes) noexcept {
  std::uint64_t all_items = 0;  // unsigned: the counts may be anything
  std::uint64_t all_bytes = 0;
  for (std::uint64_t i = 0; i < view.geometry().stripe_count; ++i) {
    const Stripe& stripe = view.stripe(i);
    if (stripe.table_epoch.load(kRelaxed) != epoch) continue;
    all_items += stripe.items.load(kRelaxed);
    all_bytes += stripe.item_bytes.load(kRelaxed);
  }
  items = static_cast<std::int64_t>(all_items);
  bytes = static_cast<std::int64_t>(all_bytes);
}

void fill_gauges(const View& view, const Totals& totals, bool may_write, Stats& stats) noexcept {
  SegmentHeader& header = view.header();
  const std::uint32_t epoch = header.epoch.load(kAcquire);
  std::int64_t items = totals.items + Gauge::value_in(header.items_correction.load(kRelaxed), epoch);
  std::int64_t bytes = (totals.item_bytes + Gauge::value_in(header.bytes_correction.load(kRelaxed), epoch)) * 8;
  const std::uint64_t recoveries = totals[CounterId::k_recoveries];
  if (header.resynced_recoveries.load(kRelaxed) != recoveries) {
    // Somebody died between changing a stripe and counting it; whoever took the stripe over has counted it again.
    sum_stripes(view, epoch, items, bytes);
    const Totals again = sum_workers(view);
    if (may_write && again.counters == totals.counters && again.items == totals.items &&
        again.item_bytes == totals.item_bytes) {  // at rest
      header.items_correction.store(Gauge::make(epoch, items - totals.items), kRelaxed);
      header.bytes_correction.store(Gauge::make(epoch, bytes / 8 - totals.item_bytes), kRelaxed);
      header.resynced_recoveries.store(recoveries, kRelaxed);
    }
  }
  stats.items = static_cast<std::uint64_t>(std::max<std::int64_t>(0, items));
  stats.bytes_used = static_cast<std::uint64_t>(std::max<std::int64_t>(0, bytes));
}

}  // namespace

Totals sum_workers(const View& view) noexcept {
  Totals totals;
  const std::uint32_t epoch = view.header().epoch.load(kAcquire);
  const std::uint64_t used = std::min<std::uint64_t>(view.header().slots_used.load(kAcquire), view.geometry().worker_count);
  for (std::uint64_t slot = 0; slot < used; ++slot)
    for (const CounterLane& lane : view.worker(slot).lanes) {
      for (std::size_t i = 0; i < kCounterCount; ++i) totals.counters[i] += lane.counters[i].load(kRelaxed);
      totals.items += Gauge::value_in(lane.items.load(kRelaxed), epoch);
      totals.item_bytes += Gauge::value_in(lane.item_bytes.load(kRelaxed), epoch);
    }
  return totals;
}

void fill_stats(const View& view, bool may_write, Stats& stats) noexcept {
  const Totals totals = sum_workers(view);
  stats.hits = totals[CounterId::k_hits];
  stats.misses = totals[CounterId::k_misses];
  stats.gets = stats.hits + stats.misses;
  stats.sets = totals[CounterId::k_sets];
  stats.erases = totals[CounterId::k_erases];
  stats.evictions = totals[CounterId::k_evictions];
  stats.conflict_evictions = totals[CounterId::k_conflict_evictions];
  stats.expirations = totals[CounterId::k_expirations];
  stats.invalidations = totals[CounterId::k_invalidations];
  stats.clears = totals[CounterId::k_clears];
  stats.lock_waits = totals[CounterId::k_lock_waits];
  stats.busy = totals[CounterId::k_busy];
  stats.recoveries = totals[CounterId::k_recoveries];
  stats.reclaimed_chunks = totals[CounterId::k_reclaimed_chunks];
  stats.reader_retries = totals[CounterId::k_reader_retries];
  stats.reader_contended = totals[CounterId::k_reader_contended];
  stats.too_large = totals[CounterId::k_too_large];
  stats.no_space = totals[CounterId::k_no_space];
  stats.corruptions = totals[CounterId::k_corruptions];
  stats.pages_moved = totals[CounterId::k_pages_moved];
  stats.index_rebuilds = totals[CounterId::k_index_rebuilds];
  stats.registrations = totals[CounterId::k_registrations];
  stats.cannot_reopen = totals[CounterId::k_cannot_reopen];
  stats.loads = totals[CounterId::k_loads];
  stats.load_waits = totals[CounterId::k_load_waits];
  stats.load_take_overs = totals[CounterId::k_load_take_overs];
  stats.lone_loads = totals[CounterId::k_lone_loads];
  stats.stale_fills = totals[CounterId::k_stale_fills];
  stats.stale_hits = totals[CounterId::k_stale_hits];
  stats.none_hits = totals[CounterId::k_none_hits];
  stats.failed_loads = totals[CounterId::k_failed_loads];
  fill_gauges(view, totals, may_write, stats);
  const std::uint64_t now = now_ms();
  fill_windows(view, totals, now, stats);
  const SegmentHeader& header = view.header();
  stats.capacity_bytes = view.geometry().capacity_bytes;
  stats.pages = view.geometry().page_count;
  stats.pages_free = std::min(stats.pages, header.free_pages.load(kRelaxed));
  stats.uptime_ms = now - std::min(now, header.created_ms);
  stats.retired = header.retired.load(kRelaxed) != 0;
}

void take_samples(const View& view, std::uint64_t now) noexcept {
  Totals totals;
  bool summed = false;
  for (std::size_t i = 0; i < kWindows; ++i) {
    WindowRing& ring = view.header().windows[i];
    std::uint64_t due = ring.next_ms.load(kRelaxed);
    if (now < due && due - now <= kShapes[i].sample_ms) continue;  // the second half: a clock of another kind never blocks us
    if (!ring.next_ms.compare_exchange_strong(due, now + kShapes[i].sample_ms, kRelaxed)) continue;
    if (!summed) totals = sum_workers(view);
    summed = true;
    WindowSample& slot = ring.samples[ring.position.fetch_add(1, kRelaxed) % kSamplesPerWindow];
    slot.time_ms.store(0, kRelaxed);
    atomic_fence(kRelease);
    slot.hits.store(totals[CounterId::k_hits], kRelaxed);
    slot.misses.store(totals[CounterId::k_misses], kRelaxed);
    slot.sets.store(totals[CounterId::k_sets], kRelaxed);
    slot.evictions.store(totals[CounterId::k_evictions], kRelaxed);
    slot.time_ms.store(now, kRelease);
  }
}

}  // namespace carafe
