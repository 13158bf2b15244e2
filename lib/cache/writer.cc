// SPDX-License-Identifier: MIT
#include "cache/writer.h"

#include <algorithm>

#include "base/step.h"
#include "cache/allocator.h"
#include "cache/quota_hand.h"
#include "cache/rebuild.h"

namespace carafe {

Status Writer::busy() const noexcept {
  me_.count(CounterId::k_busy);
  return Status::kBusy;
}

bool Writer::are_invalidated(const ItemTraits& traits) const noexcept {
  for (std::size_t i = 0; i < traits.tag_count; ++i)
    if (engine_.view.tag(traits.tags[i]).load(kAcquire) > traits.stamp) return true;
  return false;
}

/// Whether that very item is there still, nothing it belongs to was invalidated, and the load is ours. The stamp tells of an invalidation
/// though the bytes stand.
bool Writer::is_our_lease(const Found& found, std::uint64_t token) const noexcept {
  return found && version_token(found.chunk.offset, found.side) == token && found.item.loader() == me_.word &&
         !is_invalidated(engine_.view, found.item);
}

Status Writer::judge(const Found& found, bool live, Condition condition, std::uint64_t version) const noexcept {
  switch (condition) {
    case Condition::kLease:
      return is_our_lease(found, version) ? Status::kOk : Status::kStale;
    case Condition::kAlways:
      return Status::kOk;
    case Condition::kAbsent:
      return live ? Status::kExists : Status::kOk;
    case Condition::kPresent:
      return live ? Status::kOk : Status::kNotFound;
    case Condition::kVersion:
      if (!live) return Status::kNotFound;
      return version_token(found.chunk.offset, found.side) == version ? Status::kOk : Status::kVersionChanged;
  }
  return Status::kOk;
}

bool Writer::find_room(StripeGuard& guard, const Key& key, const Table& table, int attempt, Atomic<std::uint64_t>*& entry,
                       Found& old) const noexcept {
  Stripe& stripe = engine_.view.stripe(key.stripe);
  const std::uint32_t epoch = engine_.epoch();
  const bool fresh = stripe.table_epoch.load(kRelaxed) == epoch;
  const std::uint32_t entries = stripe.entry_count.load(kRelaxed);
  const bool may_rebuild = attempt < kWriteTries - 2;
  const std::uint32_t more = static_cast<std::uint32_t>(attempt) * (table.count / 8 + 1);  // that size had no luck: try another
  if (may_rebuild && (!fresh || table.count == 0 || TableSize::is_full(entries, table.count))) {
    guard.unlock();
    rebuild_table(engine_, me_, key.stripe, table.directory_word, std::max(table.count + 1, TableSize::for_entries(entries)) + more);
    return false;
  }
  if (!fresh) {  // no room for a new table: go on with the old one; what it holds is dead and gives way
    stripe.items.store(0, kRelaxed);
    stripe.item_bytes.store(0, kRelaxed);
    stripe.table_epoch.store(epoch, kRelaxed);
  }
  entry = table.find_empty(key.tag);
  if (entry != nullptr) return true;
  entry = table.displace(key.tag, &stripe.moves);
  if (entry != nullptr) return true;
  if (may_rebuild) {
    guard.unlock();
    rebuild_table(engine_, me_, key.stripe, table.directory_word, table.count + table.count / 8 + 1 + more);
    return false;
  }
  entry = table.find_coldest(key.tag);
  if (entry == nullptr) return true;
  old.entry = entry;
  old.word = entry->load(kRelaxed);
  old.item = ItemView::at(engine_.view, Entry::offset(old.word));
  if (!engine_.slabs.locate(Entry::offset(old.word), old.chunk)) old.item = {};
  if (old.item) old.side = engine_.slabs.side(old.chunk).load(kAcquire);
  if (!is_linked_to(old.side, key.stripe)) old.item = {};
  me_.count(CounterId::k_evictions);
  me_.count(CounterId::k_conflict_evictions);
  return true;
}

void Writer::publish_locked(const Key& key, const Draft& draft, Atomic<std::uint64_t>* entry, const Found& old) const noexcept {
  const Slabs& slabs = engine_.slabs;
  const std::uint32_t epoch = draft.header.epoch();
  const bool replaces = old && old.item;
  const bool counted = replaces && is_current(old.item.header, epoch);
  const std::int64_t items_before = counted ? count_of(old.item) : 0;
  const std::int64_t items_after = Extension::is(draft.header.extension, Extension::kLease) ? 0 : 1;
  if (replaces) note_gone_locked(engine_, key.stripe, old.item);
  const auto old_bytes = static_cast<std::int64_t>(counted ? chunk_bytes_locked(engine_, old.chunk, old.item) : 0);

  note_epoch(draft.head.chunk.page, epoch);
  note_expiry_of(draft.head.chunk, draft.expiry_ms);
  std::uint64_t ref = draft.first_part;
  for (std::uint32_t i = 0; i < draft.parts; ++i) {
    Chunk part;
    if (!slabs.locate(PartRef::offset(ref), part)) break;
    note_epoch(part.page, epoch);
    Atomic<std::uint64_t>& side = slabs.side(part);
    side.store(SideWord::part(SideWord::generation(side.load(kRelaxed)), key.stripe, key.tag), kRelease);
    CARAFE_STEP("publish: part marked");
    ref = racy_load(engine_.view.base() + part.offset + kPartNextAt);
  }

  slabs.side(draft.head.chunk).store(SideWord::linked(SideWord::generation(draft.head.word), key.stripe, key.tag), kRelease);
  CARAFE_STEP("publish: linked");
  const std::uint64_t kept_counter = replaces && Entry::tag(old.word) == key.tag ? Entry::counter(entry->load(kRelaxed)) : 0;
  entry->store(Entry::make(key.tag, draft.head.chunk.offset) | kept_counter, kRelease);
  CARAFE_STEP("publish: visible");
  Table::raise_version(entry);
  CARAFE_STEP("publish: version raised");
  if (replaces) release_item_locked(engine_, old.chunk, old.side, old.item);
  CARAFE_STEP("publish: old freed");

  Stripe& stripe = engine_.view.stripe(key.stripe);
  if (!old) stripe.entry_count.store(stripe.entry_count.load(kRelaxed) + 1, kRelaxed);
  account_locked(engine_, me_, key.stripe, epoch, items_after - items_before, static_cast<std::int64_t>(draft.bytes) - old_bytes);
  if (draft.header.extended()) account_in_namespace(engine_, draft.header, items_after, static_cast<std::int64_t>(draft.bytes));
  if (counted && old.item.header.extended()) account_in_namespace(engine_, old.item.header, -items_before, -old_bytes);
}

void Writer::remove_locked(const Key& key, const Found& found) const noexcept {
  const auto bytes = static_cast<std::int64_t>(chunk_bytes_locked(engine_, found.chunk, found.item));
  const std::int64_t items = count_of(found.item);
  note_gone_locked(engine_, key.stripe, found.item);
  found.entry->store(Entry::kEmpty, kRelease);
  CARAFE_STEP("erase: entry cleared");
  Table::raise_version(found.entry);
  CARAFE_STEP("erase: version raised");
  release_item_locked(engine_, found.chunk, found.side, found.item);
  Stripe& stripe = engine_.view.stripe(key.stripe);
  stripe.entry_count.store(stripe.entry_count.load(kRelaxed) - 1, kRelaxed);
  account_locked(engine_, me_, key.stripe, found.item.header.epoch(), -items, -bytes);
  if (found.item.header.extended()) account_in_namespace(engine_, found.item.header, -items, -bytes);
}

Status Writer::store(const Key& key, std::string_view value, const ItemTraits& traits, Condition condition,
                     std::uint64_t version) const noexcept {
  if (value.size() > engine_.largest_value_bytes()) {
    me_.count(CounterId::k_too_large);
    const Status erased = erase(key, condition, version);  // a stale value that looks like success is the worst answer
    return erased == Status::kOk || (erased == Status::kNotFound && (condition == Condition::kAlways || condition == Condition::kAbsent))
               ? Status::kTooLarge
               : erased;
  }
  if (traits.expiry.already) {
    const Status erased = erase(key, condition, version);
    return erased == Status::kNotFound && (condition == Condition::kAlways || condition == Condition::kAbsent) ? Status::kOk : erased;
  }
  if (key.space != 0) QuotaHand(engine_, me_).make_room(key.space, value.size() + key.text.size());
  Draft made = draft(key, value, traits, engine_.epoch());
  if (!made.head) {
    me_.count(CounterId::k_no_space);
    const Status erased = erase(key, condition, version);
    return erased == Status::kOk || (erased == Status::kNotFound && (condition == Condition::kAlways || condition == Condition::kAbsent))
               ? Status::kNoSpace
               : erased;
  }
  for (int attempt = 0; attempt < kWriteTries; ++attempt) {
    StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe, patience_of(condition));
    if (!guard) {
      discard(made);
      return busy();
    }
    const Table table = Table::of(engine_.view, key.stripe);
    const std::uint32_t epoch = engine_.epoch();
    Found old = find_locked(engine_, table, key, epoch);
    const bool live = is_live(engine_.view, old);
    Status verdict = has_changed_hands(engine_.view, key) ? Status::kStale : judge(old, live, condition, version);
    // A tag that only the value has was invalidated while it was computed.
    const bool outdated_tag = condition == Condition::kLease && verdict == Status::kOk && are_invalidated(traits);
    if (outdated_tag) {
      remove_locked(key, old);
      verdict = Status::kStale;
    }
    // Cleared since the draft was made: this set came before the clear, so nothing is kept of it.
    if (verdict != Status::kOk || made.header.epoch() != epoch) {
      guard.unlock();
      discard(made);
      // But an add that says kOk has to have been the only one, so it begins anew.
      if (verdict == Status::kOk && condition == Condition::kAbsent && attempt + 1 < kWriteTries) {
        made = draft(key, value, traits, engine_.epoch());
        if (!made.head) break;
        continue;
      }
      return verdict;
    }
    Atomic<std::uint64_t>* entry = old.entry;
    if (entry == nullptr && !find_room(guard, key, table, attempt, entry, old)) continue;
    if (entry == nullptr) break;
    if (condition == Condition::kVersion && made.header.extended()) copy_stamp_locked(made, old.item);
    publish_locked(key, made, entry, old);
    const std::uint32_t entries = engine_.view.stripe(key.stripe).entry_count.load(kRelaxed);
    guard.unlock();
    me_.count(CounterId::k_sets);
    if (TableSize::is_sparse(entries, table.count))
      shrink_table(engine_, me_, key.stripe, table.directory_word, TableSize::for_entries(entries));
    return Status::kOk;
  }
  discard(made);
  me_.count(CounterId::k_no_space);
  if (condition == Condition::kAlways || condition == Condition::kLease) static_cast<void>(erase(key, condition, version));
  return Status::kNoSpace;
}

Status Writer::erase(const Key& key, Condition condition, std::uint64_t version) const noexcept {
  StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe, patience_of(condition));
  if (!guard) return busy();
  const Found found = find_locked(engine_, Table::of(engine_.view, key.stripe), key, engine_.epoch());
  const Validity validity = validity_of(engine_.view, found);
  const bool live = validity == Validity::kValue;
  const Status verdict = has_changed_hands(engine_.view, key) ? Status::kStale : judge(found, live, condition, version);
  if (verdict != Status::kOk) return verdict;
  if (!found) return Status::kNotFound;
  remove_locked(key, found);
  guard.unlock();
  if (condition == Condition::kLease) return Status::kOk;
  if (validity == Validity::kGone) me_.count(CounterId::k_expirations);
  if (validity != Validity::kGone && validity != Validity::kLease) me_.count(CounterId::k_erases);
  return live ? Status::kOk : Status::kNotFound;
}

}  // namespace carafe
