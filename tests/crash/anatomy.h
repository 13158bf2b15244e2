// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/racy_copy.h"
#include "cache/items.h"
#include "index/table.h"
#include "layout/side_word.h"
#include "segment/view.h"
#include "slab/size_classes.h"

namespace carafe::test {

/// What lies in a segment at rest, read straight from its bytes: which chunks are in use, and which of them something refers to.
struct Anatomy {
  struct Used {
    std::uint64_t side = 0;
    std::uint32_t size_class = 0;
    const Bucket* bucket = nullptr;  // where the entry stands that leads here; nullptr: nothing refers to it
    std::uint64_t version = 0;       // of that bucket
    bool is_table = false;
    bool referenced = false;
  };

  std::unordered_map<std::uint64_t, Used> chunks;  // by offset; all that are not free
  std::vector<std::uint64_t> debris;               // by class: claimed, or without anything that refers to them
  std::uint64_t current_items = 0;                 // with an entry, and of the present epoch
  std::uint64_t live_items = 0;                    // of these, not expired

  [[nodiscard]] static Anatomy of(const View& view) {
    const SizeClasses classes(view.geometry().page_bytes);
    Anatomy anatomy;
    anatomy.debris.resize(classes.count());
    for (std::uint64_t page = 0; page < view.geometry().page_count; ++page) {
      const std::uint32_t size_class = view.page_class(page).load(kRelaxed);
      if (size_class >= classes.count()) continue;
      const ClassShape& shape = classes.shape(size_class);
      const auto* sides = reinterpret_cast<const Atomic<std::uint64_t>*>(view.page(page));
      for (std::uint32_t i = 0; i < shape.chunks; ++i) {
        const std::uint64_t side = sides[i].load(kRelaxed);
        if (SideWord::state(side) == SideWord::kFree) continue;
        anatomy.chunks[view.page_offset(page) + shape.chunks_at + std::uint64_t{shape.chunk_bytes} * i] = {
            .side = side, .size_class = size_class, .is_table = shape.is_index};
      }
    }
    for (std::uint32_t stripe = 0; stripe < view.geometry().stripe_count; ++stripe) anatomy.follow(view, Table::of(view, stripe));
    for (const auto& [offset, used] : anatomy.chunks)
      if (!used.referenced) ++anatomy.debris[used.size_class];
    return anatomy;
  }

  [[nodiscard]] static bool is_claimed(std::uint64_t side) noexcept { return SideWord::state(side) == SideWord::kClaimed; }

 private:
  void refer(std::uint64_t offset, const Bucket* bucket) {
    const auto found = chunks.find(offset);
    if (found == chunks.end() || is_claimed(found->second.side)) return;  // verify says so
    found->second.referenced = true;
    found->second.bucket = bucket;
    if (bucket != nullptr) found->second.version = bucket->version.load(kRelaxed);
  }

  void follow(const View& view, const Table& table) {
    if (table.count == 0) return;
    refer(DirectoryWord::offset(table.directory_word), nullptr);
    for (std::uint32_t i = 0; i < table.count; ++i)
      for (const auto& entry : table.buckets[i].entries) {
        const std::uint64_t word = entry.load(kRelaxed);
        const ItemView item = word == Entry::kEmpty ? ItemView{} : ItemView::at(view, Entry::offset(word));
        if (!item) continue;
        refer(Entry::offset(word), &table.buckets[i]);
        if (is_current(item.header, view.header().epoch.load(kRelaxed)) && !item.is_lease()) {
          ++current_items;
          live_items += validity_of(view, item) == Validity::kValue ? 1 : 0;
        }
        if (!item.header.chained()) continue;
        std::uint64_t part = item.first_part();
        for (int parts = 0; part != 0 && parts < 64; ++parts) {
          refer(PartRef::offset(part), &table.buckets[i]);
          const std::byte* bytes = view.chunk(PartRef::offset(part), 16);
          part = bytes == nullptr ? 0 : racy_load(bytes + kPartNextAt);
        }
      }
  }
};

/// Watches an operation store by store, in the order in which it makes them: whatever a reader may still be copying is freed only after
/// the version that tells him so. (A reader took the version, then the entry, then the bytes. That he loses his race cannot be seen from
/// what one death leaves behind; that he could, can.)
class OrderWatch {
 public:
  explicit OrderWatch(const View& view) : view_(view) {}

