// SPDX-License-Identifier: MIT
#include "cache/items.h"

#include "base/futex.h"
#include "base/hash.h"
#include "base/step.h"
#include "cache/stripe_guard.h"
#include "stats/gauge.h"

namespace carafe {

std::uint64_t Key::hash_of(const Engine& engine, std::string_view text, std::uint32_t space) noexcept {
  return hash_key(text, engine.seed + space * 0x9e3779b97f4a7c15ULL);
}

ItemView ItemView::extended_at(const View& view, std::uint64_t offset, ItemHeader header) noexcept {
  const std::byte* start = view.chunk(offset, header.extension_at() + sizeof(std::uint64_t));
  if (start == nullptr) return {};
  header.extension = racy_load(start + header.extension_at());
  const std::size_t key_at = header.extension_at() + Extension::bytes(header.extension);
  if (view.chunk(offset, key_at + header.key_bytes() + header.value_bytes()) == nullptr) return {};
  return {start, header, key_at};
}

Validity validity_of_extended(const View& view, ItemView item) noexcept {
  if (is_invalidated(view, item) || has_expired(item.expiry_ms())) return Validity::kGone;
  const std::uint64_t extension = item.header.extension;
  if ((extension & Extension::kKinds) == 0) [[likely]]
    return Validity::kValue;
  if (Extension::is(extension, Extension::kLease)) return Validity::kLease;
  if (Extension::is(extension, Extension::kFailed)) return Validity::kFailed;
  if (Extension::is(extension, Extension::kNone)) return Validity::kNone;
  if (Extension::is(extension, Extension::kSoft) && has_expired(Extension::soft_ms(item.soft()))) return Validity::kStale;
  return Validity::kValue;
}

Found find_locked(const Engine& engine, const Table& table, const Key& key, std::uint32_t epoch) noexcept {
  Found found;
  auto* entry = table.find(key.tag, [&](std::uint64_t word) {
    found.item = ItemView::at(engine.view, Entry::offset(word));
    return found.item && is_current(found.item.header, epoch) && found.item.has_key(key) &&
           engine.slabs.locate(Entry::offset(word), found.chunk);
  });
  if (entry == nullptr) return {};
  found.entry = entry;
  found.word = entry->load(kRelaxed);
  found.side = engine.slabs.side(found.chunk).load(kAcquire);
  if (!is_linked_to(found.side, key.stripe)) return {};  // somebody scribbled
  return found;
}

std::uint64_t chunk_bytes_locked(const Engine& engine, const Chunk& chunk, const ItemView& item) noexcept {
  std::uint64_t bytes = engine.classes.shape(chunk.size_class).chunk_bytes;
  if (item.header.chained()) {
    for_each_part(engine, item, [&](std::uint64_t offset, std::size_t, const std::byte*) {
      Chunk part;
      if (!engine.slabs.locate(offset, part)) return false;
      bytes += engine.classes.shape(part.size_class).chunk_bytes;
      return true;
    });
  }
  return bytes;
}

void account_locked(const Engine& engine, const Worker& me, std::uint32_t stripe_number, std::uint32_t epoch, std::int64_t items,
                    std::int64_t bytes) noexcept {
  Stripe& stripe = engine.view.stripe(stripe_number);
  if (stripe.table_epoch.load(kRelaxed) == epoch) {
    stripe.items.store(stripe.items.load(kRelaxed) + static_cast<std::uint32_t>(items), kRelaxed);
    stripe.item_bytes.store(stripe.item_bytes.load(kRelaxed) + static_cast<std::uint64_t>(bytes), kRelaxed);
  }
  if (me.lane == nullptr) return;
  if (items != 0) Gauge::add(me.lane->items, epoch, items);
  if (bytes != 0) Gauge::add(me.lane->item_bytes, epoch, bytes / 8);
}

void account_in_namespace(const Engine& engine, const ItemHeader& header, std::int64_t items, std::int64_t bytes) noexcept {
  const std::uint32_t space = header.space();
  if (space == 0 || space > engine.view.geometry().namespace_count) return;
  NamespaceRecord& record = engine.view.namespace_record(space - 1);
  if (NamespaceWord::cleared_at(record.word.load(kRelaxed)) > Extension::stamp(header.extension)) return;
  if (items != 0) Gauge::add(record.items, header.epoch(), items);
  if (bytes != 0) Gauge::add(record.bytes, header.epoch(), bytes / 8);
}

void release_parts_locked(const Engine& engine, std::uint64_t side, const ItemView& item) noexcept {
  for_each_part(engine, item, [&](std::uint64_t offset, std::size_t, const std::byte*) {
    Chunk part;
    if (!engine.slabs.locate(offset, part)) return false;
    const std::uint64_t word = engine.slabs.side(part).load(kAcquire);
    if (SideWord::state(word) != SideWord::kPart || SideWord::stripe(word) != SideWord::stripe(side)) return false;
    engine.slabs.release(part, word);
    return true;
  });
}

void release_item_locked(const Engine& engine, const Chunk& chunk, std::uint64_t side, const ItemView& item) noexcept {
  // Parts first: while the first chunk is linked, nobody can claim it and overwrite the list we walk.
  if (item.header.chained()) release_parts_locked(engine, side, item);
  CARAFE_STEP("release item: parts free");
  engine.slabs.release(chunk, side);
}

namespace {

/// What the dead holder was in the middle of may be missing from the stripe's counts: they are taken anew from the table.
void recount_locked(const Engine& engine, std::uint32_t stripe_number) noexcept {
  Stripe& stripe = engine.view.stripe(stripe_number);
  const Table table = Table::of(engine.view, stripe_number);
  // The dead one may have changed any bucket without raising its version. A reader of the one bucket must not take what it saw there
  // together with what we change in the other for one state (found by the model displace.pml: a false miss).
  for (std::uint32_t i = 0; i < table.count; ++i) Table::raise_version(&table.buckets[i].entries[0]);
  CARAFE_STEP("take over: versions raised");
  stripe.moves.store(stripe.moves.load(kRelaxed) + 1, kRelease);
  table.remove_twins();
  const std::uint32_t epoch = stripe.table_epoch.load(kRelaxed);
  std::uint32_t entries = 0;
  std::uint32_t items = 0;
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < table.count; ++i)
    for (auto& entry : table.buckets[i].entries) {
      const std::uint64_t word = entry.load(kRelaxed);
      if (word == Entry::kEmpty) continue;
      ++entries;
      const ItemView item = ItemView::at(engine.view, Entry::offset(word));
      Chunk chunk;
      if (!item || !is_current(item.header, epoch) || !engine.slabs.locate(Entry::offset(word), chunk)) continue;
      items += static_cast<std::uint32_t>(count_of(item));
      bytes += chunk_bytes_locked(engine, chunk, item);
    }
  stripe.entry_count.store(entries, kRelaxed);
  stripe.items.store(items, kRelaxed);
  stripe.item_bytes.store(bytes, kRelaxed);
}

}  // namespace

StripeGuard::StripeGuard(const Engine& engine, std::uint32_t stripe, LockResult result) noexcept {
  if (result == LockResult::kBusy) return;
  stripe_ = &engine.view.stripe(stripe);
  if (result == LockResult::kTakenOver) [[unlikely]]
    recount_locked(engine, stripe);
}

/// A lease has gone: who waits for one is woken, after the lock was let go. A death in between costs them the time until they look by
/// themselves.
void StripeGuard::unlock_and_wake() noexcept {
  stripe_->lease_gone.store(0, kRelaxed);
  // First, and under the lock: a flag that is taken here is of one who read the sequence before. Who sets it later waits for another lease,
  // and is that one's to wake (lease.pml).
  const bool awaited = stripe_->lease_waiters.exchange(0, kRelaxed) != 0;
  stripe_->lease_seq.fetch_add(1, kRelease);
  CARAFE_STEP("lease: told");
  OwnerLock::unlock(stripe_->lock);
  if (awaited) futex_wake(futex_word(stripe_->lease_seq), kAllWaiters);
}

}  // namespace carafe
