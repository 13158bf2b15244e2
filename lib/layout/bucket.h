// SPDX-License-Identifier: MIT
#pragma once

#include "layout/limits.h"
#include "layout/shared_layout.h"

namespace carafe {

/// One entry of a bucket, a single word, so that a store makes an item visible or gone.
///
///   bit 63     44 43           4  3     2 1       0
///       | tag 20 | offset 40     | flags  | counter |      all zero: empty
///
/// offset:  of the item's chunk from the start of the segment, in units of 8 bytes (so never 0).
/// counter: CLOCK's, 0 to 3. Readers raise it by CAS of the exact word, and only while it is not saturated; the hand lowers it.
struct Entry {
  static constexpr std::uint64_t kEmpty = 0;
  static constexpr std::uint64_t kCounterMask = 3;
  static constexpr std::uint64_t kOffsetMask = ((std::uint64_t{1} << 40) - 1) << 4;

  static constexpr std::uint64_t make(std::uint32_t tag, std::uint64_t offset) noexcept {
    return (std::uint64_t{tag} << 44) | ((offset >> 3) << 4);
  }
  static constexpr std::uint32_t tag(std::uint64_t entry) noexcept { return static_cast<std::uint32_t>(entry >> 44); }
  static constexpr std::uint64_t offset(std::uint64_t entry) noexcept { return ((entry & kOffsetMask) >> 4) << 3; }
  static constexpr std::uint32_t counter(std::uint64_t entry) noexcept { return static_cast<std::uint32_t>(entry & kCounterMask); }
  /// The same item, whatever its counter says.
  static constexpr bool same_item(std::uint64_t a, std::uint64_t b) noexcept { return ((a ^ b) & ~kCounterMask) == 0; }
};

inline constexpr std::size_t kEntriesPerBucket = 7;

/// A bucket: one cache line.
///
///   byte 0         8        16              64
///        | version | entry 0 | ... | entry 6 |
///
/// version: raised by every change of the set of items here, by the holder of the stripe's lock, *after* the change and
///          *before* the memory of what it replaced is free for others. 64 bits do not wrap.
struct alignas(kCacheLineBytes) Bucket {
  Atomic<std::uint64_t> version;
  Atomic<std::uint64_t> entries[kEntriesPerBucket];
};
static_assert(SharedLayout<Bucket> && sizeof(Bucket) == kCacheLineBytes);

/// Where a stripe's table is: one word of the directory, one store to replace a table.
///
///   bit 63        28 27        16 15         0
///       | offset 36 | buckets 12 | changes 16 |            no buckets: no table, no items
///
/// offset:  in units of 64 bytes. buckets: how many. changes: goes up with each table, so that a reader who slept sees that a
///          table came back to the same place.
struct DirectoryWord {
  static constexpr std::uint64_t make(std::uint64_t offset, std::uint32_t buckets, std::uint32_t changes) noexcept {
    return ((offset / kCacheLineBytes) << 28) | (std::uint64_t{buckets} << 16) | (changes & 0xffffU);
  }
  /// No table, no items.
  static constexpr std::uint64_t none(std::uint32_t changes) noexcept { return changes & 0xffffU; }
  static constexpr std::uint64_t offset(std::uint64_t word) noexcept { return (word >> 28) * kCacheLineBytes; }
  static constexpr std::uint32_t buckets(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 16) & 0xfffU; }
  static constexpr std::uint32_t changes(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word & 0xffffU); }
};
static_assert(kMaxTableBuckets <= 0xfff);

/// Which stripe, which tag, which two buckets: all from one hash. The buckets follow from the tag alone, so a table can be
/// rebuilt from its entries without touching an item.
struct Place {
  static constexpr std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> (64 - kTagBits)); }
  static constexpr std::uint32_t first(std::uint32_t tag, std::uint32_t buckets) noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{tag} * buckets) >> kTagBits);
  }
  /// The other bucket; the same one only where there is but one.
  static constexpr std::uint32_t second(std::uint32_t tag, std::uint32_t buckets, std::uint32_t first) noexcept {
    const std::uint32_t mixed = (tag * 0x9e3b1U) & ((1U << kTagBits) - 1);
    const auto other = static_cast<std::uint32_t>((std::uint64_t{mixed} * buckets) >> kTagBits);
    if (other != first) return other;
    return other + 1 == buckets ? 0 : other + 1;
  }
};

}  // namespace carafe
