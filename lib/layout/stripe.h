// SPDX-License-Identifier: MIT
#pragma once

#include "layout/lock_word.h"
#include "layout/shared_layout.h"

namespace carafe {

/// One stripe: a lock, and what is known about the table of buckets it guards. Keys belong to the stripe that the low bits
/// of their hash name. The table itself is found through the directory (directory.h), which readers use without the lock.
///
///   byte 0      8             12            16      20      24           32          64
///        | lock | entry_count | table_epoch | items | moves | item_bytes | lease_seq | lease_waiters | lease_gone | reserved |
///
/// Shared:  by every worker.
/// Writers: only the holder of `lock`; others may load. lease_seq and lease_waiters: anybody, by read-modify-write (cache/leases.h).
/// Crash:   a dead holder's word is taken over as it stands: what it guards is valid after every single store. The four
///          counts may be off by the one operation that was cut short, so whoever takes over counts again.
/// Cost:    one cache line, so stripes never share one. Readers do not touch it.
struct alignas(kCacheLineBytes) Stripe {
  Atomic<std::uint64_t> lock;           // LockWord
  Atomic<std::uint32_t> entry_count;    // entries in the table, dead ones included
  Atomic<std::uint32_t> table_epoch;    // epoch in which the table was begun: an older one holds nothing alive
  Atomic<std::uint32_t> items;          // of table_epoch
  Atomic<std::uint32_t> moves;          // goes up when an entry moves to its other bucket, so that a walk sees that it must begin anew
  Atomic<std::uint64_t> item_bytes;     // bytes of the chunks of these items
  Atomic<std::uint32_t> lease_seq;      // goes up when a lease here has gone; what those who wait for one sleep on
  Atomic<std::uint32_t> lease_waiters;  // 1: somebody sleeps
  Atomic<std::uint32_t> lease_gone;     // 1: whoever holds the lock has to say so when he lets it go
  std::byte reserved[20];               // zero
};
static_assert(SharedLayout<Stripe> && sizeof(Stripe) == kCacheLineBytes && offsetof(Stripe, items) == 16 &&
              offsetof(Stripe, item_bytes) == 24);

}  // namespace carafe
