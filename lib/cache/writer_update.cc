// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>

#include "base/step.h"
#include "cache/allocator.h"
#include "cache/quota_hand.h"
#include "cache/writer.h"

/// The verbs that make a new value of the old one.
namespace carafe {
namespace {

constexpr std::size_t kNumberBytes = 20;  // of the longest 64-bit integer in decimal, sign included

/// The text of a counter, if it is one.
bool parse_number(std::string_view text, std::int64_t& number) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

void Writer::copy_extension_locked(const Draft& draft, const ItemView& from) const noexcept {
  if (!draft.header.extended()) return;
  std::uint64_t words[(sizeof(std::uint64_t) * 3 + kMaxItemTags * sizeof(std::uint16_t)) / sizeof(std::uint64_t)];
  const std::size_t bytes = std::min(sizeof words, Extension::bytes(draft.header.extension));
  racy_copy_out(words, from.bytes + from.header.extension_at(), bytes);
  racy_copy_in(draft.head.bytes + draft.header.extension_at(), words, bytes);
  // Who refreshes the old one does it for that one.
  if (from.is(Extension::kSoft))
    racy_store(draft.head.bytes + from.refresher_at() - from.header.extension_at() + draft.header.extension_at(), 0);
}

void Writer::copy_stamp_locked(Draft& draft, const ItemView& from) const noexcept {
  draft.header.extension = Extension::with_stamp(draft.header.extension, Extension::stamp(from.header.extension));
  racy_store(draft.head.bytes + draft.header.extension_at(), draft.header.extension);
}

bool Writer::fits_locked(StripeGuard& guard, const Key& key, Draft& made, std::size_t bytes) const noexcept {
  const std::uint32_t size_class = engine_.classes.item_class(bytes);
  if (made.head && size_class != kNoClass && made.head.chunk.size_class >= size_class) return true;
  guard.unlock();
  Allocator(engine_, me_).give_back(made.head);
  made.head = size_class == kNoClass ? Claim{} : claim(key, size_class);
  made.bytes = made.head ? engine_.classes.shape(size_class).chunk_bytes : 0;
  return false;
}

Counter Writer::increment(const Key& key, std::int64_t delta, std::int64_t initial, Expiry expiry, std::uint64_t stamp) const noexcept {
  if (key.space != 0) QuotaHand(engine_, me_).make_room(key.space, kNumberBytes + key.text.size());
  // Room for the longest number, an expiry time and the namespace; what else the old one has is known only under the lock.
  ItemTraits traits;
  traits.stamp = stamp;
  const std::uint64_t extension = traits.extension(key.space);
  Draft made;
  const std::uint32_t size_class =
      engine_.classes.item_class(ItemHeader::make(0, key.text.size(), 0, true, false).with_extension(extension).bytes() + kNumberBytes);
  made.head = size_class == kNoClass ? Claim{} : claim(key, size_class);
  if (made.head) made.bytes = engine_.classes.shape(size_class).chunk_bytes;
  for (int attempt = 0; made.head && attempt < kWriteTries; ++attempt) {
    StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe);
    if (!guard) {
      discard(made);
      return {busy(), 0};
    }
    const Table table = Table::of(engine_.view, key.stripe);
    const std::uint32_t epoch = engine_.epoch();
    Found old = find_locked(engine_, table, key, epoch);
    const bool live = is_live(engine_.view, old);
    if (has_changed_hands(engine_.view, key)) {
      guard.unlock();
      discard(made);
      return {Status::kStale, 0};
    }
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
    char text[kNumberBytes + 1];
    const auto end = std::to_chars(text, text + sizeof text, sum).ptr;
    const auto bytes = static_cast<std::size_t>(end - text);
    made.header = ItemHeader::make(epoch, key.text.size(), bytes, made.expiry_ms != kNeverExpires, false)
                      .with_extension(live && old.item.header.extended() ? old.item.header.extension : extension);
    if (!fits_locked(guard, key, made, made.header.bytes())) continue;
    Atomic<std::uint64_t>* entry = old.entry;
    if (entry == nullptr && !find_room(guard, key, table, attempt, entry, old)) continue;
    if (entry == nullptr) break;
    write_head(made, key);
    if (live && old.item.header.extended()) copy_extension_locked(made, old.item);
    racy_copy_in(made.head.bytes + made.header.value_at(), text, bytes);
    CARAFE_STEP("increment: filled");
    publish_locked(key, made, entry, old);
    guard.unlock();
    me_.count(CounterId::k_sets);
    return {Status::kOk, sum};
  }
  discard(made);
  me_.count(CounterId::k_no_space);
  return {Status::kNoSpace, 0};
}

Status Writer::touch(const Key& key, Expiry expiry) const noexcept {
  if (expiry.already) return erase(key);
  Draft copy;  // with room for an expiry time, where the item has none
  for (int attempt = 0; attempt < kWriteTries; ++attempt) {
    StripeGuard guard = StripeGuard::wait(engine_, me_, key.stripe);
    if (!guard) {
      discard(copy);
      return busy();
    }
    const std::uint32_t epoch = engine_.epoch();
    const Found found = find_locked(engine_, Table::of(engine_.view, key.stripe), key, epoch);
    const bool live = is_live(engine_.view, found);
    if (has_changed_hands(engine_.view, key)) {
      guard.unlock();
      discard(copy);
      return Status::kStale;
    }
    const bool in_place = live && (found.item.header.expires() || expiry.forever());
    if (!live || in_place) {
      if (in_place && found.item.header.expires()) prolong_locked(found, expiry.at_ms);
      guard.unlock();
      discard(copy);
      return live ? Status::kOk : Status::kNotFound;
    }
    // An item stored for ever has no place for an expiry time: a copy with one takes its place.
    const ItemHeader from = found.item.header;
    copy.header = ItemHeader::make(epoch, from.key_bytes(), from.value_bytes(), true, false).with_extension(from.extension);
    if (from.chained()) break;  // never written so
    if (!fits_locked(guard, key, copy, copy.header.bytes())) {
      if (!copy.head) break;
      continue;
    }
    copy.expiry_ms = expiry.at_ms;
    write_head(copy, key);
    copy_extension_locked(copy, found.item);
    racy_copy_in(copy.head.bytes + copy.header.value_at(), found.item.bytes + from.value_at(), from.value_bytes());
    publish_locked(key, copy, found.entry, found);
    return Status::kOk;
  }
  discard(copy);
  return Status::kNoSpace;
}

/// In place: an aligned store, or two where there is a soft time, which keeps its distance from the end. Between them an older value of one
/// may be read with the newer of the other; either is a time that somebody asked for.
void Writer::prolong_locked(const Found& found, std::uint64_t at_ms) const noexcept {
  std::byte* item = engine_.view.base() + found.chunk.offset;
  const std::uint64_t before = found.item.expiry_ms();
  std::uint64_t end_ms = at_ms;
  if (found.item.is(Extension::kSoft)) {
    const std::uint64_t soft = found.item.soft();
    const std::uint64_t grace = before == kNeverExpires ? 0 : before - std::min(before, Extension::soft_ms(soft));
    const bool forever = at_ms == kNeverExpires;
    if (!forever) end_ms = at_ms + grace;
    racy_store(item + found.item.header.extension_at() + Extension::soft_at(found.item.header.extension),
               Extension::soft(forever ? Extension::kNeverSoft : at_ms, Extension::cost_ms(soft)));
  }
  racy_store(item + found.item.header.expiry_at(), end_ms);
  note_expiry_of(found.chunk, end_ms);
}

}  // namespace carafe
