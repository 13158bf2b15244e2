// SPDX-License-Identifier: MIT
#include "cache/leases.h"

#include <algorithm>

#include "base/futex.h"
#include "base/step.h"
#include "base/time.h"

namespace carafe {

Leases::Seen Leases::look(const Key& key, Answers answers) const noexcept {
  const StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe);
  if (!guard) return {};
  const Found found = find_locked(engine_, Table::of(engine_.view, key.stripe), key, engine_.epoch());
  if (answers.has(validity_of(engine_.view, found))) return {Answer::kPresent};
  Seen seen{Answer::kGranted};  // for the asking
  seen.owner = Writer(engine_, me_).loader_of(found);
  if (seen.owner != 0) seen.answer = Answer::kHeld;
  if (found && Writer::is_refreshable(engine_.view, found.item)) seen.soft = version_token(found.chunk.offset, found.side);
  return seen;
}

/// Outside of all locks, since it asks the kernel.
bool Leases::is_dead(std::uint64_t owner) const noexcept {
  return owner != me_.word && engine_.liveness.is_dead(LockWord::owner(owner), me_.id);
}

Leases::Grant Leases::ask(const Key& key, Answers answers, const ItemTraits& tags) const noexcept {
  constexpr std::uint64_t kLongestMs = 3'600'000;  // then it is collected as what has expired is
  Grant grant;
  const Seen seen = look(key, answers);
  grant.answer = seen.answer;
  if (seen.answer == Answer::kPresent || seen.answer == Answer::kNone) return grant;
  if (seen.answer == Answer::kHeld && !is_dead(seen.owner)) return grant;
  const Writer writer(engine_, me_);
  Status status = Status::kNotFound;
  if (seen.soft != 0) status = writer.take_refresh(key, seen.soft, seen.owner, grant.token);
  if (status == Status::kNotFound) {
    ItemTraits traits = tags;
    traits.kinds = Extension::kLease;
    traits.expiry = {now_ms() + kLongestMs, false};
    status = writer.plant_lease(key, traits, answers, seen.owner, grant.token);
  }
  switch (status) {
    case Status::kOk:
      grant.answer = Answer::kGranted;
      me_.count(CounterId::k_loads);
      if (seen.owner != 0) me_.count(CounterId::k_load_take_overs);
      break;
    case Status::kExists:
      grant.answer = Answer::kPresent;
      break;
    case Status::kVersionChanged:
      grant.answer = Answer::kHeld;
      break;
    default:
      grant.answer = Answer::kNone;
      break;
  }
  CARAFE_STEP("lease: answered");
  return grant;
}

Leases::Grant Leases::ask_refresh(const Key& key, std::uint64_t version) const noexcept {
  Grant grant;
  grant.answer = Answer::kHeld;
  std::uint64_t owner = 0;
  {
    const StripeGuard guard = StripeGuard::attempt(engine_, me_, key.stripe);
    if (!guard) return grant;
    owner = Writer(engine_, me_).loader_of(find_locked(engine_, Table::of(engine_.view, key.stripe), key, engine_.epoch()));
  }
  if (owner != 0 && !is_dead(owner)) return grant;
  if (Writer(engine_, me_).take_refresh(key, version, owner, grant.token) != Status::kOk) return grant;
  grant.answer = Answer::kGranted;
  me_.count(CounterId::k_loads);
  if (owner != 0) me_.count(CounterId::k_load_take_overs);
  return grant;
}

Status Leases::fill(const Key& key, std::uint64_t token, std::string_view value, const ItemTraits& traits) const noexcept {
  const Status status = Writer(engine_, me_).store(key, value, traits, Condition::kLease, token);
  if (status == Status::kStale) me_.count(CounterId::k_stale_fills);
  return status;
}

bool Leases::wait(const Key& key, Answers answers, std::uint64_t deadline_ns) const noexcept {
  Stripe& stripe = engine_.view.stripe(key.stripe);
  const std::uint32_t seq = stripe.lease_seq.load(kAcquire);
  // Before the look: who takes the lease away after it has the lock after us, so sees that we wait.
  stripe.lease_waiters.store(1, kRelaxed);
  const Seen seen = look(key, answers);
  const std::uint64_t now = now_ns();
  if (now >= deadline_ns) return false;
  if ((seen.answer == Answer::kHeld && !is_dead(seen.owner)) || seen.answer == Answer::kNone)
    futex_wait(futex_word(stripe.lease_seq), seq, std::min(kLookNs, deadline_ns - now));
  return true;
}

}  // namespace carafe
