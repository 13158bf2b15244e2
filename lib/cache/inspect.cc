// SPDX-License-Identifier: MIT
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "base/time.h"
#include "cache/handle.h"
#include "cache/verify.h"
#include "carafe/cache.h"
#include "evict/clock_hand.h"
#include "segment/memory_report.h"
#include "stats/totals.h"

/// The looking functions of Cache. Loads only (stats may put a gauge right after a crash); no lock, no waiting.
namespace carafe {
inline namespace v0 {
namespace {

std::uint64_t count_live_workers(const Engine& engine) noexcept {
  const View& view = engine.view;
  const std::uint64_t used = std::min<std::uint64_t>(view.header().slots_used.load(kAcquire), view.geometry().worker_count);
  std::uint64_t live = 0;
  for (std::uint32_t slot = 0; slot < used; ++slot) live += engine.liveness.is_byte_free(slot) ? 0 : 1;
  return live;
}

}  // namespace

Stats Cache::stats() const {
  const Engine& engine = handle_->engine();
  Stats stats;
  fill_stats(engine.view, !engine.segment.read_only, stats);
  stats.workers = count_live_workers(engine);
  for (std::uint32_t i = engine.classes.item_count(); i < engine.classes.count(); ++i)
    stats.index_bytes += std::uint64_t{engine.view.size_class(i).page_count.load(kRelaxed)} * engine.view.geometry().page_bytes;
  return stats;
}

EvictionStats Cache::eviction() const {
  const Engine& engine = handle_->engine();
  const DuelState& state = engine.view.duel();
  EvictionStats stats;
  stats.mode = engine.duel.mode().name;
  if (!engine.duel.is_on()) return stats;
  for (std::uint32_t i = 0; i < kModes; ++i) stats.contenders.push_back({kModeTable[i].name, engine.duel.shadow_hit_ratio(i)});
  stats.sampled_one_in = std::uint64_t{engine.view.header().sample_mask.load(kRelaxed)} + 1;
  if (stats.sampled_one_in > std::uint64_t{1} << kTagBits) stats.sampled_one_in = 0;
  stats.switches = state.switches.load(kRelaxed);
  stats.ghost_hits = state.ghost_hits.load(kRelaxed);
  return stats;
}

std::vector<SlabStats> Cache::slabs() const {
  const Engine& engine = handle_->engine();
  const std::uint64_t now = now_ms();
  std::vector<SlabStats> classes(engine.classes.count());
  for (std::uint32_t i = 0; i < classes.size(); ++i) {
    const ClassState& state = engine.view.size_class(i);
    const ClassShape& shape = engine.classes.shape(i);
    classes[i].size_class = i;
    classes[i].chunk_bytes = shape.chunk_bytes;
    classes[i].is_index = shape.is_index;
    classes[i].evictions = state.evictions.load(kRelaxed);
    classes[i].moved_in = state.moved_in.load(kRelaxed);
    classes[i].moved_out = state.moved_out.load(kRelaxed);
    classes[i].ghost_hits = state.ghost_hits.load(kRelaxed);
    classes[i].probation = state.probation.load(kRelaxed);
    classes[i].age_ms = state.turn_ms.load(kRelaxed) == 0 ? 0 : ClockHand(engine.view, i).age_ms(now);
  }
  for (std::uint32_t page = 0; page < engine.view.geometry().page_count; ++page) {
    const std::uint32_t size_class = engine.slabs.page_class(page);
    if (size_class == kNoClass) continue;
    SlabStats& stats = classes[size_class];
    ++stats.pages;
    for (std::uint32_t i = 0; i < engine.classes.shape(size_class).chunks; ++i) {
      ++stats.chunks;
      const SideWord::State state = SideWord::state(engine.slabs.side(page, i).load(kRelaxed));
      stats.free += state == SideWord::kFree ? 1 : 0;
      stats.claimed += state == SideWord::kClaimed ? 1 : 0;
      stats.used += state == SideWord::kLinked || state == SideWord::kPart ? 1 : 0;
    }
  }
  return classes;
}

std::vector<WorkerStats> Cache::workers() const {
  const Engine& engine = handle_->engine();
  const View& view = engine.view;
  const std::uint64_t now = now_ms();
  const std::uint64_t used = std::min<std::uint64_t>(view.header().slots_used.load(kAcquire), view.geometry().worker_count);
  std::vector<WorkerStats> workers;
  for (std::uint32_t slot = 0; slot < used; ++slot) {
    const WorkerSlot& from = view.worker(slot);
    WorkerStats worker;
    worker.slot = slot;
    worker.incarnation = from.incarnation.load(kAcquire);
    worker.pid = from.pid.load(kRelaxed);
    const std::uint64_t attached = from.attached_ms.load(kRelaxed);
    worker.attached_ms_ago = now - std::min(now, attached);
    worker.alive = !engine.liveness.is_byte_free(slot);
    for (const CounterLane& lane : from.lanes) {
      const auto of = [&lane](CounterId id) { return lane.counters[static_cast<std::size_t>(id)].load(kRelaxed); };
      worker.hits += of(CounterId::k_hits);
      worker.gets += of(CounterId::k_hits) + of(CounterId::k_misses);
      worker.sets += of(CounterId::k_sets);
    }
    workers.push_back(worker);
  }
  return workers;
}

SegmentInfo Cache::info() const {
  const Engine& engine = handle_->engine();
  const SegmentHeader& header = engine.view.header();
  const Geometry& geometry = engine.view.geometry();
  SegmentInfo info;
  info.name = engine.segment.name;
  info.capacity_bytes = geometry.capacity_bytes;
  info.layout_version = header.layout_version;
  info.page_bytes = geometry.page_bytes;
  info.pages = geometry.page_count;
  info.stripes = geometry.stripe_count;
  info.max_workers = static_cast<std::uint32_t>(geometry.worker_count);
  info.max_namespaces = static_cast<std::uint32_t>(geometry.namespace_count);
  info.largest_value_bytes = engine.largest_value_bytes();
  info.epoch = header.epoch.load(kRelaxed) - 1;
  info.created_unix_seconds = header.created_unix_seconds;
  info.retired = engine.retired();
  struct stat found {};
  if (is_same_file(engine.segment.fd.get(), engine.segment) && ::fstat(engine.segment.fd.get(), &found) == 0) {
    info.owner_uid = found.st_uid;
    info.owner_gid = found.st_gid;
    info.mode = found.st_mode & 07777;
  }
  return info;
}

MemoryStats Cache::memory() const {
  const Engine& engine = handle_->engine();
  MemoryStats stats = report_memory(engine.segment);
  if (engine.filler != nullptr)
    for (std::string& reason : engine.filler->refused(stats.huge_bytes)) stats.refused.push_back(std::move(reason));
  return stats;
}

VerifyReport Cache::verify() const { return verify_segment(handle_->engine()); }

}  // namespace v0
}  // namespace carafe
