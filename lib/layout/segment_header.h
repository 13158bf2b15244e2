// SPDX-License-Identifier: MIT
#pragma once

#include "layout/limits.h"
#include "layout/shared_layout.h"

namespace carafe {

/// Where everything is. Written once by the creator; each process copies and checks it at attach and never reads it again.
struct Geometry {
  std::uint64_t capacity_bytes;
  std::uint64_t page_bytes;
  std::uint64_t page_count;
  std::uint64_t stripe_count;  // a power of two
  std::uint64_t worker_count;
  std::uint64_t workers_at;     // WorkerSlot[worker_count]
  std::uint64_t namespaces_at;  // NamespaceRecord[namespace_count]
  std::uint64_t namespace_count;
  std::uint64_t namespace_lanes_at;  // NamespaceLane[namespace_lane_count]
  std::uint64_t namespace_lane_count;
  std::uint64_t tags_at;    // u64[tag_count]: the stamp of the latest invalidation of a tag that falls there
  std::uint64_t tag_count;  // a power of two
  std::uint64_t named_at;   // NamedSlot[named_count]
  std::uint64_t named_count;
  std::uint64_t stripes_at;       // Stripe[stripe_count]
  std::uint64_t directory_at;     // u64[stripe_count], DirectoryWord
  std::uint64_t classes_at;       // ClassState[kMaxClasses]
  std::uint64_t page_infos_at;    // PageInfo[page_count]
  std::uint64_t page_classes_at;  // u32[page_count], size class or kNoClass
  std::uint64_t duel_at;          // DuelState
  std::uint64_t ghosts_at;        // u64[ghost_words]
  std::uint64_t ghost_words;      // 0: Options::eviction is kClock, there is no duel
  std::uint64_t sketch_at;        // u64[sketch_words]
  std::uint64_t sketch_words;
  std::uint64_t pages_at;  // page_count * page_bytes
  friend bool operator==(const Geometry&, const Geometry&) = default;
};
static_assert(SharedLayout<Geometry>);

/// Totals at one moment, from which rates over a window are taken.
struct WindowSample {
  Atomic<std::uint64_t> time_ms;  // 0 while being written
  Atomic<std::uint64_t> hits;
  Atomic<std::uint64_t> misses;
  Atomic<std::uint64_t> sets;
  Atomic<std::uint64_t> evictions;
};
inline constexpr std::size_t kWindows = 4;
inline constexpr std::size_t kSamplesPerWindow = 16;

/// A ring of samples for one window length.
struct WindowRing {
  Atomic<std::uint64_t> next_ms;  // when the next sample is due; whoever raises it by CAS takes the sample
  Atomic<std::uint64_t> position;
  WindowSample samples[kSamplesPerWindow];
};
static_assert(SharedLayout<WindowRing>);

inline constexpr std::uint64_t kMagic = 0x31656661726163ff;  // "\xffcarafe1"

/// The first bytes of a segment.
///
/// Line 0:  what a stranger must be able to tell whatever the version: magic, layout version, fingerprint.
/// Line of hot words: read by every operation, written by clear and remove only.
/// Line of shared hints: written now and then, never by a get.
struct alignas(kCacheLineBytes) SegmentHeader {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t header_bytes;
  std::uint64_t fingerprint;     // what two builds must agree on (segment/fingerprint.h)
  std::uint64_t seed;            // of the hash; never shown
  std::uint64_t time_namespace;  // inode of the creator's; expiry times mean nothing in another
  std::uint64_t boot_id[2];
  std::uint64_t created_ms;           // monotonic
  std::int64_t created_unix_seconds;  // for people
  std::uint8_t name[208];             // zero-padded; empty = anonymous
  std::byte reserved0[40];
  Geometry geometry;
  std::byte reserved1[56];

  alignas(kCacheLineBytes) Atomic<std::uint32_t> epoch;  // raised by clear
  Atomic<std::uint32_t> retired;                         // 1: removed
  Atomic<std::uint32_t> sample_mask;                     // whose requests the shadows see (evict/duel.h); all ones: nobody's
  std::byte reserved2[4];
  Atomic<std::uint64_t> stamp;  // how many invalidations of a tag or a namespace were begun (layout/namespace_record.h)
  std::byte reserved3[40];

  alignas(kCacheLineBytes) Atomic<std::uint64_t> free_pages;  // in the pool, about
  Atomic<std::uint64_t> pool_cursor;
  Atomic<std::uint64_t> outdated_cursor;  // pages looked at for outdated ones in `outdated_epoch`
  Atomic<std::uint32_t> outdated_epoch;
  Atomic<std::uint32_t> slots_used;  // no slot from here on was ever used
  Atomic<std::uint64_t> next_chain_id;
  Atomic<std::uint64_t> resynced_recoveries;  // gauges were last counted at this many recoveries
  Atomic<std::uint64_t> items_correction;     // as in CounterLane
  Atomic<std::uint64_t> bytes_correction;

  alignas(kCacheLineBytes) Atomic<std::uint64_t> empty_pages;  // times a page of some class was found without anything in it
  Atomic<std::uint64_t> next_expiry_ms;                        // no item expires before
  Atomic<std::uint64_t> pass_expiry_ms;                        // what the present pass over the pages has found for it
  Atomic<std::uint64_t> expiry_cursor;                         // page where that pass goes on
  Atomic<std::uint64_t> take_overs;                            // of locks from the dead: each may have left a linked chunk of nobody
  Atomic<std::uint64_t> namespaces_lock;                       // LockWord: who gives records of namespaces away
  std::byte reserved4[16];

  WindowRing windows[kWindows];
};
static_assert(SharedLayout<SegmentHeader>);
static_assert(offsetof(SegmentHeader, layout_version) == 8);
static_assert(sizeof(SegmentHeader) <= 4096);

}  // namespace carafe
