// SPDX-License-Identifier: MIT
#include "model/weak/places.h"

#include <algorithm>

namespace carafe::weak {

const char* name_of(Kind kind) noexcept {
  static constexpr const char* kNames[] = {"private", "advice", "epoch",   "stripe lock", "stripe",  "directory", "page lock", "page class",
                                           "side",    "bitmap", "version", "entry",       "payload", "uncut",     "flag"};
  return kNames[static_cast<std::size_t>(kind)];
}

Places::Places(const Engine& engine) : engine_(engine), base_(engine.view.base()) {
  for (std::uint64_t page = 0; page < engine.view.geometry().page_count; ++page)
    classes_.push_back(engine.slabs.page_class(static_cast<std::uint32_t>(page)));
  for (std::uint64_t at = 0; at < engine.view.geometry().capacity_bytes; at += sizeof(std::uint32_t)) kinds_.push_back(in_segment(at));
}

Kind Places::of(const void* address) const noexcept {
  const std::uint64_t at = offset(address);  // huge for what lies before
  if (at < engine_.view.geometry().capacity_bytes) return kinds_[at / sizeof(std::uint32_t)];
  return std::find(flags_.begin(), flags_.end(), address) != flags_.end() ? Kind::kFlag : Kind::kPrivate;
}

Kind Places::in_segment(std::uint64_t offset) const noexcept {
  const Geometry& g = engine_.view.geometry();
  if (offset >= g.pages_at) return in_page(offset);
  if (offset >= g.page_classes_at)
    return offset < g.page_classes_at + g.page_count * sizeof(std::uint32_t) ? Kind::kPageClass : Kind::kAdvice;
  if (offset >= g.page_infos_at)
    return (offset - g.page_infos_at) % sizeof(PageInfo) == offsetof(PageInfo, lock) ? Kind::kPageLock : Kind::kAdvice;
  if (offset >= g.classes_at) return Kind::kAdvice;
  if (offset >= g.directory_at) return Kind::kDirectory;
  if (offset >= g.stripes_at) return (offset - g.stripes_at) % sizeof(Stripe) == offsetof(Stripe, lock) ? Kind::kStripeLock : Kind::kStripe;
  return offset == offsetof(SegmentHeader, epoch) ? Kind::kEpoch : Kind::kAdvice;
}

Kind Places::in_page(std::uint64_t offset) const noexcept {
  const std::uint64_t page = engine_.view.page_of(offset);
  const std::uint32_t size_class = page < classes_.size() ? classes_[page] : kNoClass;
  if (size_class == kNoClass) return Kind::kUncut;
  const ClassShape& shape = engine_.classes.shape(size_class);
  const std::uint64_t within = offset - engine_.view.page_offset(page);
  if (within < shape.bitmap_at) return Kind::kSide;
  if (within < shape.chunks_at) return Kind::kBitmap;
  if (!shape.is_index) return Kind::kPayload;
  return offset % sizeof(Bucket) == offsetof(Bucket, version) ? Kind::kVersion : Kind::kEntry;
}

}  // namespace carafe::weak
