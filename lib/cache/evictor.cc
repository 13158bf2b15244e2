// SPDX-License-Identifier: MIT
#include "cache/evictor.h"

#include "base/step.h"
#include "cache/items.h"
#include "cache/stripe_guard.h"
#include "expiry/ttl.h"

namespace carafe {
namespace {

/// Clears an entry and everything counted with it. Lock held; the version is raised when this returns, so the item's chunks may go.
void unlink_locked(const Engine& engine, const Worker& me, std::uint32_t stripe, Atomic<std::uint64_t>* entry, const Chunk& chunk,
                   const ItemView& item) noexcept {
  const std::uint64_t bytes = item ? chunk_bytes_locked(engine, chunk, item) : 0;
  note_gone_locked(engine, stripe, item);
  entry->store(Entry::kEmpty, kRelease);
  CARAFE_STEP("unlink: entry cleared");
  Table::raise_version(entry);
  CARAFE_STEP("unlink: version raised");
  Stripe& home = engine.view.stripe(stripe);
  home.entry_count.store(home.entry_count.load(kRelaxed) - 1, kRelaxed);
  if (item && is_current(item.header, home.table_epoch.load(kRelaxed))) {
    account_locked(engine, me, stripe, item.header.epoch(), -count_of(item), -static_cast<std::int64_t>(bytes));
    account_in_namespace(engine, item.header, -count_of(item), -static_cast<std::int64_t>(bytes));
  }
}

/// Whether a clear, or the invalidation of its namespace or a tag of it, has left the item behind.
bool is_outdated(const Engine& engine, const ItemView& item) noexcept {
  return !item || !is_current(item.header, engine.epoch()) || is_invalidated(engine.view, item);
}

void note_eviction_in_namespace(const Engine& engine, const ItemView& item) noexcept {
  const std::uint32_t space = item.header.space();
  if (space != 0 && space <= engine.view.geometry().namespace_count)
    engine.view.namespace_record(space - 1).evictions.fetch_add(1, kRelaxed);
}

/// The entry whose item has `part` among its chunks, told by the chain's id.
Atomic<std::uint64_t>* find_chain(const Engine& engine, const Table& table, std::uint32_t tag, std::uint64_t chain_id) noexcept {
  return table.find(tag, [&](std::uint64_t word) {
    const ItemView item = ItemView::at(engine.view, Entry::offset(word));
    return item && item.header.chained() && item.chain_id() == chain_id;
  });
}

}  // namespace

Claim Evictor::try_take(const Chunk& chunk, EvictWhen when) const noexcept {
  const std::uint64_t seen = engine_.slabs.side(chunk).load(kAcquire);
  switch (SideWord::state(seen)) {
    case SideWord::kFree:
      return engine_.slabs.claim_page_locked(chunk, seen, me_);
    case SideWord::kClaimed: {
      if (!engine_.liveness.is_claimant_dead(SideWord::claimant(seen), me_.id)) return {};
      // It was never reachable, so no version needs raising.
      Claim claim = engine_.slabs.claim_page_locked(chunk, seen, me_);
      if (claim) me_.count(CounterId::k_reclaimed_chunks);
      return claim;
    }
    case SideWord::kPart:
      return take_part(chunk, seen, when);
    case SideWord::kLinked:
      break;
  }
  return engine_.classes.shape(chunk.size_class).is_index ? take_table(chunk, seen) : take_linked(chunk, seen, when);
}

Claim Evictor::take_linked(const Chunk& chunk, std::uint64_t seen, EvictWhen when) const noexcept {
  const std::uint32_t stripe = SideWord::stripe(seen);
  const std::uint32_t tag = SideWord::tag(seen);
  if (stripe >= engine_.view.geometry().stripe_count) return {};

  if (when == EvictWhen::kCold) {  // a first look without the lock: most chunks only have their counter lowered
    const Table table = Table::of(engine_.view, stripe);
    if (auto* entry = table.find_offset(tag, chunk.offset)) {
      std::uint64_t word = entry->load(kRelaxed);
      const ItemView item = ItemView::at(engine_.view, chunk.offset);
      if (Entry::counter(word) > 0 && Entry::offset(word) == chunk.offset && !is_outdated(engine_, item) &&
          !has_expired(item.expiry_ms())) {
        if (entry->compare_exchange_strong(word, word - 1, kRelaxed) && engine_.duel.is_on())
          engine_.duel.sketch().add(KeyId::of(stripe, tag));
        return {};
      }
    }
  }

  const StripeGuard guard = StripeGuard::attempt(engine_, me_, stripe);
  if (!guard || engine_.slabs.side(chunk).load(kAcquire) != seen) return {};  // freed and linked elsewhere meanwhile
  const Table table = Table::of(engine_.view, stripe);
  auto* entry = table.find_offset(tag, chunk.offset);
  const ItemView item = ItemView::at(engine_.view, chunk.offset);
  const bool outdated = is_outdated(engine_, item);
  const bool expired = !outdated && has_expired(item.expiry_ms());
  if (entry != nullptr && !outdated && !expired) {
    if (when == EvictWhen::kDead || (when != EvictWhen::kAnyway && Entry::counter(entry->load(kRelaxed)) > 0)) return {};
  }
  if (entry != nullptr) {
    unlink_locked(engine_, me_, stripe, entry, chunk, item);
    if (item && item.header.chained()) release_parts_locked(engine_, seen, item);
    me_.count(outdated ? CounterId::k_invalidations : expired ? CounterId::k_expirations : CounterId::k_evictions);
    if (!outdated && !expired) {
      engine_.view.size_class(chunk.size_class).evictions.fetch_add(1, kRelaxed);
      note_eviction_in_namespace(engine_, item);
      // What plain CLOCK throws out too: whether it comes back tells which class is in need.
      const bool told = when == EvictWhen::kUnproven || (when == EvictWhen::kCold && engine_.duel.is_plain());
      if (told && !item.is_lease()) engine_.duel.ghosts().put(KeyId::of(stripe, tag));
    }
  } else {
    // Left linked but unreferenced: by a writer killed between its stores, or by a table started over. Someone may still be
    // copying it under the old version, so that goes up here too. Its parts are found by themselves.
    table.raise_versions(tag);
    me_.count(outdated ? CounterId::k_invalidations : CounterId::k_reclaimed_chunks);
  }
  CARAFE_STEP("evict: before claiming");
  return engine_.slabs.take_linked(chunk, seen, me_);
}

Claim Evictor::take_part(const Chunk& chunk, std::uint64_t seen, EvictWhen when) const noexcept {
  const std::uint32_t stripe = SideWord::stripe(seen);
  const std::uint32_t tag = SideWord::tag(seen);
  if (stripe >= engine_.view.geometry().stripe_count) return {};
  const StripeGuard guard = StripeGuard::attempt(engine_, me_, stripe);
  if (!guard || engine_.slabs.side(chunk).load(kAcquire) != seen) return {};
  const Table table = Table::of(engine_.view, stripe);
  const std::uint64_t chain_id = racy_load(engine_.view.base() + chunk.offset + kPartChainIdAt);
  if (auto* entry = find_chain(engine_, table, tag, chain_id)) {
    const std::uint64_t word = entry->load(kRelaxed);
    const ItemView item = ItemView::at(engine_.view, Entry::offset(word));
    Chunk head;
    const bool outdated = is_outdated(engine_, item);
    const bool dead = outdated || has_expired(item.expiry_ms());
    // A chain is judged at its first chunk; a later one falls with it only when its page has to be emptied.
    if (!(dead || when == EvictWhen::kAnyway) || !engine_.slabs.locate(Entry::offset(word), head)) return {};
    const std::uint64_t head_side = engine_.slabs.side(head).load(kAcquire);
    if (!is_linked_to(head_side, stripe)) return {};
    unlink_locked(engine_, me_, stripe, entry, head, item);
    release_item_locked(engine_, head, head_side, item);
    me_.count(outdated ? CounterId::k_invalidations : dead ? CounterId::k_expirations : CounterId::k_evictions);
    // This very chunk was freed among the others.
    const std::uint64_t now = engine_.slabs.side(chunk).load(kAcquire);
    return SideWord::state(now) == SideWord::kFree ? engine_.slabs.claim_page_locked(chunk, now, me_) : Claim{};
  }
  table.raise_versions(tag);
  me_.count(CounterId::k_reclaimed_chunks);
  return engine_.slabs.take_linked(chunk, seen, me_);
}

Claim Evictor::take_table(const Chunk& chunk, std::uint64_t seen) const noexcept {
  const std::uint32_t stripe = SideWord::stripe(seen);
  if (stripe >= engine_.view.geometry().stripe_count) return {};
  const StripeGuard guard = StripeGuard::attempt(engine_, me_, stripe);
  if (!guard || engine_.slabs.side(chunk).load(kAcquire) != seen) return {};
  auto& directory = engine_.view.directory(stripe);
  if (const std::uint64_t word = directory.load(kAcquire); DirectoryWord::offset(word) == chunk.offset) {
    Stripe& home = engine_.view.stripe(stripe);
    const std::uint32_t epoch = engine_.epoch();
    if (home.table_epoch.load(kRelaxed) == epoch) return {};  // in use: never evicted
    // All that it refers to was cleared: the stripe can do without a table until somebody stores there.
    directory.store(DirectoryWord::none(DirectoryWord::changes(word) + 1), kRelease);
    CARAFE_STEP("drop table: directory cleared");
    home.entry_count.store(0, kRelaxed);
    home.items.store(0, kRelaxed);
    home.item_bytes.store(0, kRelaxed);
    home.table_epoch.store(epoch, kRelaxed);
  }
  me_.count(CounterId::k_reclaimed_chunks);
  return engine_.slabs.take_linked(chunk, seen, me_);  // readers of it see that the directory moved on
}

void Evictor::change_counter(const Chunk& chunk, std::uint64_t (*changed)(std::uint64_t)) const noexcept {
  const std::uint64_t seen = engine_.slabs.side(chunk).load(kAcquire);
  if (SideWord::state(seen) != SideWord::kLinked || SideWord::stripe(seen) >= engine_.view.geometry().stripe_count) return;
  if (auto* entry = Table::of(engine_.view, SideWord::stripe(seen)).find_offset(SideWord::tag(seen), chunk.offset)) {
    std::uint64_t word = entry->load(kRelaxed);
    if (Entry::offset(word) == chunk.offset && Entry::counter(word) != 0) entry->compare_exchange_strong(word, changed(word), kRelaxed);
  }
}

Atomic<std::uint64_t>* Evictor::find_entry(const Chunk& chunk, std::uint64_t seen) const noexcept {
  const Table table = Table::of(engine_.view, SideWord::stripe(seen));
  return SideWord::state(seen) == SideWord::kLinked
             ? table.find_offset(SideWord::tag(seen), chunk.offset)
             : find_chain(engine_, table, SideWord::tag(seen), racy_load(engine_.view.base() + chunk.offset + kPartChainIdAt));
}

bool Evictor::holds_item(const Chunk& chunk, std::uint64_t seen) const noexcept {
  const std::uint32_t stripe = SideWord::stripe(seen);
  if (stripe >= engine_.view.geometry().stripe_count || engine_.classes.shape(chunk.size_class).is_index) return false;
  return SideWord::state(seen) == SideWord::kLinked || SideWord::state(seen) == SideWord::kPart;
}

std::uint32_t Evictor::peek_counter(const Chunk& chunk) const noexcept {
  const std::uint64_t seen = engine_.slabs.side(chunk).load(kAcquire);
  if (!holds_item(chunk, seen)) return kNotEvictable;
  const auto* entry = find_entry(chunk, seen);
  return entry != nullptr ? Entry::counter(entry->load(kRelaxed)) : 0;
}

bool Evictor::is_nobodys(const Chunk& chunk) const noexcept {
  const std::uint64_t seen = engine_.slabs.side(chunk).load(kAcquire);
  if (!holds_item(chunk, seen)) return false;
  return (SideWord::state(seen) == SideWord::kLinked && is_outdated(engine_, ItemView::at(engine_.view, chunk.offset))) ||
         find_entry(chunk, seen) == nullptr;
}

}  // namespace carafe
