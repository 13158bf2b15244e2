// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "base/racy_copy.h"
#include "cache/engine.h"
#include "cache/namespace_id.h"
#include "expiry/ttl.h"
#include "index/table.h"
#include "layout/item.h"

namespace carafe {

/// A key of a namespace (0: of none), with what follows from its hash.
struct Key {
  std::string_view text;
  std::uint32_t stripe = 0;
  std::uint32_t tag = 0;
  std::uint32_t space = 0;
  std::uint32_t incarnation = 0;  // of its record, as long as that is the namespace's (has_changed_hands)

  [[nodiscard]] static bool is_valid(std::string_view text) noexcept { return !text.empty() && text.size() <= kMaxKeyBytes; }
  [[nodiscard]] static Key of(const Engine& engine, std::string_view text, NamespaceId space = {}) noexcept {
    const std::uint64_t hash = hash_of(engine, text, space.number);
    return {text, engine.view.stripe_of(hash), Place::tag_of(hash), space.number, space.incarnation};
  }
  [[nodiscard]] static std::uint64_t hash_of(const Engine& engine, std::string_view text, std::uint32_t space) noexcept;
};

/// Whether the record of the key's namespace was given to another one since it was looked up: then whatever was found after that may be the
/// other's.
[[nodiscard]] inline bool has_changed_hands(const View& view, const Key& key) noexcept {
  return key.space != 0 && NamespaceWord::incarnation(view.namespace_record(key.space - 1).word.load(kAcquire)) != key.incarnation;
}

/// An item's first chunk, as read once: the header is a copy, and `bytes` is checked to hold all that it claims. Fields beyond
/// may still change under a reader without a lock, who validates afterwards.
struct ItemView {
  const std::byte* bytes = nullptr;  // nullptr: makes no sense
  ItemHeader header;
  std::size_t key_at = 0;  // header.key_at()

  /// The item at `offset`, a number read from the segment.
  [[nodiscard]] static ItemView at(const View& view, std::uint64_t offset) noexcept {
    const std::byte* start = view.chunk(offset, sizeof(std::uint64_t));
    if (start == nullptr) [[unlikely]]
      return {};
    const ItemHeader header{racy_load(start), 0};
    if (header.extended()) [[unlikely]]
      return extended_at(view, offset, header);
    const std::size_t key_at = header.extension_at();
    if (view.chunk(offset, key_at + header.key_bytes() + header.value_bytes()) == nullptr) [[unlikely]]
      return {};
    return {start, header, key_at};
  }
  explicit operator bool() const noexcept { return bytes != nullptr; }
  [[nodiscard]] bool has_key(const Key& key) const noexcept {
    return header.key_bytes() == key.text.size() && header.space() == key.space &&
           racy_equal(bytes + key_at, key.text.data(), key.text.size());
  }
  [[nodiscard]] const std::byte* value_bytes() const noexcept { return bytes + key_at + header.key_bytes(); }
  [[nodiscard]] std::uint64_t expiry_ms() const noexcept {
    return header.expires() ? racy_load(bytes + header.expiry_at()) : kNeverExpires;
  }
  [[nodiscard]] std::uint64_t first_part() const noexcept { return racy_load(bytes + header.chain_at()); }
  [[nodiscard]] std::uint64_t total_value_bytes() const noexcept {
    return header.chained() ? racy_load(bytes + header.chain_at() + 8) : header.value_bytes();
  }
  [[nodiscard]] bool is(std::uint64_t kind) const noexcept { return header.extended() && Extension::is(header.extension, kind); }
  /// A promise of a value instead of one: for whoever wants a value there is nothing here.
  [[nodiscard]] bool is_lease() const noexcept { return is(Extension::kLease); }
  /// Who computes a value for the key, a LockWord: the owner of a lease, or who refreshes a stale value. 0 is nobody.
  [[nodiscard]] std::uint64_t loader() const noexcept {
    if (is_lease()) return racy_load(bytes + header.extension_at() + Extension::owner_at());
    return is(Extension::kSoft) ? racy_load(bytes + refresher_at()) : 0;
  }
  [[nodiscard]] std::size_t refresher_at() const noexcept { return header.extension_at() + Extension::refresher_at(header.extension); }
  /// Extension::soft, of an item that has it.
  [[nodiscard]] std::uint64_t soft() const noexcept {
    return racy_load(bytes + header.extension_at() + Extension::soft_at(header.extension));
  }
  /// The place of its i-th tag, i below Extension::tags.
  [[nodiscard]] std::uint16_t tag_place(std::size_t i) const noexcept {
    return static_cast<std::uint16_t>(racy_load(bytes + header.extension_at() + Extension::tags_at(header.extension) + i / 4 * 8) >>
                                      (i % 4 * 16));
  }
  [[nodiscard]] std::uint64_t chain_id() const noexcept { return racy_load(bytes + header.chain_at() + 16); }

