// SPDX-License-Identifier: MIT
#include "cache/named_slots.h"

#include <algorithm>

#include "base/futex.h"
#include "base/hash.h"
#include "base/step.h"
#include "base/time.h"

namespace carafe {
namespace {

Atomic<std::uint32_t> next_thread{0};
__attribute__((tls_model("initial-exec"))) thread_local std::uint32_t own_thread = ~0U;

std::uint64_t own_word(const Worker& me) noexcept {
  if (own_thread == ~0U) [[unlikely]]
    own_thread = next_thread.fetch_add(1, kRelaxed) % HolderWord::kThreads;
  return HolderWord::of(me.word, own_thread);
}

}  // namespace

NamedSlot* NamedSlots::find_or_claim(Use use, std::string_view name) const noexcept {
  const std::uint64_t hash = std::max<std::uint64_t>(1, hash_key(name, engine_.seed ^ static_cast<std::uint64_t>(use)));
  const std::uint64_t count = engine_.view.geometry().named_count;
  for (std::uint64_t i = 0; i < count; ++i) {
    NamedSlot& slot = engine_.view.named_slot((hash + i) % count);
    std::uint64_t found = slot.name_hash.load(kRelaxed);
    if (found == 0 && slot.name_hash.compare_exchange_strong(found, hash, kRelaxed)) {
      CARAFE_STEP("named: claimed");
      return &slot;
    }
    if (found == hash) return &slot;
  }
  return nullptr;
}

LockResult NamedSlots::try_hold(NamedSlot& slot) const noexcept {
  std::uint64_t seen = LockWord::kFree;
  if (slot.holder.compare_exchange_strong(seen, own_word(me_), kAcquire, kRelaxed)) {
    CARAFE_STEP("named: held");
    return LockResult::kLocked;
  }
  if (!me_.liveness.is_dead(LockWord::owner(seen), me_.id)) return LockResult::kBusy;
  if (!slot.holder.compare_exchange_strong(seen, own_word(me_), kAcquire, kRelaxed)) return LockResult::kBusy;
  CARAFE_STEP("named: taken over from the dead");
  return LockResult::kTakenOver;
}

LockResult NamedSlots::hold(NamedSlot& slot, std::uint64_t deadline_ns) const noexcept {
  LockResult result = try_hold(slot);
  while (result == LockResult::kBusy) {
    if (!wait(slot, deadline_ns) || engine_.retired()) return result;
    result = try_hold(slot);
    // Whoever woke us has taken the mark away, and others may sleep beside us.
    if (result != LockResult::kBusy) slot.waiters.store(1, kRelaxed);
  }
  return result;
}

bool NamedSlots::wait(NamedSlot& slot, std::uint64_t deadline_ns) const noexcept {
  const std::uint64_t now = now_ns();
  if (now >= deadline_ns) return false;
  const std::uint32_t seq = slot.seq.load(kAcquire);
  // Before the look: who lets go after it sees that we wait, or has raised what we are going to sleep on.
  slot.waiters.store(1, kRelease);
  const std::uint64_t holder = slot.holder.load(kAcquire);
  if (holder != LockWord::kFree && !me_.liveness.is_dead(LockWord::owner(holder), me_.id))
    futex_wait(futex_word(slot.seq), seq, std::min(kLookNs, deadline_ns - now));
  return true;
}

bool NamedSlots::holds(const NamedSlot& slot) const noexcept { return me_.word != 0 && slot.holder.load(kRelaxed) == own_word(me_); }

void NamedSlots::let_go(NamedSlot& slot, int wake) const noexcept {
  std::uint64_t held = own_word(me_);
  if (me_.word == 0 || !slot.holder.compare_exchange_strong(held, LockWord::kFree, kRelease, kRelaxed)) return;
  CARAFE_STEP("named: free");
  // After the word is free: who sleeps on the new number has seen it free.
  slot.seq.fetch_add(1, kAcqRel);
  CARAFE_STEP("named: raised");
  if (slot.waiters.exchange(0, kAcqRel) != 0) futex_wake(futex_word(slot.seq), wake);
}

std::uint64_t NamedSlots::deadline_after(std::chrono::duration<double> wait) noexcept {
  constexpr double kLongest = 1e9;  // seconds: longer than a host is up
  return wait.count() > 0 ? now_ns() + static_cast<std::uint64_t>(std::min(wait.count(), kLongest) * 1e9) : 0;
}

}  // namespace carafe
