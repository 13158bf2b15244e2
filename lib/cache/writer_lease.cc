// SPDX-License-Identifier: MIT
#include "base/step.h"
#include "base/time.h"
#include "cache/allocator.h"
#include "cache/writer.h"

/// Whose it is to compute a value (cache/leases.h).
namespace carafe {

/// Whoever computes a value for that item, if what they compute may still be stored. 0: nobody.
std::uint64_t Writer::loader_of(const Found& found) const noexcept {
  return found && !is_invalidated(engine_.view, found.item) ? found.item.loader() : 0;
}

/// A value past its soft time stays where it is, for those who take it, and its extension says who computes the next one. Lock held.
bool Writer::become_refresher_locked(const Found& found, std::uint64_t replaced, std::uint64_t& token) const noexcept {
  if (!found || !is_refreshable(engine_.view, found.item)) return false;
  if (const std::uint64_t loader = found.item.loader(); loader != 0 && loader != replaced) return false;
  racy_store(engine_.view.base() + found.chunk.offset + found.item.refresher_at(), me_.word);
  CARAFE_STEP("refresh: owner written");
  token = version_token(found.chunk.offset, found.side);
  return true;
}

Status Writer::plant_lease(const Key& key, const ItemTraits& traits, Answers answers, std::uint64_t replaced,
                           std::uint64_t& token) const noexcept {
  Draft made = draft(key, {}, traits, engine_.epoch());
  if (!made.head) return Status::kNoSpace;
  CARAFE_STEP("lease: written");
  for (int attempt = 0; attempt < kWriteTries; ++attempt) {
    StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe);
    if (!guard) {
      discard(made);
      return busy();
    }
    const Table table = Table::of(engine_.view, key.stripe);
    const std::uint32_t epoch = engine_.epoch();
    Found old = find_locked(engine_, table, key, epoch);
    const bool answered = answers.has(validity_of(engine_.view, old));
    const std::uint64_t loader = loader_of(old);
    const bool held = (loader != 0 && loader != replaced) || has_changed_hands(engine_.view, key);
    const bool refreshing = !answered && !held && become_refresher_locked(old, replaced, token);
    if (answered || held || refreshing || made.header.epoch() != epoch) {
      guard.unlock();
      discard(made);
      return refreshing ? Status::kOk : answered ? Status::kExists : Status::kVersionChanged;
    }
    Atomic<std::uint64_t>* entry = old.entry;
    if (entry == nullptr && !find_room(guard, key, table, attempt, entry, old)) continue;
    if (entry == nullptr) break;
    token = version_token(made.head.chunk.offset, made.head.word);
    publish_locked(key, made, entry, old);
    return Status::kOk;
  }
  discard(made);
  return Status::kNoSpace;
}

Status Writer::take_refresh(const Key& key, std::uint64_t version, std::uint64_t replaced, std::uint64_t& token) const noexcept {
  const StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe);
  if (!guard) return busy();
  const Found found = find_locked(engine_, Table::of(engine_.view, key.stripe), key, engine_.epoch());
  if (!found || version_token(found.chunk.offset, found.side) != version || has_changed_hands(engine_.view, key)) return Status::kNotFound;
  return become_refresher_locked(found, replaced, token) ? Status::kOk : Status::kVersionChanged;
}

Status Writer::give_lease_back(const Key& key, std::uint64_t token) const noexcept {
  const StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe, kLeasePatience);
  if (!guard) return busy();
  const Found found = find_locked(engine_, Table::of(engine_.view, key.stripe), key, engine_.epoch());
  if (!is_our_lease(found, token)) return Status::kStale;
  if (found.item.is_lease()) {
    remove_locked(key, found);
    return Status::kOk;
  }
  note_gone_locked(engine_, key.stripe, found.item);
  racy_store(engine_.view.base() + found.chunk.offset + found.item.refresher_at(), 0);
  return Status::kOk;
}

}  // namespace carafe
