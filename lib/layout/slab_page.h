// SPDX-License-Identifier: MIT
#pragma once

#include "layout/lock_word.h"
#include "layout/shared_layout.h"

namespace carafe {

/// A slab page is cut into equal chunks:
///
///   | side words, 8 bytes each | bitmap of free chunks (a hint) | two of chunks on probation | pad to 64 | chunk 0 | chunk 1 | ... |
///
/// What is known about it stands outside, in a table, so that no late store of anybody can land in a value:
///
///   byte 0      8            12           16          24           28            32              36               40
///        | lock | free_count | last_epoch | min_expiry | generation | free_cursor | expiry_cursor | draining_until | next_min_expiry | ...
///
/// Shared:  by every worker.
/// lock:    LockWord; guards claims of chunks here and the page's class (page_class array). At most one page's lock is held by
///          a thread, and always taken before a stripe's, which is then only tried.
/// The rest is advice: racy, and harmless when wrong.
struct alignas(kCacheLineBytes) PageInfo {
  Atomic<std::uint64_t> lock;
  Atomic<std::uint32_t> free_count;          // bits set in the bitmap, about
  Atomic<std::uint32_t> last_epoch;          // epoch of the newest item stored here: an older one means that all here is outdated
  Atomic<std::uint64_t> min_expiry_ms;       // no item here expires before; ~0 = none does
  Atomic<std::uint32_t> generation;          // where chunk generations continue when the class changes (under lock)
  Atomic<std::uint32_t> free_cursor;         // word of the bitmap below which no bit is set
  Atomic<std::uint32_t> expiry_cursor;       // chunk at which the search for expired items goes on
  Atomic<std::uint32_t> draining_until_ms;   // low half of a time: until then nothing new is put here
  Atomic<std::uint64_t> next_min_expiry_ms;  // what that search has found for min_expiry so far
  std::byte reserved[16];
};
static_assert(SharedLayout<PageInfo> && sizeof(PageInfo) == kCacheLineBytes);

/// Value of the page_class array: no class, in the pool.
inline constexpr std::uint32_t kNoClass = 255;

/// One size class: where its hand is, and what happened to it. All advice.
struct alignas(kCacheLineBytes) ClassState {
  Atomic<std::uint64_t> hand;            // {page 32, chunk 32}: the next chunk to look at
  Atomic<std::uint64_t> page_turned_ms;  // when the hand last left a page
  Atomic<std::uint64_t> turn_ms;         // how long a turn takes, smoothed; 0 = has not moved yet
  Atomic<std::uint64_t> evictions;
  Atomic<std::uint32_t> moved_in;  // pages
  Atomic<std::uint32_t> moved_out;
  Atomic<std::uint64_t> evictions_at_turn;  // `evictions` when the hand last left a page
  Atomic<std::uint32_t> page_count;
  Atomic<std::uint32_t> unseen_free;  // pages, from free_cursor on, whose bitmaps may have bits
  Atomic<std::uint32_t> free_cursor;  // page where the search for free chunks goes on
  Atomic<std::uint32_t> page_turns;   // pages the hand has left since the class last took one

  Atomic<std::uint64_t> probation_hand;      // {page 32, chunk 32}, as `hand`
  Atomic<std::uint32_t> probation;           // chunks on probation, about
  Atomic<std::uint32_t> admitted;            // since pages were last shared out something new was stored: 1
  Atomic<std::uint64_t> ghost_hits;          // newcomers that came back from the ghosts
  Atomic<std::uint32_t> ghost_hits_at_look;  // when pages were last shared out; the low half
  Atomic<std::uint32_t> swept_take_overs;    // what the sweep knows of: take-overs of locks and clears together
  Atomic<std::uint64_t> evictions_at_look;
  Atomic<std::uint64_t> benefit;     // of one more page, smoothed
  Atomic<std::uint32_t> idle_looks;  // how many times in a row neither that nor an eviction was seen
  Atomic<std::uint32_t> sweep_left;  // chunks that the sweep has to look at closely, since there was a take-over
  Atomic<std::uint64_t> sweep_hand;  // {page 32, chunk 32}, as `hand`
};
static_assert(SharedLayout<ClassState> && sizeof(ClassState) == 2 * kCacheLineBytes);

}  // namespace carafe
