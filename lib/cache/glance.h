// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cache/reader.h"

namespace carafe {

enum class Glance : std::uint8_t {
  kHit,
  kMiss,
  kUnsure,  ///< Something rare: the Reader has to look.
};

/// What a glance at one item came to, before anything is validated.
enum class Sight : std::uint8_t { kOther, kTaken, kUnsure };

/// An item without an extension or a chain: take(from, bytes) its value. `item`: from its first byte to the end of what is mapped, as long as any chunk.
template <typename Take>
[[nodiscard]] inline Sight see_plain(const Key& key, std::span<const std::byte> item, ItemHeader header, const Take& take) {
  const std::size_t key_at = header.expires() ? 16 : 8;
  const std::size_t bytes = header.value_bytes();
  if (item.size() < key_at + key.text.size() + bytes) [[unlikely]]
    return Sight::kUnsure;
  if (key.space != 0 || !racy_equal(item.data() + key_at, key.text.data(), key.text.size())) [[unlikely]]
    return Sight::kOther;
  if (header.expires() && has_expired(racy_load(item.data() + header.expiry_at()))) [[unlikely]]
    return Sight::kUnsure;
  take(item.data() + key_at + key.text.size(), bytes);
  return Sight::kTaken;
}

/// Whether no tag of an item was invalidated since it was begun.
[[nodiscard]] inline bool has_live_tags(const View& view, const std::byte* extension_at, std::uint64_t extension) noexcept {
  const std::uint64_t stamp = Extension::stamp(extension);
  const std::byte* const places = extension_at + Extension::tags_at(extension);
  for (std::size_t i = 0; i < Extension::tags(extension); ++i) {
    const auto place = static_cast<std::uint16_t>(racy_load(places + i / 4 * 8) >> (i % 4 * 16));
    if (view.tag(place & (view.geometry().tag_count - 1)).load(kAcquire) > stamp) return false;
  }
  return true;
}

/// Whether the key's namespace has its record still, and was not cleared since an item of it was begun.
[[nodiscard]] inline bool is_live_in_namespace(const View& view, const Key& key, std::uint64_t extension) noexcept {
  const std::uint64_t word = view.namespace_record(key.space - 1).word.load(kAcquire);
  return NamespaceWord::incarnation(word) == key.incarnation && NamespaceWord::cleared_at(word) <= Extension::stamp(extension);
}

/// An item with an extension, if that says no more than a namespace and tags. Out of the way of those that have none.
template <typename Take>
[[nodiscard, gnu::noinline]] inline Sight see_extended(const View& view, const Key& key, std::span<const std::byte> item, ItemHeader header,
                                                       const Take& take) {
  if (header.chained()) return Sight::kUnsure;
  const std::byte* const extension_at = item.data() + header.extension_at();
  std::uint64_t extension = racy_load(extension_at);
  if ((extension & Extension::kKinds) != 0) return Sight::kUnsure;
  extension &= ~Extension::kKinds;  // the compiler may know it, too: so where things are is quickly said
  const std::size_t key_at = header.extension_at() + Extension::bytes(extension);
  const std::size_t bytes = header.value_bytes();
  if (item.size() < key_at + key.text.size() + bytes) return Sight::kUnsure;
  if (Extension::space(extension) != key.space || !racy_equal(item.data() + key_at, key.text.data(), key.text.size())) return Sight::kOther;
  if (header.expires() && has_expired(racy_load(item.data() + header.expiry_at()))) return Sight::kUnsure;
  if (!has_live_tags(view, extension_at, extension)) return Sight::kUnsure;
  take(item.data() + key_at + key.text.size(), bytes);
  atomic_fence(kAcquire);  // the record only now: before, it may have been the namespace's still, and the item another one's
  return key.space == 0 || is_live_in_namespace(view, key, extension) ? Sight::kTaken : Sight::kUnsure;
}

/// What nearly every get is, and nothing else: one look at an item in one chunk, that nobody writes meanwhile, and is a value or not there. By
/// the Reader's protocol, whose every other case it leaves to that; on its own because a quarter of the instructions of a hit were kept for them
/// (bench/RESULTS.md). take(from, bytes) gets what may be the value, and may change underfoot; once the answer is kHit it was.
template <typename Take>
[[nodiscard, gnu::always_inline]] inline Glance glance(const Engine& engine, const Key& key, const Take& take, bool counts_as_use) {
  const View& view = engine.view;
  auto& directory = view.directory(key.stripe);
  const std::uint64_t wanted = ItemHeader::make(engine.epoch(), key.text.size(), 0, false, false).word;
  const std::uint64_t directory_word = directory.load(kAcquire);
  const Table table = Table::from_word(view, directory_word);
  if (table.count == 0) [[unlikely]]
    return Glance::kUnsure;
  Bucket& first = table.first(key.tag);
  Bucket& second = table.second(key.tag);
  const std::uint64_t first_version = first.version.load(kAcquire);
  const std::uint64_t second_version = second.version.load(kAcquire);

  Bucket* bucket = &first;
  std::uint32_t found = match_tags(first, key.tag);
  for (;; found &= found - 1) {
    if (found == 0) {
      if (bucket == &second) break;
      bucket = &second;
      found = match_tags(second, key.tag);
      if (found == 0) break;
    }
    auto& entry = bucket->entries[std::countr_zero(found)];
    std::uint64_t word = entry.load(kAcquire);
    if (Entry::tag(word) != key.tag || word == Entry::kEmpty) [[unlikely]]
      continue;
    const std::span<const std::byte> item = view.rest(Entry::offset(word));
    if (item.size() < kMinChunkBytes) [[unlikely]]
      return Glance::kUnsure;
    const ItemHeader header{racy_load(item.data()), 0};
    if (!ItemHeader::is_alike(header.word, wanted)) [[unlikely]]
      continue;
    const bool plain = (header.word & (ItemHeader::kChained | ItemHeader::kExtended)) == 0;
    const Sight sight = plain ? see_plain(key, item, header, take) : see_extended(view, key, item, header, take);
    if (sight == Sight::kOther) [[unlikely]]
      continue;
    if (sight == Sight::kUnsure) [[unlikely]]
      return Glance::kUnsure;
    atomic_fence(kAcquire);
    if (bucket->version.load(kRelaxed) != (bucket == &first ? first_version : second_version) || directory.load(kRelaxed) != directory_word)
        [[unlikely]]
      return Glance::kUnsure;
    if (counts_as_use && Entry::counter(word) != Entry::kCounterMask) entry.compare_exchange_strong(word, word + 1, kRelaxed);
    return Glance::kHit;
  }
  atomic_fence(kAcquire);
  if (first.version.load(kRelaxed) != first_version || second.version.load(kRelaxed) != second_version ||
      directory.load(kRelaxed) != directory_word) [[unlikely]]
    return Glance::kUnsure;
  return Glance::kMiss;
}

/// The same by a Reader. Takes copies, so that those need not be in memory where a glance is enough.
[[nodiscard, gnu::noinline]] inline ReadResult read_carefully(const Engine& engine, Worker me, Key key, std::string& value) {
  return Reader(engine, me).read(key, &value, nullptr, me.lane != nullptr);
}

/// Reader::read of no more than a value.
[[nodiscard, gnu::always_inline]] inline ReadResult read_value(const Engine& engine, const Worker& me, const Key& key, std::string& value) {
  const auto copy = [&value](const std::byte* from, std::size_t bytes) { racy_assign(value, from, bytes); };
  switch (glance(engine, key, copy, me.lane != nullptr)) {
    case Glance::kHit:
      return ReadResult::kHit;
    case Glance::kMiss:
      return ReadResult::kMiss;
    case Glance::kUnsure:
      break;
  }
  return read_carefully(engine, me, key, value);
}

}  // namespace carafe
