// SPDX-License-Identifier: MIT
#pragma once

#include "layout/shared_layout.h"

namespace carafe {

/// Keys that one shadow cache holds at most. Four shadows of this size are about 43 KiB, whatever the segment's size.
inline constexpr std::uint32_t kShadowSlots = 1024;
inline constexpr std::uint32_t kShadowGhostWords = 228;  // 1.11 ghosts a slot, five to a word
inline constexpr std::uint32_t kModes = 4;
inline constexpr std::uint32_t kFirstMode = 1;  // of a new segment (evict/mode.h)
inline constexpr std::uint16_t kNoShadowSlot = 0xffff;

/// A small cache of fingerprints that plays one mode of the eviction policy over a sample of the keys (evict/shadow.h).
///
///   heads[h] -> slot -> next[slot] -> ...      chains by fingerprint, so that a key is found
///   slots 0 ... used - 1 in the order of a CLOCK; `hand` and `probation_hand` go round them
///
/// Shared: by every worker. Guarded by DuelState::lock. Bounded whatever it holds: every number is masked or compared before use.
struct Shadow {
  std::uint32_t fingerprints[kShadowSlots];
  std::uint16_t next[kShadowSlots];
  std::uint16_t heads[kShadowSlots];
  std::uint8_t marks[kShadowSlots];  // counter 2, probation 1, young 1
  std::uint64_t ghosts[kShadowGhostWords];
  std::uint32_t used;
  std::uint32_t hand;
  std::uint32_t probation_hand;
  std::uint32_t probation;      // slots on probation
  Atomic<std::uint64_t> score;  // decayed hits, in units of 2^-20; read by anybody
  std::byte reserved[8];
};
static_assert(SharedLayout<Shadow>);

/// The duel of the eviction modes (evict/duel.h). All of it is advice: a death in the middle of any change costs a little hit ratio.
///
/// Line 0: read by sets and by hands, seldom written. Line 1: the shadows' lock and what it guards, and what is counted for all classes.
struct alignas(kCacheLineBytes) DuelState {
  Atomic<std::uint32_t> mode;         // evict/mode.h; which of the four plays
  Atomic<std::uint32_t> ghost_words;  // of those there are, in use: about 1.11 ghosts a chunk
  Atomic<std::uint64_t> chunks;       // of items, in the whole segment, about
  Atomic<std::uint32_t> allowance;    // pages that may move at the next look at how they are shared out
  std::byte reserved0[44];

  alignas(kCacheLineBytes) Atomic<std::uint64_t> lock;  // LockWord
  Atomic<std::uint32_t> shadow_slots;                   // of kShadowSlots, in use: chunks / sample
  std::uint32_t samples;                                // since the modes were last compared
  Atomic<std::uint64_t> switches;                       // of mode
  Atomic<std::uint64_t> ghost_hits;
  Atomic<std::uint64_t> sketch_cursor;  // word of the sketch to be halved next
  Atomic<std::uint64_t> evictions;      // since the last look at how pages are shared out
  std::byte reserved1[16];

  Shadow shadows[kModes];
};
static_assert(SharedLayout<DuelState>);

}  // namespace carafe
