// SPDX-License-Identifier: MIT
#pragma once

#include "layout/shared_layout.h"

namespace carafe {

/// What may not be evicted: a mutex among processes, or a thing to be done once a host. Found by the hash of its name.
///
///   byte 0             8        16        20     24          28           32
///        | name_hash   | holder | done_in | seq  | waiters   | reserved   | ...
///
/// Writers: name_hash by CAS from 0, once. holder by CAS (LockWord, as a lock's). The rest: the holder; seq and waiters: anybody.
/// Crash:   a dead holder's word is taken over.
struct alignas(kCacheLineBytes) NamedSlot {
  Atomic<std::uint64_t> name_hash;  // 0: nobody's yet
  Atomic<std::uint64_t> holder;     // LockWord
  Atomic<std::uint32_t> done_in;    // the epoch in which it was done; 0: never
  Atomic<std::uint32_t> seq;        // goes up when the holder lets go; what waiters sleep on
  Atomic<std::uint32_t> waiters;    // 1: somebody sleeps
  std::byte reserved[36];
};
static_assert(SharedLayout<NamedSlot> && sizeof(NamedSlot) == kCacheLineBytes);

}  // namespace carafe