 private:
  static ItemView extended_at(const View& view, std::uint64_t offset, ItemHeader header) noexcept;
};

/// Whether an item was stored in that epoch: else it is outdated, and counted nowhere.
[[nodiscard]] inline bool is_current(const ItemHeader& header, std::uint32_t now) noexcept { return header.epoch() == now; }

/// Whether the namespace or a tag of an item was invalidated since it was begun. Without an extension: no.
[[nodiscard]] inline bool is_invalidated(const View& view, const ItemView& item) noexcept {
  if (!item.header.extended()) [[likely]]
    return false;
  const std::uint64_t stamp = Extension::stamp(item.header.extension);
  const std::uint32_t space = Extension::space(item.header.extension);
  if (space != 0) {
    if (space > view.geometry().namespace_count) return true;  // somebody scribbled
    if (NamespaceWord::cleared_at(view.namespace_record(space - 1).word.load(kAcquire)) > stamp) return true;
  }
  for (std::size_t i = 0; i < Extension::tags(item.header.extension); ++i)
    if (view.tag(item.tag_place(i) & (view.geometry().tag_count - 1)).load(kAcquire) > stamp) return true;
  return false;
}

/// What an item of the present epoch is for whoever asks for its key.
enum class Validity : std::uint8_t {
  kValue,
  kStale,   // a value past its soft time
  kNone,    // that there is no value, as an answer
  kFailed,  // that computing it failed
  kLease,   // the promise of a value
  kGone,    // expired, or invalidated
};
[[nodiscard]] Validity validity_of_extended(const View& view, ItemView item) noexcept;
[[nodiscard]] inline Validity validity_of(const View& view, const ItemView& item) noexcept {
  if (item.header.extended()) [[unlikely]]
    return validity_of_extended(view, item);
  return has_expired(item.expiry_ms()) ? Validity::kGone : Validity::kValue;
}

/// Whether a side word says that its chunk belongs to an item of `stripe`, as every entry of that stripe's table demands.
[[nodiscard]] inline bool is_linked_to(std::uint64_t side, std::uint32_t stripe) noexcept {
  return SideWord::state(side) == SideWord::kLinked && SideWord::stripe(side) == stripe;
}

/// The item under `key` in its stripe's table, live or expired, of the present epoch. Lock held.
struct Found {
  Atomic<std::uint64_t>* entry = nullptr;
  std::uint64_t word = 0;
  Chunk chunk;
  std::uint64_t side = 0;
  ItemView item;
  explicit operator bool() const noexcept { return entry != nullptr; }
};
[[nodiscard]] Found find_locked(const Engine& engine, const Table& table, const Key& key, std::uint32_t epoch) noexcept;

[[nodiscard]] inline Validity validity_of(const View& view, const Found& found) noexcept {
  return found ? validity_of(view, found.item) : Validity::kGone;
}
/// Whether it is a value, and fresh.
[[nodiscard]] inline bool is_live(const View& view, const Found& found) noexcept { return validity_of(view, found) == Validity::kValue; }

/// What an item adds to the number of items. Lock held.
[[nodiscard]] inline std::int64_t count_of(const ItemView& item) noexcept { return item.is_lease() ? 0 : 1; }

/// An item is about to go. If somebody computes a value for it, those who wait for that will hear of it when the lock is let go.
inline void note_gone_locked(const Engine& engine, std::uint32_t stripe, const ItemView& item) noexcept {
  if (item && item.header.extended() && item.loader() != 0) engine.view.stripe(stripe).lease_gone.store(1, kRelaxed);
}

/// Bytes of all chunks of an item. Lock held, item referenced.
[[nodiscard]] std::uint64_t chunk_bytes_locked(const Engine& engine, const Chunk& chunk, const ItemView& item) noexcept;

/// Counts an item into (or out of) the stripe and the worker's gauges. Lock held.
void account_locked(const Engine& engine, const Worker& me, std::uint32_t stripe, std::uint32_t epoch, std::int64_t items,
                    std::int64_t bytes) noexcept;
/// The same for the item's namespace, if it has one and was begun after that was last cleared.
void account_in_namespace(const Engine& engine, const ItemHeader& header, std::int64_t items, std::int64_t bytes) noexcept;

/// Frees an unreferenced item: its later chunks, then the first. Lock held, version raised.
void release_item_locked(const Engine& engine, const Chunk& chunk, std::uint64_t side, const ItemView& item) noexcept;
/// Frees the later chunks only.
void release_parts_locked(const Engine& engine, std::uint64_t side, const ItemView& item) noexcept;

/// Whether a chained value can be `total` bytes long: more than its first chunk holds, and no more than is ever stored.
[[nodiscard]] inline bool is_chain_length(const Engine& engine, const ItemView& item, std::uint64_t total) noexcept {
  return total > item.header.value_bytes() && total <= engine.largest_value_bytes();
}

/// Visits the parts of a chain: visit(Chunk, bytes of value, payload). Bounded by the value's length, however damaged the chain is.
/// False when it is damaged.
template <typename Visit>
bool for_each_part(const Engine& engine, const ItemView& item, Visit&& visit) noexcept {
  const std::uint64_t total = item.total_value_bytes();  // read once
  if (!is_chain_length(engine, item, total)) return false;
  const std::uint64_t in_parts = total - item.header.value_bytes();
  std::uint64_t left = in_parts;
  std::uint64_t full = left;  // what all parts but the last must hold: as much as the first
  std::uint64_t ref = item.first_part();
  while (left > 0) {
    const std::size_t bytes = PartRef::bytes(ref);
    const std::uint64_t offset = PartRef::offset(ref);
    const std::byte* part = engine.view.chunk(offset, kPartBytesAt + bytes);
    if (left == in_parts) full = bytes;
    // No part is smaller than about half the largest chunk, but the last: so a damaged chain is hardly longer than a sound one.
    const bool last = bytes == left;
    if (part == nullptr || bytes == 0 || bytes > left || (!last && (bytes != full || bytes * 2 + 64 < engine.classes.largest_item_bytes())))
      return false;
    const std::uint64_t next = racy_load(part + kPartNextAt);  // before the visit, which may free the chunk
    if (!visit(offset, bytes, part)) return false;
    left -= bytes;
    ref = next;
  }
  return ref == 0;  // the chain ends where the value does
}

}  // namespace carafe
