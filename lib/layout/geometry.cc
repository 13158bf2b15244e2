// SPDX-License-Identifier: MIT
#include "layout/geometry.h"

#include <algorithm>
#include <bit>

#include "layout/duel_state.h"
#include "layout/named_slot.h"
#include "layout/namespace_record.h"
#include "layout/slab_page.h"
#include "layout/stripe.h"
#include "layout/worker_slot.h"

namespace carafe {
namespace {

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t to) noexcept { return (value + to - 1) / to * to; }

}  // namespace

std::uint64_t default_worker_count(std::uint64_t capacity_bytes) noexcept {
  return std::clamp<std::uint64_t>(std::bit_floor(capacity_bytes >> 16), 64, 1024);
}

Geometry compute_geometry(std::uint64_t capacity_bytes, std::uint64_t worker_count, std::uint64_t namespace_count, bool duel) noexcept {
  if (namespace_count == 0) namespace_count = std::clamp<std::uint64_t>(std::bit_floor(capacity_bytes >> 17), kMinNamespaces, 4096);
  Geometry g{};
  g.capacity_bytes = capacity_bytes;
  g.page_bytes = std::clamp(std::bit_floor(capacity_bytes / kPagesWanted), kMinPageBytes, kMaxPageBytes);
  // A table fills a page at most: where pages are smallest, that is enough for 40 KiB of the smallest items.
  const std::uint64_t bytes_per_stripe = g.page_bytes == kMinPageBytes ? kBytesPerSmallStripe : kBytesPerStripe;
  g.stripe_count = std::clamp<std::uint64_t>(std::bit_ceil(capacity_bytes / bytes_per_stripe), kMinStripes, kMaxStripes);
  g.worker_count = worker_count;

  std::uint64_t at = align_up(sizeof(SegmentHeader), 4096);
  const auto place = [&at](std::uint64_t bytes) {
    const std::uint64_t here = at;
    at = align_up(at + bytes, kCacheLineBytes);
    return here;
  };
  g.workers_at = place(worker_count * sizeof(WorkerSlot));
  g.namespace_count = namespace_count;
  g.namespaces_at = place(namespace_count * sizeof(NamespaceRecord));
  g.namespace_lane_count = 2 * namespace_count;
  g.namespace_lanes_at = place(g.namespace_lane_count * sizeof(NamespaceLane));
  g.tag_count = std::clamp<std::uint64_t>(std::bit_floor(capacity_bytes >> 13), 128, 1 << 16);
  g.tags_at = place(g.tag_count * sizeof(std::uint64_t));
  g.named_count = std::clamp<std::uint64_t>(std::bit_floor(capacity_bytes >> 18), 16, 1024);
  g.named_at = place(g.named_count * sizeof(NamedSlot));
  g.stripes_at = place(g.stripe_count * sizeof(Stripe));
  g.directory_at = place(g.stripe_count * sizeof(std::uint64_t));
  g.classes_at = place(kMaxClasses * sizeof(ClassState));
  g.duel_at = place(duel ? sizeof(DuelState) : kCacheLineBytes * 2);
  // Five ghosts a word, 1.1 a chunk where items take 110 bytes and more, all counted; an eighth as many counters in each row of the sketch.
  g.ghost_words = duel ? capacity_bytes / 512 : 0;
  g.ghosts_at = place(g.ghost_words * sizeof(std::uint64_t));
  g.sketch_words = duel ? align_up(capacity_bytes / 4864 + 1, 8) : 0;
  g.sketch_at = place(g.sketch_words * sizeof(std::uint64_t));
  const std::uint64_t per_page = g.page_bytes + sizeof(PageInfo) + sizeof(std::uint32_t);
  g.page_count = at + 8192 < capacity_bytes ? (capacity_bytes - at - 8192) / per_page : 0;
  g.page_infos_at = place(g.page_count * sizeof(PageInfo));
  g.page_classes_at = place(g.page_count * sizeof(std::uint32_t));
  g.pages_at = align_up(at, 4096);
  return g;
}

}  // namespace carafe
