// SPDX-License-Identifier: MIT
#include "cache/leases.h"

#include <algorithm>

#include "base/futex.h"
#include "base/step.h"
#include "base/time.h"

namespace carafe {

Leases::Seen Leases::look(const Key& key) const noexcept {
  const StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe);
  if (!guard) return {};
  const Found found = find_locked(engine_, Table::of(engine_.view, key.stripe), key, engine_.epoch());
  if (is_live(found)) return {Answer::kPresent};
  if (!found || !found.item.is_lease()) return {Answer::kGranted};  // for the asking
  return {Answer::kHeld, found.item.lease_owner()};
}

/// Outside of all locks, since it asks the kernel.
bool Leases::is_dead(std::uint64_t owner) const noexcept {
  return owner != me_.word && engine_.liveness.is_dead(LockWord::owner(owner), me_.id);
}

Leases::Lease Leases::ask(const Key& key) const noexcept {
  const Seen seen = look(key);
  if (seen.answer == Answer::kPresent || seen.answer == Answer::kNone) return {seen.answer};
  if (seen.answer == Answer::kHeld && !is_dead(seen.owner)) return {Answer::kHeld};
  Lease lease;
  switch (Writer(engine_, me_).plant_lease(key, seen.owner, lease.token)) {
    case Status::kOk:
      lease.answer = Answer::kGranted;
      me_.count(CounterId::k_loads);
      if (seen.owner != 0) me_.count(CounterId::k_load_take_overs);
      break;
    case Status::kExists:
      lease.answer = Answer::kPresent;
      break;
    case Status::kVersionChanged:
      lease.answer = Answer::kHeld;
      break;
    default:
      break;
  }
  CARAFE_STEP("lease: answered");
  return lease;
}

Status Leases::fill(const Key& key, std::uint64_t token, std::string_view value, Expiry expiry) const noexcept {
  const Status status = Writer(engine_, me_).store(key, value, expiry, Condition::kLease, token);
  if (status == Status::kStale) me_.count(CounterId::k_stale_fills);
  return status;
}

void Leases::abandon(const Key& key, std::uint64_t token) const noexcept {
  static_cast<void>(Writer(engine_, me_).erase(key, Condition::kLease, token));
}

bool Leases::wait(const Key& key, std::uint64_t deadline_ns) const noexcept {
  Stripe& stripe = engine_.view.stripe(key.stripe);
  const std::uint32_t seq = stripe.lease_seq.load(kAcquire);
  // Before the look: who takes the lease away after it has the lock after us, so sees that we wait.
  stripe.lease_waiters.store(1, kRelaxed);
  const Seen seen = look(key);
  const std::uint64_t now = now_ns();
  if (now >= deadline_ns) return false;
  if ((seen.answer == Answer::kHeld && !is_dead(seen.owner)) || seen.answer == Answer::kNone)
    futex_wait(futex_word(stripe.lease_seq), seq, std::min(kLookNs, deadline_ns - now));
  return true;
}

}  // namespace carafe
