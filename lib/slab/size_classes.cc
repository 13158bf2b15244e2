// SPDX-License-Identifier: MIT
#include "slab/size_classes.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace carafe {
namespace {

constexpr double kStep = 1.0905077326652577;      // 2^(1/8): eight a doubling
constexpr double kIndexStep = 1.122462048309373;  // 2^(1/6)

std::uint32_t align_up(std::uint32_t value, std::uint32_t to) { return (value + to - 1) / to * to; }

ClassShape cut(std::uint32_t chunk_bytes, std::uint32_t chunks, bool is_index) {
  ClassShape shape;
  shape.chunk_bytes = chunk_bytes;
  shape.chunks = chunks;
  shape.bitmap_at = chunks * 8;
  shape.probation_at = shape.bitmap_at + shape.bitmap_words() * 8;
  shape.chunks_at = align_up(shape.probation_at + (is_index ? 0 : 2 * shape.bitmap_words() * 8), kCacheLineBytes);
  shape.is_index = is_index;
  return shape;
}

bool fits(const ClassShape& shape, std::uint64_t page_bytes) {
  return shape.chunks_at + std::uint64_t{shape.chunk_bytes} * shape.chunks <= page_bytes;
}

/// As many chunks of at least `chunk_bytes` as the page holds, then as large as that many may be.
ClassShape best_cut(std::uint32_t chunk_bytes, std::uint64_t page_bytes, std::uint32_t align, bool is_index) {
  auto chunks = static_cast<std::uint32_t>(page_bytes / (chunk_bytes + 8));
  while (chunks > 0 && !fits(cut(chunk_bytes, chunks, is_index), page_bytes)) --chunks;
  if (chunks == 0) return {};
  ClassShape shape = cut(chunk_bytes, chunks, is_index);
  const auto room = static_cast<std::uint32_t>(page_bytes - shape.chunks_at);
  shape.chunk_bytes = room / chunks / align * align;
  return shape;
}

}  // namespace

SizeClasses::SizeClasses(std::uint64_t page_bytes) {
  // The largest chunk is an eighth of a page, but always holds the longest key.
  const auto fewest = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(page_bytes / kMinPageBytes, 1, 8));
  for (double wanted = kMinChunkBytes;; wanted *= kStep) {
    const ClassShape shape = best_cut(align_up(static_cast<std::uint32_t>(wanted), 8), page_bytes, 8, false);
    if (shape.chunks < fewest) break;
    if (shapes_.empty() || shape.chunk_bytes > shapes_.back().chunk_bytes) shapes_.push_back(shape);
  }
  if (shapes_.back().chunks > fewest) {  // the ladder may have stepped over it
    ClassShape last = cut(8, fewest, false);
    last.chunk_bytes = static_cast<std::uint32_t>(page_bytes - last.chunks_at) / fewest / 8 * 8;
    shapes_.push_back(last);
  }
  item_count_ = count();

  std::uint32_t buckets = 1;
  while (buckets <= kMaxTableBuckets) {
    const auto bytes = static_cast<std::uint32_t>(buckets * kCacheLineBytes);
    // Exactly these: a table's size is its class, and small steps keep the index as full as it should be.
    auto chunks = static_cast<std::uint32_t>(page_bytes / (bytes + 8));
    while (chunks > 0 && !fits(cut(bytes, chunks, true), page_bytes)) --chunks;
    if (chunks == 0) break;
    shapes_.push_back(cut(bytes, chunks, true));
    buckets = std::max(buckets + 1, static_cast<std::uint32_t>(std::lround(buckets * kIndexStep)));
  }
  CARAFE_ASSERT(count() <= kMaxClasses);

  std::uint32_t size_class = 0;
  for (std::size_t i = 0; i <= kDirect; ++i) {
    while (size_class + 1 < item_count_ && shapes_[size_class].chunk_bytes < i * 8) ++size_class;
    direct_[i] = static_cast<std::uint8_t>(size_class);
  }
}

std::uint32_t SizeClasses::item_class(std::uint64_t bytes) const noexcept {
  if (bytes <= kDirect * 8) {
    const std::uint32_t found = direct_[(bytes + 7) / 8];
    return shapes_[found].chunk_bytes >= bytes ? found : kNoClass;
  }
  const auto end = shapes_.begin() + item_count_;
  const auto found = std::lower_bound(shapes_.begin(), end, bytes,
                                      [](const ClassShape& shape, std::uint64_t wanted) { return shape.chunk_bytes < wanted; });
  return found == end ? kNoClass : static_cast<std::uint32_t>(found - shapes_.begin());
}

std::uint32_t SizeClasses::index_class(std::uint32_t buckets) const noexcept {
  const auto begin = shapes_.begin() + item_count_;
  const auto found = std::lower_bound(begin, shapes_.end(), buckets * kCacheLineBytes,
                                      [](const ClassShape& shape, std::uint64_t wanted) { return shape.chunk_bytes < wanted; });
  return found == shapes_.end() ? kNoClass : static_cast<std::uint32_t>(found - shapes_.begin());
}

}  // namespace carafe
