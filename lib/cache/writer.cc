// SPDX-License-Identifier: MIT
#include "cache/writer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/step.h"
#include "cache/admission.h"
#include "cache/allocator.h"
#include "cache/rebuild.h"

namespace carafe {
namespace {

constexpr std::size_t kNumberBytes = 20;  // of the longest 64-bit integer in decimal, sign included

/// The text of a counter, if it is one.
bool parse_number(std::string_view text, std::int64_t& number) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Status Writer::busy() const noexcept {
  me_.count(CounterId::k_busy);
  return Status::kBusy;
}

/// Advice for the search for outdated pages and for expired items.
void Writer::note_epoch(std::uint32_t page, std::uint32_t epoch) const noexcept {
  auto& last = engine_.view.page_info(page).last_epoch;
  if (last.load(kRelaxed) != epoch) last.store(epoch, kRelaxed);
}

void Writer::note_expiry_of(const Chunk& chunk, std::uint64_t at_ms) const noexcept {
  if (at_ms == kNeverExpires) return;
  PageInfo& page = engine_.view.page_info(chunk.page);
  SegmentHeader& header = engine_.view.header();
  note_expiry(page.min_expiry_ms, at_ms);
  note_expiry(page.next_min_expiry_ms, at_ms);
  note_expiry(header.next_expiry_ms, at_ms);
  note_expiry(header.pass_expiry_ms, at_ms);
}

void Writer::write_head(const Draft& draft, const Key& key) const noexcept {
  std::byte* to = draft.head.bytes;
  racy_store(to, draft.header.word);
  if (draft.header.expires()) racy_store(to + draft.header.expiry_at(), draft.expiry_ms);
  if (draft.header.extended()) {
    racy_store(to + draft.header.extension_at(), ItemHeader::kLease);
    racy_store(to + draft.header.extension_at() + 8, draft.lease_owner);
  }
  racy_copy_in(to + draft.header.key_at(), key.text.data(), key.text.size());
}

/// A chunk for the key's item. The misses of memory that finding one and the key's place will cost are begun together.
Claim Writer::claim(const Key& key, std::uint32_t size_class) const noexcept {
  const Allocator allocator(engine_, me_);
  allocator.touch_ahead(size_class);
  touch_ahead(engine_, key);
  return allocator.claim(size_class, admit(engine_, key, size_class));
}

Writer::Draft Writer::draft(const Key& key, std::string_view value, std::uint64_t expiry_ms, bool expires,
                            std::uint32_t epoch) const noexcept {
  Draft draft;
  draft.expiry_ms = expiry_ms;
  const std::uint64_t single = ItemHeader::make(epoch, key.text.size(), 0, true, false).bytes() + value.size();
  const std::uint32_t size_class = engine_.classes.item_class(single - (expires ? 0 : sizeof(std::uint64_t)));
  if (single > engine_.classes.largest_item_bytes()) {
    // A chain always has a place for an expiry time, so that touch need not copy it.
    draft.header = ItemHeader::make(epoch, key.text.size(), 0, true, true);
    if (!draft_chain(draft, key, value, epoch)) {
      discard(draft);
      return {};
    }
    return draft;
  }
  draft.header = ItemHeader::make(epoch, key.text.size(), value.size(), expires, false);
  draft.head = claim(key, size_class);
  if (!draft.head) return {};
  write_head(draft, key);
  racy_copy_in(draft.head.bytes + draft.header.value_at(), value.data(), value.size());
  draft.bytes = engine_.classes.shape(size_class).chunk_bytes;
  return draft;
}

/// Fills a chain from its end, so that each chunk knows the next one when it is written and nothing has to be remembered.
bool Writer::draft_chain(Draft& draft, const Key& key, std::string_view value, std::uint32_t epoch) const noexcept {
  const Allocator allocator(engine_, me_);
  const std::uint64_t chain_id = engine_.view.header().next_chain_id.fetch_add(1, kRelaxed);
  // As few chunks as it takes, all of one class and about equally full: so the class that holds the first chunk holds the others too,
  // and whatever makes room there makes room for whole chains.
  const std::uint64_t overhead = draft.header.key_at() + key.text.size();
  const std::uint64_t most = engine_.classes.largest_item_bytes();
  const std::uint64_t count =
      1 + (value.size() - std::min<std::uint64_t>(value.size(), most - overhead) + most - kPartBytesAt - 1) / (most - kPartBytesAt);
  const std::uint64_t needed = (value.size() + overhead + (count - 1) * kPartBytesAt + count - 1) / count;
  const std::uint32_t size_class = engine_.classes.item_class(std::max(needed, overhead + 8));
  if (size_class == kNoClass) return false;
  const std::uint64_t chunk = engine_.classes.shape(size_class).chunk_bytes;
  const std::uint64_t in_head = std::min<std::uint64_t>({chunk - overhead, ItemHeader::kMaxValueBytes, value.size()});
  const std::uint64_t in_part = chunk - kPartBytesAt;
  std::uint64_t end = value.size();
  while (end > in_head) {
    const std::uint64_t rest = end - in_head;
    const std::uint64_t bytes = rest % in_part == 0 ? in_part : rest % in_part;
    const Claim part = allocator.claim(size_class);
    if (!part) return false;
    racy_store(part.bytes + kPartNextAt, draft.first_part);
    racy_store(part.bytes + kPartChainIdAt, chain_id);
    racy_copy_in(part.bytes + kPartBytesAt, value.data() + (end - bytes), bytes);
    draft.first_part = PartRef::make(part.chunk.offset, bytes);
    ++draft.parts;
    draft.bytes += engine_.classes.shape(part.chunk.size_class).chunk_bytes;
    end -= bytes;
    CARAFE_STEP("chain: part filled");
  }
  draft.head = claim(key, size_class);
  if (!draft.head) return false;
  draft.header = ItemHeader::make(epoch, key.text.size(), in_head, true, true);
  write_head(draft, key);
  racy_store(draft.head.bytes + draft.header.chain_at(), draft.first_part);
  racy_store(draft.head.bytes + draft.header.chain_at() + 8, value.size());
  racy_store(draft.head.bytes + draft.header.chain_at() + 16, chain_id);
  racy_copy_in(draft.head.bytes + draft.header.value_at(), value.data(), in_head);
  draft.bytes += chunk;
  return true;
}

void Writer::discard(const Draft& draft) const noexcept {
  const Allocator allocator(engine_, me_);
  std::uint64_t ref = draft.first_part;
  for (std::uint32_t i = 0; i < draft.parts; ++i) {
    Claim part;
    if (!engine_.slabs.locate(PartRef::offset(ref), part.chunk)) break;
    part.bytes = engine_.view.base() + part.chunk.offset;
    part.word = engine_.slabs.side(part.chunk).load(kRelaxed);
    ref = racy_load(part.bytes + kPartNextAt);
    allocator.give_back(part);
  }
  allocator.give_back(draft.head);
}

Status Writer::judge(const Found& found, bool live, Condition condition, std::uint64_t version) const noexcept {
  switch (condition) {
    case Condition::kLease:
      return found && found.item.is_lease() && version_token(found.chunk.offset, found.side) == version ? Status::kOk : Status::kStale;
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
  const std::int64_t items = (draft.lease_owner != 0 ? 0 : 1) - (counted ? count_of(old.item) : 0);
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
  account_locked(engine_, me_, key.stripe, epoch, items, static_cast<std::int64_t>(draft.bytes) - old_bytes);
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
}

Status Writer::store(const Key& key, std::string_view value, Expiry expiry, Condition condition, std::uint64_t version) const noexcept {
  if (value.size() > engine_.largest_value_bytes()) {
    me_.count(CounterId::k_too_large);
    const Status erased = erase(key, condition, version);  // a stale value that looks like success is the worst answer
    return erased == Status::kOk || (erased == Status::kNotFound && (condition == Condition::kAlways || condition == Condition::kAbsent))
               ? Status::kTooLarge
               : erased;
  }
  if (expiry.already) {
    const Status erased = erase(key, condition, version);
    return erased == Status::kNotFound && (condition == Condition::kAlways || condition == Condition::kAbsent) ? Status::kOk : erased;
  }
  Draft made = draft(key, value, expiry.at_ms, !expiry.forever(), engine_.epoch());
  if (!made.head) {
    me_.count(CounterId::k_no_space);
    const Status erased = erase(key, condition, version);
    return erased == Status::kOk || (erased == Status::kNotFound && (condition == Condition::kAlways || condition == Condition::kAbsent))
               ? Status::kNoSpace
               : erased;
  }
  for (int attempt = 0; attempt < kWriteTries; ++attempt) {
    StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe);
    if (!guard) {
      discard(made);
      return busy();
    }
    const Table table = Table::of(engine_.view, key.stripe);
    const std::uint32_t epoch = engine_.epoch();
    Found old = find_locked(engine_, table, key, epoch);
    const bool live = is_live(old);
    const Status verdict = judge(old, live, condition, version);
    // Cleared since the draft was made: this set came before the clear, so nothing is kept of it.
    if (verdict != Status::kOk || made.header.epoch() != epoch) {
      guard.unlock();
      discard(made);
      // But an add that says kOk has to have been the only one, so it begins anew.
      if (verdict == Status::kOk && condition == Condition::kAbsent && attempt + 1 < kWriteTries) {
        made = draft(key, value, expiry.at_ms, !expiry.forever(), engine_.epoch());
        if (!made.head) break;
        continue;
      }
      return verdict;
    }
    Atomic<std::uint64_t>* entry = old.entry;
    if (entry == nullptr && !find_room(guard, key, table, attempt, entry, old)) continue;
    if (entry == nullptr) break;
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

Status Writer::plant_lease(const Key& key, std::uint64_t replaced, std::uint64_t& token) const noexcept {
  constexpr std::uint64_t kLongestMs = 3'600'000;  // then it is collected as what has expired is
  Draft made;
  made.header = ItemHeader::make(engine_.epoch(), key.text.size(), 0, true, false).with_extension();
  made.expiry_ms = now_ms() + kLongestMs;
  made.lease_owner = me_.word;
  if (made.header.bytes() > engine_.classes.largest_item_bytes()) return Status::kNoSpace;
  const std::uint32_t size_class = engine_.classes.item_class(made.header.bytes());
  made.head = Allocator(engine_, me_).claim(size_class);
  if (!made.head) return Status::kNoSpace;
  made.bytes = engine_.classes.shape(size_class).chunk_bytes;
  write_head(made, key);
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
    const bool held = old && old.item.is_lease() && old.item.lease_owner() != replaced;
    if (is_live(old) || held || made.header.epoch() != epoch) {
      guard.unlock();
      discard(made);
      return held || made.header.epoch() != epoch ? Status::kVersionChanged : Status::kExists;
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

Status Writer::erase(const Key& key, Condition condition, std::uint64_t version) const noexcept {
  StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe);
  if (!guard) return busy();
  const Found found = find_locked(engine_, Table::of(engine_.view, key.stripe), key, engine_.epoch());
  const bool live = is_live(found);
  const Status verdict = judge(found, live, condition, version);
  if (verdict != Status::kOk) return verdict;
  if (!found) return Status::kNotFound;
  const bool lease = found.item.is_lease();
  remove_locked(key, found);
  guard.unlock();
  if (lease) return condition == Condition::kLease ? Status::kOk : Status::kNotFound;
  me_.count(live ? CounterId::k_erases : CounterId::k_expirations);
  return live ? Status::kOk : Status::kNotFound;
}

Counter Writer::increment(const Key& key, std::int64_t delta, std::int64_t initial, Expiry expiry) const noexcept {
  // Room for the longest number and an expiry time, since the old one's is known only under the lock.
  Draft made;
  const std::uint32_t size_class = engine_.classes.item_class(ItemHeader::make(0, key.text.size(), 0, true, false).bytes() + kNumberBytes);
  made.head = size_class == kNoClass ? Claim{} : claim(key, size_class);
  if (!made.head) {
    me_.count(CounterId::k_no_space);
    return {Status::kNoSpace, 0};
  }
  made.bytes = engine_.classes.shape(size_class).chunk_bytes;
  for (int attempt = 0; attempt < kWriteTries; ++attempt) {
    StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe);
    if (!guard) {
      discard(made);
      return {busy(), 0};
    }
    const Table table = Table::of(engine_.view, key.stripe);
    const std::uint32_t epoch = engine_.epoch();
    Found old = find_locked(engine_, table, key, epoch);
    const bool live = is_live(old);
    Counter result{Status::kOk, initial};
    made.expiry_ms = expiry.at_ms;
    if (live) {
      char text[kNumberBytes];
      const std::size_t bytes = old.item.header.value_bytes();
      if (old.item.header.chained() || bytes > sizeof text) {
        result = {Status::kNotANumber, 0};
      } else {
        racy_copy_out(text, old.item.bytes + old.item.header.value_at(), bytes);
        if (!parse_number({text, bytes}, result.value)) result = {Status::kNotANumber, 0};
      }
      made.expiry_ms = old.item.expiry_ms();
    }
    std::int64_t sum = 0;
    if (result.status == Status::kOk && __builtin_add_overflow(result.value, delta, &sum)) result.status = Status::kNotANumber;
    if (result.status != Status::kOk || (!live && expiry.already)) {
      if (result.status == Status::kOk) result.value = sum;  // not kept: it would have expired already
      guard.unlock();
      discard(made);
      return result;
    }
    Atomic<std::uint64_t>* entry = old.entry;
    if (entry == nullptr && !find_room(guard, key, table, attempt, entry, old)) continue;
    if (entry == nullptr) break;
    char text[kNumberBytes + 1];
    const auto end = std::to_chars(text, text + sizeof text, sum).ptr;
    const auto bytes = static_cast<std::size_t>(end - text);
    made.header = ItemHeader::make(epoch, key.text.size(), bytes, made.expiry_ms != kNeverExpires, false);
    write_head(made, key);
    racy_copy_in(made.head.bytes + made.header.value_at(), text, bytes);
    CARAFE_STEP("increment: filled");
    publish_locked(key, made, entry, old);
    guard.unlock();
    me_.count(CounterId::k_sets);
    return {Status::kOk, sum};
  }
  discard(made);
  return {Status::kNoSpace, 0};
}

Status Writer::touch(const Key& key, Expiry expiry) const noexcept {
  if (expiry.already) return erase(key);
  std::uint32_t wanted_class = kNoClass;  // of a copy with room for an expiry time, where the item has none
  Draft copy;
  for (int attempt = 0; attempt < kWriteTries; ++attempt) {
    if (wanted_class != kNoClass && !copy.head) {
      copy.head = claim(key, wanted_class);
      if (!copy.head) return Status::kNoSpace;
    }
    StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe);
    if (!guard) {
      discard(copy);
      return busy();
    }
    const std::uint32_t epoch = engine_.epoch();
    const Found found = find_locked(engine_, Table::of(engine_.view, key.stripe), key, epoch);
    const bool live = is_live(found);
    const bool in_place = live && (found.item.header.expires() || expiry.forever());
    if (!live || in_place) {
      if (in_place && found.item.header.expires()) {
        racy_store(engine_.view.base() + found.chunk.offset + found.item.header.expiry_at(), expiry.at_ms);  // one aligned store
        note_expiry_of(found.chunk, expiry.at_ms);
      }
      guard.unlock();
      discard(copy);
      return live ? Status::kOk : Status::kNotFound;
    }
    // An item stored for ever has no place for an expiry time: a copy with one takes its place.
    const ItemHeader from = found.item.header;
    const ItemHeader to = ItemHeader::make(epoch, from.key_bytes(), from.value_bytes(), true, false);
    const std::uint32_t size_class = engine_.classes.item_class(to.bytes());
    if (from.chained() || size_class == kNoClass) break;  // neither is ever written so
    if (!copy.head || copy.head.chunk.size_class != size_class) {
      guard.unlock();
      Allocator(engine_, me_).give_back(copy.head);
      copy.head = {};
      wanted_class = size_class;
      continue;
    }
    copy.header = to;
    copy.expiry_ms = expiry.at_ms;
    copy.bytes = engine_.classes.shape(size_class).chunk_bytes;
    write_head(copy, key);
    racy_copy_in(copy.head.bytes + to.value_at(), found.item.bytes + from.value_at(), from.value_bytes());
    publish_locked(key, copy, found.entry, found);
    return Status::kOk;
  }
  discard(copy);
  return Status::kNoSpace;
}

}  // namespace carafe
