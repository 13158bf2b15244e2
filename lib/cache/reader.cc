// SPDX-License-Identifier: MIT
#include "cache/reader.h"

#include "cache/stripe_guard.h"
#include "cache/writer.h"
#include "expiry/ttl.h"

namespace carafe {
namespace {

ReadResult result_of(Validity validity) noexcept {
  switch (validity) {
    case Validity::kValue:
      return ReadResult::kHit;
    case Validity::kStale:
      return ReadResult::kStale;
    case Validity::kNone:
      return ReadResult::kNone;
    case Validity::kFailed:
      return ReadResult::kFailed;
    case Validity::kLease:
    case Validity::kGone:
      break;
  }
  return ReadResult::kMiss;
}

bool is_value(Validity validity) noexcept { return validity == Validity::kValue || validity == Validity::kStale; }

ReadDetails details_of(ItemView item, std::uint64_t offset, std::uint64_t side) noexcept {
  return {version_token(offset, side), item.expiry_ms(), item.is(Extension::kSoft) ? item.soft() : 0};
}

struct Match {
  Atomic<std::uint64_t>* entry = nullptr;
  std::uint64_t word = 0;
  ItemView item;
};

/// The entry of `bucket` that holds `key`. Without a lock: the caller validates.
inline bool find_in(const View& view, Bucket& bucket, const Key& key, std::uint32_t epoch, Match& match) noexcept {
  for (std::uint32_t found = match_tags(bucket, key.tag); found != 0; found &= found - 1) {
    auto& entry = bucket.entries[std::countr_zero(found)];
    const std::uint64_t word = entry.load(kAcquire);
    if (Entry::tag(word) != key.tag || word == Entry::kEmpty) continue;
    const ItemView item = ItemView::at(view, Entry::offset(word));
    if (!item || !is_current(item.header, epoch) || !item.has_key(key)) continue;
    match = {&entry, word, item};
    return true;
  }
  return false;
}

}  // namespace

/// Views of items go by value, so that in the common case they need not be in memory at all.
inline bool Reader::copy(ItemView item, std::string& value) const {
  if (item.header.chained()) [[unlikely]]
    return copy_chain(item, value);
  racy_assign(value, item.value_bytes(), item.header.value_bytes());
  return true;
}

bool Reader::copy_chain(ItemView item, std::string& value) const {
  const std::size_t in_head = item.header.value_bytes();
  const std::uint64_t total = item.total_value_bytes();
  if (!is_chain_length(engine_, item, total)) return false;
  value.resize(total);
  racy_copy_out(value.data(), item.value_bytes(), in_head);
  std::size_t at = in_head;
  return for_each_part(engine_, item,
                       [&](std::uint64_t, std::size_t bytes, const std::byte* part) {
                         if (bytes > value.size() - at) return false;  // the total was read twice and differs: a writer is at it
                         racy_copy_out(value.data() + at, part + kPartBytesAt, bytes);
                         at += bytes;
                         return true;
                       }) &&
         at == total;
}

ReadResult Reader::read_item(const Key& key, std::string* value, ReadDetails* details, bool counts_as_use) const {
  const View& view = engine_.view;
  auto& directory = view.directory(key.stripe);
  const std::uint32_t epoch = engine_.epoch();
  for (int attempt = 0; attempt < kReadTries; ++attempt) {
    const std::uint64_t directory_word = directory.load(kAcquire);
    const Table table = Table::from_word(view, directory_word);
    if (table.count == 0) return DirectoryWord::buckets(directory_word) == 0 ? ReadResult::kMiss : ReadResult::kCorrupt;
    Bucket& first = table.first(key.tag);
    Bucket& second = table.second(key.tag);
    const std::uint64_t first_version = first.version.load(kAcquire);
    const std::uint64_t second_version = second.version.load(kAcquire);

    Match match;
    const bool in_first = find_in(view, first, key, epoch, match);
    if (in_first || find_in(view, second, key, epoch, match)) {
      const Validity validity = validity_of(view, match.item);
      const bool value_here = is_value(validity);
      const Bucket& home = in_first ? first : second;
      const std::uint64_t home_version = in_first ? first_version : second_version;
      bool whole = true;
      if (value_here && value != nullptr) {
        // A chain's length is worth a second look before memory is asked for.
        whole = !match.item.header.chained() || home.version.load(kAcquire) == home_version;
        whole = whole && copy(match.item, *value);
      }
      ReadDetails found;
      if (value_here && details != nullptr) {
        Chunk chunk;
        whole = whole && engine_.slabs.locate(Entry::offset(match.word), chunk);
        if (whole) found = details_of(match.item, chunk.offset, engine_.slabs.side(chunk).load(kAcquire));
      }
      atomic_fence(kAcquire);
      if (home.version.load(kRelaxed) == home_version && directory.load(kRelaxed) == directory_word) {
        if (!whole) return ReadResult::kCorrupt;
        if (details != nullptr) *details = found;
        // CLOCK's mark. By CAS of the exact word, so that it can land nowhere but on this item; nothing once saturated.
        if (counts_as_use && value_here && Entry::counter(match.word) != Entry::kCounterMask)
          match.entry->compare_exchange_strong(match.word, match.word + 1, kRelaxed);
        return validity == Validity::kValue ? ReadResult::kHit : result_of(validity);
      }
    } else {
      atomic_fence(kAcquire);
      if (first.version.load(kRelaxed) == first_version && second.version.load(kRelaxed) == second_version &&
          directory.load(kRelaxed) == directory_word)
        return ReadResult::kMiss;
    }
    me_.count(CounterId::k_reader_retries);
  }
  return read_patiently(key, value, details);
}

/// The neighbours in the bucket change faster than this value can be copied. Its own chunk's word does not: same entry, same side word
/// and same table before and after mean that the item was linked throughout.
ReadResult Reader::read_patiently(const Key& key, std::string* value, ReadDetails* details) const {
  const View& view = engine_.view;
  auto& directory = view.directory(key.stripe);
  const std::uint32_t epoch = engine_.epoch();
  for (int attempt = 0; attempt < kReadTries; ++attempt) {
    const std::uint64_t directory_word = directory.load(kAcquire);
    const Table table = Table::from_word(view, directory_word);
    if (table.count == 0) break;
    Match match;
    Chunk chunk;
    if (!find_in(view, table.first(key.tag), key, epoch, match) && !find_in(view, table.second(key.tag), key, epoch, match)) break;
    if (!engine_.slabs.locate(Entry::offset(match.word), chunk)) continue;
    auto& side = engine_.slabs.side(chunk);
    const std::uint64_t side_word = side.load(kAcquire);
    if (!is_linked_to(side_word, key.stripe)) continue;
    const ItemView item = ItemView::at(view, Entry::offset(match.word));  // again, now that the chunk is known to be linked
    const Validity validity = item && is_current(item.header, epoch) && item.has_key(key) ? validity_of(view, item) : Validity::kGone;
    const bool whole = !is_value(validity) || value == nullptr || copy(item, *value);
    const ReadDetails found = is_value(validity) ? details_of(item, chunk.offset, side_word) : ReadDetails{};
    atomic_fence(kAcquire);
    // The entry before the side word: a chain's parts are freed while its first chunk still is linked, but after its entry is gone.
    const std::uint64_t entry_word = match.entry->load(kAcquire);
    if (!Entry::same_item(entry_word, match.word) || side.load(kAcquire) != side_word || directory.load(kRelaxed) != directory_word)
      continue;
    if (!whole) return ReadResult::kCorrupt;
    if (details != nullptr) *details = found;
    return result_of(validity);
  }
  return read_locked(key, value, details);
}

ReadResult Reader::read_locked(const Key& key, std::string* value, ReadDetails* details) const {
  if (me_.word == 0) return ReadResult::kContended;
  const StripeGuard guard = StripeGuard::attempt(engine_, me_, key.stripe);
  if (!guard) return ReadResult::kContended;
  const Found found = find_locked(engine_, Table::of(engine_.view, key.stripe), key, engine_.epoch());
  const Validity validity = validity_of(engine_.view, found);
  if (!is_value(validity)) return result_of(validity);
  // The only allocation under a lock, and only if the caller's string is too small: so it is not done here.
  if (value != nullptr && value->capacity() < found.item.total_value_bytes()) return ReadResult::kContended;
  if (value != nullptr && !copy(found.item, *value)) return ReadResult::kCorrupt;
  if (details != nullptr) *details = details_of(found.item, found.chunk.offset, found.side);
  return result_of(validity);
}

}  // namespace carafe