  /// The segment before the operation.
  void begin() {
    last_ = Anatomy::of(view_);
    doomed_.clear();
    for (const auto& [offset, used] : last_.chunks)
      if (!used.referenced && !Anatomy::is_claimed(used.side) && !used.is_table) doomed_[offset] = doom_by_tag(used.side);
  }
  /// The segment some stores later: what was done between is not judged, nor what it leads to.
  void skip() {
    last_ = Anatomy::of(view_);
    doomed_.clear();
  }
  /// The segment one store later. What was done out of order, or "".
  [[nodiscard]] std::string next() {
    Anatomy now = Anatomy::of(view_);
    std::string wrong;
    for (const auto& [offset, used] : last_.chunks) {
      if (Anatomy::is_claimed(used.side) || used.is_table) continue;
      const auto found = now.chunks.find(offset);
      const bool gone = found == now.chunks.end() || found->second.side != used.side;
      if (!gone && found->second.referenced) {
        doomed_.erase(offset);
        continue;
      }
      if (used.referenced && !doomed_.contains(offset)) doomed_[offset] = doom(used, gone);
      if (!gone) continue;
      const auto doom = doomed_.find(offset);
      if (doom != doomed_.end() && !is_told(doom->second))
        wrong = "the chunk at " + std::to_string(offset) + " was let go of before the version of its bucket was raised";
      doomed_.erase(offset);
    }
    last_ = std::move(now);
    return wrong;
  }

 private:
  /// A chunk that nothing refers to any more: what has to change before it may be used again.
  struct Doom {
    std::uint32_t stripe = 0;
    std::uint64_t directory_word = 0;
    const Bucket* buckets[2] = {};
    std::uint64_t versions[2] = {};
  };

  Doom doom(const Anatomy::Used& used, bool at_once) const {
    Doom made;
    made.stripe = SideWord::stripe(used.side);
    made.directory_word = view_.directory(made.stripe).load(kRelaxed);
    made.buckets[0] = used.bucket;
    made.versions[0] = at_once ? used.version : used.bucket->version.load(kRelaxed);
    // The table itself was replaced by the very store that took the entry away.
    const Table table = Table::from_word(view_, made.directory_word);
    if (used.bucket < table.buckets || used.bucket >= table.buckets + table.count) made.directory_word = 0;
    return made;
  }
  /// For one found without an entry: its bucket is not known, so both.
  Doom doom_by_tag(std::uint64_t side) const {
    Doom made;
    made.stripe = SideWord::stripe(side);
    made.directory_word = view_.directory(made.stripe).load(kRelaxed);
    const Table table = Table::from_word(view_, made.directory_word);
    if (table.count == 0) return made;
    made.buckets[0] = &table.first(SideWord::tag(side));
    made.buckets[1] = &table.second(SideWord::tag(side));
    for (int i = 0; i < 2; ++i) made.versions[i] = made.buckets[i]->version.load(kRelaxed);
    return made;
  }
  [[nodiscard]] bool is_told(const Doom& doom) const {
    if (view_.directory(doom.stripe).load(kRelaxed) != doom.directory_word) return true;
    for (int i = 0; i < 2; ++i)
      if (doom.buckets[i] != nullptr && doom.buckets[i]->version.load(kRelaxed) <= doom.versions[i]) return false;
    return true;
  }

  const View& view_;
  Anatomy last_;
  std::map<std::uint64_t, Doom> doomed_;
};

}  // namespace carafe::test
