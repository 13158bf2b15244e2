// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "layout/bucket.h"
#include "layout/duel_state.h"
#include "layout/named_slot.h"
#include "layout/namespace_record.h"
#include "layout/segment_header.h"
#include "layout/slab_page.h"
#include "layout/stripe.h"
#include "layout/worker_slot.h"

namespace carafe {

/// A mapped segment: where this process has it, and its own checked copy of the geometry. Everything that turns a number into
/// a reference is here. Numbers of ours (a stripe from a hash, a page below page_count) index directly; a number that was *read
/// from the segment* goes through one of the checked functions, which answer nullptr: there is no unchecked one that takes an offset.
class View {
 public:
  View() = default;
  View(std::byte* base, const Geometry& geometry) noexcept
      : base_(base), geometry_(geometry), page_shift_(shift_of(geometry.page_bytes)), pages_bytes_(geometry.page_count << page_shift_) {}

  [[nodiscard]] const Geometry& geometry() const noexcept { return geometry_; }
  [[nodiscard]] std::byte* base() const noexcept { return base_; }
  [[nodiscard]] SegmentHeader& header() const noexcept { return *at<SegmentHeader>(0); }

  [[nodiscard]] Stripe& stripe(std::uint64_t i) const noexcept { return at<Stripe>(geometry_.stripes_at)[i]; }
  [[nodiscard]] Atomic<std::uint64_t>& directory(std::uint64_t i) const noexcept {
    return at<Atomic<std::uint64_t>>(geometry_.directory_at)[i];
  }
  [[nodiscard]] WorkerSlot& worker(std::uint64_t i) const noexcept { return at<WorkerSlot>(geometry_.workers_at)[i]; }
  [[nodiscard]] NamespaceRecord& namespace_record(std::uint64_t i) const noexcept {
    return at<NamespaceRecord>(geometry_.namespaces_at)[i];
  }
  [[nodiscard]] NamespaceLane& namespace_lane(std::uint64_t i) const noexcept { return at<NamespaceLane>(geometry_.namespace_lanes_at)[i]; }
  [[nodiscard]] Atomic<std::uint64_t>& tag(std::uint64_t i) const noexcept { return at<Atomic<std::uint64_t>>(geometry_.tags_at)[i]; }
  [[nodiscard]] NamedSlot& named_slot(std::uint64_t i) const noexcept { return at<NamedSlot>(geometry_.named_at)[i]; }
  [[nodiscard]] ClassState& size_class(std::uint32_t i) const noexcept { return at<ClassState>(geometry_.classes_at)[i]; }
  [[nodiscard]] PageInfo& page_info(std::uint64_t page) const noexcept { return at<PageInfo>(geometry_.page_infos_at)[page]; }
  [[nodiscard]] Atomic<std::uint32_t>& page_class(std::uint64_t page) const noexcept {
    return at<Atomic<std::uint32_t>>(geometry_.page_classes_at)[page];
  }
  [[nodiscard]] DuelState& duel() const noexcept { return *at<DuelState>(geometry_.duel_at); }
  [[nodiscard]] Atomic<std::uint64_t>* ghosts() const noexcept { return at<Atomic<std::uint64_t>>(geometry_.ghosts_at); }
  [[nodiscard]] Atomic<std::uint64_t>* sketch() const noexcept { return at<Atomic<std::uint64_t>>(geometry_.sketch_at); }
  [[nodiscard]] std::byte* page(std::uint64_t page) const noexcept { return base_ + geometry_.pages_at + (page << page_shift_); }
  [[nodiscard]] std::uint64_t page_offset(std::uint64_t page) const noexcept { return geometry_.pages_at + (page << page_shift_); }

  [[nodiscard]] std::uint32_t stripe_of(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(hash & (geometry_.stripe_count - 1));
  }

  /// The bytes [offset, offset + bytes) if they lie within the slab pages and start at a multiple of 8; else nullptr.
  [[nodiscard]] std::byte* chunk(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    const std::uint64_t rest = offset - geometry_.pages_at;  // wraps to huge when before
    if (rest >= pages_bytes_ || bytes > pages_bytes_ - rest || (offset & 7) != 0) [[unlikely]]
      return nullptr;
    return base_ + offset;
  }
  /// All bytes of the slab pages from `offset` on; none if it lies outside. For who compares with lengths later; any multiple of 8.
  [[nodiscard]] std::span<const std::byte> rest(std::uint64_t offset) const noexcept {
    const std::uint64_t at = offset - geometry_.pages_at;  // wraps to huge when before
    if (at >= pages_bytes_) [[unlikely]]
      return {};
    return {base_ + offset, pages_bytes_ - at};
  }
  /// The buckets that a directory word names, or nullptr. A table is a chunk, so one that leaves its page is none: following it would
  /// harm nobody, but take long.
  [[nodiscard]] Bucket* table(std::uint64_t directory_word) const noexcept {
    const std::uint64_t rest = DirectoryWord::offset(directory_word) - geometry_.pages_at;  // wraps to huge when before
    const std::uint64_t bytes = std::uint64_t{DirectoryWord::buckets(directory_word)} * sizeof(Bucket);
    if (rest >= pages_bytes_ || (rest & (geometry_.page_bytes - 1)) + bytes > geometry_.page_bytes) [[unlikely]]
      return nullptr;
    return reinterpret_cast<Bucket*>(base_ + DirectoryWord::offset(directory_word));
  }
  /// The page that an offset accepted by chunk() lies in.
  [[nodiscard]] std::uint64_t page_of(std::uint64_t offset) const noexcept { return (offset - geometry_.pages_at) >> page_shift_; }

 private:
  template <typename T>
  [[nodiscard]] T* at(std::uint64_t offset) const noexcept {
    return reinterpret_cast<T*>(base_ + offset);
  }
  static constexpr std::uint32_t shift_of(std::uint64_t power) noexcept { return static_cast<std::uint32_t>(__builtin_ctzll(power)); }

  std::byte* base_ = nullptr;
  Geometry geometry_{};
  std::uint32_t page_shift_ = 0;
  std::uint64_t pages_bytes_ = 0;
};

}  // namespace carafe
