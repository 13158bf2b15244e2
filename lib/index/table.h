// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/touch.h"
#include "index/tag_match.h"
#include "layout/bucket.h"
#include "segment/view.h"

namespace carafe {

/// The table of one stripe: a run of buckets that the directory names. Everything here but `of` and the reads is for the holder of
/// the stripe's lock.
///
/// Growing, shrinking and starting over after a clear are one operation: a new table is filled in private, one store of the
/// directory word puts it in place, the old one is freed. Nobody ever sees a table half-way, and a death anywhere leaves either
/// the old or the new one. (Linear hashing would touch less, but swings between 40 and 80 % full, leaves duplicates to a dead
/// splitter, and does not shrink.)
struct Table {
  Bucket* buckets = nullptr;
  std::uint32_t count = 0;
  std::uint64_t directory_word = 0;

  [[nodiscard]] static Table from_word(const View& view, std::uint64_t word) noexcept {
    Table table{view.table(word), DirectoryWord::buckets(word), word};
    if (table.buckets == nullptr) table.count = 0;
    return table;
  }
  [[nodiscard]] static Table of(const View& view, std::uint32_t stripe) noexcept {
    return from_word(view, view.directory(stripe).load(kAcquire));
  }

  [[nodiscard]] Bucket& first(std::uint32_t tag) const noexcept { return buckets[Place::first(tag, count)]; }
  [[nodiscard]] Bucket& second(std::uint32_t tag) const noexcept { return buckets[Place::second(tag, count, Place::first(tag, count))]; }

  /// Both buckets of `tag`: they will be needed soon.
  void touch(std::uint32_t tag) const noexcept {
    if (count == 0) return;
    carafe::touch(&first(tag));
    carafe::touch(&second(tag));
  }

  /// The entry with `tag` for which `match(word)` holds, or nullptr.
  template <typename Match>
  [[nodiscard]] Atomic<std::uint64_t>* find(std::uint32_t tag, Match&& match) const noexcept {
    if (count == 0) return nullptr;
    Bucket* const candidates[] = {&first(tag), &second(tag)};
    for (int i = 0; i < (count == 1 ? 1 : 2); ++i)
      for (std::uint32_t found = match_tags(*candidates[i], tag); found != 0; found &= found - 1) {
        auto& entry = candidates[i]->entries[std::countr_zero(found)];
        const std::uint64_t word = entry.load(kAcquire);
        if (word != Entry::kEmpty && Entry::tag(word) == tag && match(word)) return &entry;
      }
    return nullptr;
  }
  /// The entry that refers to the chunk at `offset`, or nullptr.
  [[nodiscard]] Atomic<std::uint64_t>* find_offset(std::uint32_t tag, std::uint64_t offset) const noexcept {
    return find(tag, [offset](std::uint64_t word) { return Entry::offset(word) == offset; });
  }
  /// An empty entry for `tag`: the first bucket's while it is not nearly full, else the emptier one's. nullptr when both are full.
  [[nodiscard]] Atomic<std::uint64_t>* find_empty(std::uint32_t tag) const noexcept;
  /// Makes room where both buckets are full: moves one of their entries to its other bucket (cuckoo hashing, Pagh and Rodler 2001, one
  /// step deep), so that tables can be nine tenths full. The copy comes first, then the old one goes, each with its version: a reader
  /// finds at least one of them, or sees that it has to look again. A death in between leaves both; see remove_twins.
  /// `moves` goes up in between, so that a walk over the table sees that an item changed its bucket.
  [[nodiscard]] Atomic<std::uint64_t>* displace(std::uint32_t tag, Atomic<std::uint32_t>* moves = nullptr) const noexcept;
  /// Clears the second one of two entries for one chunk, which a displacement cut short has left.
  void remove_twins() const noexcept;
  /// The other bucket in which an entry of `bucket` might stand.
  [[nodiscard]] Bucket& other_bucket(const Bucket& bucket, std::uint32_t tag) const noexcept {
    Bucket& one = first(tag);
    return &one == &bucket ? second(tag) : one;
  }
  /// The entry of either bucket that has been used least, for the case that both are full and cannot grow.
  [[nodiscard]] Atomic<std::uint64_t>* find_coldest(std::uint32_t tag) const noexcept;

  /// Raises the version of the bucket that `entry` is in: after the change, before anything it let go of is freed.
  static void raise_version(Atomic<std::uint64_t>* entry) noexcept {
    auto& bucket = *reinterpret_cast<Bucket*>(reinterpret_cast<std::uintptr_t>(entry) & ~(std::uintptr_t{kCacheLineBytes} - 1));
    bucket.version.store(bucket.version.load(kRelaxed) + 1, kRelease);
  }
  /// Of both buckets in which `tag` may be.
  void raise_versions(std::uint32_t tag) const noexcept;

  /// Empties a table in memory that is still private.
  void clear_private() const noexcept;
  /// Copies `from`'s entries into this private, empty table. Returns how many found no place.
  [[nodiscard]] std::uint32_t copy_private(const Table& from) const noexcept;
  [[nodiscard]] std::uint32_t count_entries() const noexcept;
};

/// How large a table should be.
struct TableSize {
  /// Whether one more entry asks for a larger table: beyond nine tenths a displacement of one step starts to fail.
  [[nodiscard]] static constexpr bool is_full(std::uint32_t entries, std::uint32_t buckets) noexcept {
    return entries * 100 >= buckets * kEntriesPerBucket * 90;
  }
  /// Whether it wastes more than half.
  [[nodiscard]] static constexpr bool is_sparse(std::uint32_t entries, std::uint32_t buckets) noexcept {
    return buckets > 4 && entries * 100 < buckets * kEntriesPerBucket * 45;
  }
  /// Buckets for `entries` at about 82 %.
  [[nodiscard]] static constexpr std::uint32_t for_entries(std::uint32_t entries) noexcept {
    return static_cast<std::uint32_t>(std::uint64_t{entries} * 100 / (kEntriesPerBucket * 82) + 1);
  }
};

}  // namespace carafe
