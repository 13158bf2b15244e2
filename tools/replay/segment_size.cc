// SPDX-License-Identifier: MIT
#include "segment_size.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "layout/limits.h"
#include "make_segment.h"
#include "payload.h"

namespace carafe::replay {
namespace {

constexpr int kTries = 12;
constexpr double kNearEnough = 0.003;
constexpr std::uint64_t kOverhead = 50;                                  // an item's, about: key, header, side word, index
constexpr std::uint64_t kComfortable = kMinCapacityBytes + (512 << 10);  // room to become smaller, with pages as small as they get
constexpr std::uint64_t kStep = 4096;                                    // finer makes no difference to a segment

std::uint64_t items_in(std::uint64_t capacity_bytes, std::uint64_t value_bytes, Eviction eviction) {
  Options options;
  options.capacity_bytes = capacity_bytes;
  options.eviction = eviction;
  Cache cache = make_segment(options);
  return fill_uniformly(cache, value_bytes);
}

/// Segments differ by a page or two, since their seeds spread keys differently over the index: the one in the middle of three.
std::uint64_t usual_items_in(std::uint64_t capacity_bytes, std::uint64_t value_bytes, Eviction eviction) {
  std::array<std::uint64_t, 3> held{};
  for (std::uint64_t& items : held) items = items_in(capacity_bytes, value_bytes, eviction);
  std::sort(held.begin(), held.end());
  return held[1];
}

double distance(std::uint64_t items, std::uint64_t wanted) {
  return std::fabs(static_cast<double>(items) / static_cast<double>(wanted) - 1);
}

std::uint64_t round_up(double bytes) {
  const auto steps = static_cast<std::uint64_t>(std::ceil(std::max(0.0, bytes) / static_cast<double>(kStep)));
  return std::clamp(steps * kStep, kMinCapacityBytes, kMaxCapacityBytes);
}

}  // namespace

std::uint64_t fill_uniformly(Cache& cache, std::uint64_t value_bytes) {
  Payload payload = Payload::uniform(value_bytes);
  const std::uint64_t first = std::uint64_t{1} << 63;  // no key of a trace
  std::uint64_t set = 0;
  std::uint64_t until = 64;
  while (set < until) {
    for (; set < until; ++set) (void)cache.set(payload.uniform_key(first + set), payload.value_of(first + set, value_bytes));
    until = 2 * cache.stats().items;
  }
  return cache.stats().items;
}

UniformSegment size_for_items(std::uint64_t items, std::uint64_t value_bytes, Eviction eviction) {
  UniformSegment best;
  const double wanted = static_cast<double>(items);
  double capacity = wanted * static_cast<double>(value_bytes + kOverhead);
  if (capacity < static_cast<double>(kComfortable)) {
    capacity = static_cast<double>(kComfortable);
    const double each = 0.93 * capacity / wanted;  // the rest is the tables at the front
    value_bytes = std::max(value_bytes, static_cast<std::uint64_t>(std::max(0.0, each - static_cast<double>(kOverhead))));
  }
  double low = 0;  // the largest capacity seen to hold too few, and the smallest seen to hold too many
  double high = 0;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t capacity_bytes = round_up(capacity);
    const std::uint64_t held = items_in(capacity_bytes, value_bytes, eviction);
    if (best.items == 0 || distance(held, items) < distance(best.items, items)) best = {capacity_bytes, value_bytes, held};
    if (distance(held, items) <= kNearEnough) break;
    const auto tried = static_cast<double>(capacity_bytes);
    if (held < items) {
      low = std::max(low, tried);
    } else {
      high = high == 0 ? tried : std::min(high, tried);
    }
    if (high != 0 && high <= static_cast<double>(kMinCapacityBytes)) {  // the smallest segment holds too many: larger values
      value_bytes = value_bytes * held / items + 8;
      low = high = 0;
      continue;
    }
    capacity = tried * wanted / static_cast<double>(std::max<std::uint64_t>(held, 1));
    if (low != 0 && high != 0) {
      if (high - low <= static_cast<double>(kStep)) break;
      if (capacity <= low || capacity >= high || i > 3) capacity = (low + high) / 2;
    }
  }
  best.items = usual_items_in(best.capacity_bytes, best.value_bytes, eviction);
  return best;
}

}  // namespace carafe::replay
