// SPDX-License-Identifier: MIT
#pragma once

#include "layout/lock_word.h"
#include "layout/shared_layout.h"

namespace carafe {

/// The word of a holder that is one thread of a worker: its LockWord, and which thread in bits 1 to 15.
///
/// Threads have numbers of their process's own. After 32767 of them two may share one: they still exclude each other, since a word that is
/// not free is nobody's to take; only an unlock by the wrong one of those two would not be noticed.
struct HolderWord {
  static constexpr std::uint32_t kThreads = 0x7fff;

  static constexpr std::uint64_t of(std::uint64_t lock_word, std::uint32_t thread) noexcept {
    return lock_word | (std::uint64_t{thread % kThreads + 1} << 1);
  }
};

/// What may not be evicted: a mutex among processes, or a thing to be done once a host. Found by the hash of its name.
///
///   byte 0             8        16        20     24          28           32
///        | name_hash   | holder | done_in | seq  | waiters   | reserved   | ...
///
/// Writers: name_hash by CAS from 0, once. holder by CAS. done_in: the holder. seq: who has just let go. waiters: anybody.
/// Crash:   a dead holder's word is taken over. Nothing else needs mending: who sleeps looks every 20 ms.
struct alignas(kCacheLineBytes) NamedSlot {
  Atomic<std::uint64_t> name_hash;  // 0: nobody's yet
  Atomic<std::uint64_t> holder;     // HolderWord; 0: nobody
  Atomic<std::uint32_t> done_in;    // the epoch in which it was done; 0: never
  Atomic<std::uint32_t> seq;        // goes up after the holder has let go; what waiters sleep on
  Atomic<std::uint32_t> waiters;    // 1: somebody sleeps
  std::byte reserved[36];
};
static_assert(SharedLayout<NamedSlot> && sizeof(NamedSlot) == kCacheLineBytes);

}  // namespace carafe
