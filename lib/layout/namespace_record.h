// SPDX-License-Identifier: MIT
#pragma once

#include "layout/limits.h"
#include "layout/shared_layout.h"

namespace carafe {

/// When something was stored, and when it was invalidated, on one scale: `SegmentHeader::stamp` counts the invalidations of tags and
/// namespaces. An invalidation takes the next number and writes it down for its tag or namespace; an item bears the number that was the
/// latest when it was begun (a load: when its lease was given). It is valid while nothing it belongs to has a greater one. So an
/// invalidation is two stores at any size, and what was computed before it cannot be stored after it.
inline constexpr std::uint64_t kStampBits = 40;  // 34 years at a thousand a second; at the last one every invalidation is a clear
inline constexpr std::uint64_t kLastStamp = (std::uint64_t{1} << kStampBits) - 1;

/// The first word of a namespace's record: who has the record, and the latest clear.
///
///   bit 63          40 39            0
///       | incarnation | cleared at   |
///
/// incarnation: goes up when the record changes hands, so that a handle on its former namespace notices. Odd: in use.
struct NamespaceWord {
  static constexpr std::uint32_t kIncarnationMask = (1U << 24) - 1;
  static constexpr std::uint64_t make(std::uint32_t incarnation, std::uint64_t cleared_at) noexcept {
    return (std::uint64_t{incarnation & kIncarnationMask} << kStampBits) | (cleared_at & kLastStamp);
  }
  /// The one after it, used or not. Never 0 again, which is a record that nobody ever had.
  static constexpr std::uint32_t next(std::uint32_t incarnation) noexcept {
    const std::uint32_t next = (incarnation + 1) & kIncarnationMask;
    return next == 0 ? 2 : next;
  }
  static constexpr std::uint32_t incarnation(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> kStampBits); }
  static constexpr std::uint64_t cleared_at(std::uint64_t word) noexcept { return word & kLastStamp; }
  static constexpr bool is_used(std::uint64_t word) noexcept { return (incarnation(word) & 1) != 0; }
};

/// A namespace: a key space of its own within the segment, with counters, a quota and a clear of its own. Number n is record n - 1; 0 is
/// none.
///
///   line 0: what each operation in it reads; seldom written
///   line 1, 2: what it is called, as "name" "release", one behind the other; written before it is used
///   line 3: counts of all who have no lane of their own
///
/// Writers: line 0 to 2: the holder of `SegmentHeader::namespaces_lock`, and `word` also a clear, by CAS. Line 3: anybody, by addition.
/// Crash:   a record is in use from the store of `word` on, which comes last; a death before leaves it free.
struct alignas(kCacheLineBytes) NamespaceRecord {
  Atomic<std::uint64_t> word;         // NamespaceWord
  Atomic<std::uint64_t> name_hash;    // of name and release
  Atomic<std::uint64_t> quota_bytes;  // 0: none
  Atomic<std::uint32_t> name_bytes;
  Atomic<std::uint32_t> release_bytes;
  Atomic<std::uint64_t> quota_cursor;  // stripe where the search for what has to go for its own goes on
  std::byte reserved0[24];

  std::byte text[kMaxNamespaceBytes + kMaxReleaseBytes];

  alignas(kCacheLineBytes) Atomic<std::uint64_t> hits;
  Atomic<std::uint64_t> misses;
  Atomic<std::uint64_t> sets;
  Atomic<std::uint64_t> evictions;
  Atomic<std::uint64_t> clears;
  Atomic<std::uint64_t> items;  // gauges, signed: what was not collected yet is counted still
  Atomic<std::uint64_t> bytes;
  std::byte reserved1[8];
};
static_assert(SharedLayout<NamespaceRecord> && sizeof(NamespaceRecord) == 4 * kCacheLineBytes);

/// One worker's counters of one namespace, so that a hit writes no line that others write.
///
/// Writers: `owner` by CAS from nobody or from the dead; the rest by the owner, additions. Crash: whoever takes it over for the same
/// namespace goes on from there, so sums are exact.
struct alignas(kCacheLineBytes) NamespaceLane {
  Atomic<std::uint64_t> owner;  // LockWord
  Atomic<std::uint64_t> space;  // { incarnation 24, number 16 }
  Atomic<std::uint64_t> hits;
  Atomic<std::uint64_t> misses;
  Atomic<std::uint64_t> sets;
  std::byte reserved[24];
};
static_assert(SharedLayout<NamespaceLane> && sizeof(NamespaceLane) == kCacheLineBytes);

}  // namespace carafe
