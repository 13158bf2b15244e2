// SPDX-License-Identifier: MIT
#include "lock/owner_lock.h"

#include <algorithm>
#include <bit>

#include "base/futex.h"
#include "base/step.h"
#include "base/time.h"

namespace carafe {
namespace {

constexpr int kPauses = 60;
constexpr std::uint64_t kFirstWaitNs = 1'000'000;
constexpr std::uint64_t kLongestWaitNs = 8'000'000;

/// The half of the word that holds slot and waiters flag.
std::uint32_t* low_half(Atomic<std::uint64_t>& word) noexcept {
  return reinterpret_cast<std::uint32_t*>(&word) + (std::endian::native == std::endian::big ? 1 : 0);
}

/// Takes the lock over if its owner, as seen in `seen`, is proven dead. CAS of the exact word: of several, one wins.
bool take_over(Atomic<std::uint64_t>& word, std::uint64_t seen, const Worker& me) noexcept {
  if (!me.liveness.is_dead(LockWord::owner(seen), me.id)) return false;
  // Before the CAS: should we die next, others still know that there may be something to look for.
  me.view.header().take_overs.fetch_add(1, kRelaxed);
  if (!word.compare_exchange_strong(seen, me.word | (seen & LockWord::kWaiters), kAcquire, kRelaxed)) return false;
  me.count(CounterId::k_recoveries);
  CARAFE_STEP("lock: taken over from the dead");
  return true;
}

}  // namespace

LockResult OwnerLock::try_lock(Atomic<std::uint64_t>& word, const Worker& me) noexcept {
  std::uint64_t seen = LockWord::kFree;
  if (word.compare_exchange_strong(seen, me.word, kAcquire, kRelaxed)) return LockResult::kLocked;
  return take_over(word, seen, me) ? LockResult::kTakenOver : LockResult::kBusy;
}

LockResult OwnerLock::lock(Atomic<std::uint64_t>& word, const Worker& me, std::uint64_t wait_ns) noexcept {
  for (int i = 0; i < kPauses; ++i) {
    std::uint64_t free = LockWord::kFree;
    if (word.load(kRelaxed) == LockWord::kFree && word.compare_exchange_strong(free, me.word, kAcquire, kRelaxed))
      return LockResult::kLocked;
    spin_pause();
  }
  return wait(word, me, wait_ns);
}

LockResult OwnerLock::wait(Atomic<std::uint64_t>& word, const Worker& me, std::uint64_t wait_ns) noexcept {
  me.count(CounterId::k_lock_waits);
  const std::uint64_t deadline = now_ns() + wait_ns;
  std::uint64_t patience = kFirstWaitNs;
  for (;;) {
    std::uint64_t seen = word.load(kRelaxed);
    if (seen == LockWord::kFree) {
      // With the flag, since others may sleep beside us.
      if (word.compare_exchange_strong(seen, me.word | LockWord::kWaiters, kAcquire, kRelaxed)) return LockResult::kLocked;
      continue;
    }
    if (take_over(word, seen, me)) return LockResult::kTakenOver;
    const std::uint64_t now = now_ns();
    if (now >= deadline) return LockResult::kBusy;
    if ((seen & LockWord::kWaiters) == 0) {
      if (!word.compare_exchange_strong(seen, seen | LockWord::kWaiters, kRelaxed, kRelaxed)) continue;
      seen |= LockWord::kWaiters;
    }
    futex_wait(low_half(word), static_cast<std::uint32_t>(seen), std::min(patience, deadline - now));
    patience = std::min(patience * 2, kLongestWaitNs);
  }
}

void OwnerLock::unlock(Atomic<std::uint64_t>& word) noexcept {
  if ((word.exchange(LockWord::kFree, kRelease) & LockWord::kWaiters) != 0) futex_wake(low_half(word), 1);
}

}  // namespace carafe
