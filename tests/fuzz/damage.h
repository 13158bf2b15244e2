// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "fuzz/bytes.h"
#include "fuzz/specimens.h"
#include "layout/namespace_record.h"
#include "layout/side_word.h"
#include "slab/size_classes.h"

namespace carafe::fuzz {

/// Puts hostile bytes into an image, as the input says: blind ones (bits, words, pages) and ones that know what they are at (an entry
/// that points at the last eight bytes of the segment, a chain that leads back to itself, a lock that nobody holds).
class Damage {
 public:
  Damage(std::byte* image, const Specimen& specimen)
      : image_(image), specimen_(specimen), g_(reinterpret_cast<const SegmentHeader*>(specimen.image.data())->geometry) {}

  void one(Bytes& in) {
    switch (in.below(17)) {
      case 0:
        return flip(in.below(g_.capacity_bytes), in);
      case 1:
        return flip(place(in), in);
      case 2:
        return set(place(in), in);
      case 3:
        return store(place(in), load(place(in)));
      case 4:
        return swap_pages(in);
      case 5: {
        std::memmove(page(in), page(in), g_.page_bytes);
        return;
      }
      case 6:
        return entry(in);
      case 7:
        return directory(in);
      case 8:
        return chain(in);
      case 9:
        return item(in);
      case 10:
        return side(in);
      case 11:
        return lock(in);
      case 12:
        return fill(in);
      case 13:
        return size_class(in);
      case 14:
      case 15:
        return extension(in);
      default:
        return small_word(in);
    }
  }

  /// Prints what differs from the undamaged image: offset, area, before, after.
  void tell() const {
    for (std::uint64_t at = 0, told = 0; at < g_.capacity_bytes && told < 40; at += 8) {
      std::uint64_t before = 0;
      std::memcpy(&before, specimen_.image.data() + at, sizeof before);
      if (load(at) == before) continue;
      const char* area = at >= g_.pages_at          ? "pages"
                         : at >= g_.page_classes_at ? "page classes"
                         : at >= g_.page_infos_at   ? "page infos"
                         : at >= g_.classes_at      ? "classes"
                         : at >= g_.directory_at    ? "directory"
                         : at >= g_.stripes_at      ? "stripes"
                         : at >= g_.workers_at      ? "workers"
                                                    : "header";
      std::fprintf(stderr, "%7llu %-12s %016llx -> %016llx\n", static_cast<unsigned long long>(at), area,
                   static_cast<unsigned long long>(before), static_cast<unsigned long long>(load(at)));
      ++told;
    }
  }

 private:
  struct Area {
    std::uint64_t at;
    std::uint64_t bytes;
  };
  [[nodiscard]] std::uint64_t end() const noexcept { return g_.pages_at + g_.page_count * g_.page_bytes; }

  [[nodiscard]] std::uint64_t load(std::uint64_t at) const noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, image_ + at, sizeof word);
    return word;
  }
  void store(std::uint64_t at, std::uint64_t word) noexcept { std::memcpy(image_ + at, &word, sizeof word); }
  void flip(std::uint64_t at, Bytes& in) noexcept { image_[at] ^= static_cast<std::byte>(1U << in.below(8)); }

  [[nodiscard]] const Known& known(Bytes& in) noexcept { return specimen_.known[in.below(specimen_.known.size())]; }
  [[nodiscard]] const Known* chained(Bytes& in) noexcept {
    const std::size_t first = in.below(specimen_.known.size());
    for (std::size_t i = 0; i < specimen_.known.size(); ++i) {
      const Known& one = specimen_.known[(first + i) % specimen_.known.size()];
      if (one.header.chained()) return &one;
    }
    return nullptr;
  }
  [[nodiscard]] std::byte* page(Bytes& in) noexcept { return image_ + g_.pages_at + in.below(g_.page_count) * g_.page_bytes; }

  /// A word's place in one of the areas, each as likely as the next.
  [[nodiscard]] std::uint64_t place(Bytes& in) noexcept {
    const std::uint64_t page_at = g_.pages_at + in.below(g_.page_count) * g_.page_bytes;
    const Area areas[] = {
        {0, sizeof(SegmentHeader)},
        {offsetof(SegmentHeader, epoch), 192},
        {g_.workers_at, 4 * sizeof(WorkerSlot)},
        {sizeof(SegmentHeader), g_.pages_at - sizeof(SegmentHeader)},  // all tables, whatever there is
        {g_.stripes_at, g_.stripe_count * sizeof(Stripe)},
        {g_.directory_at, g_.stripe_count * 8},
        {g_.classes_at, kMaxClasses * sizeof(ClassState)},
        {g_.page_infos_at, g_.page_count * sizeof(PageInfo)},
        {g_.page_classes_at, g_.page_count * 4},
        {g_.namespaces_at, g_.namespace_count * sizeof(NamespaceRecord)},
        {g_.namespace_lanes_at, g_.namespace_lane_count * sizeof(NamespaceLane)},
        {g_.tags_at, g_.tag_count * 8},
        {page_at, 2048},  // side words and bitmap
        {page_at, g_.page_bytes},
        {known(in).head, 64},
        {specimen_.tables[in.below(specimen_.tables.size())], 1024},
    };
    const Area& area = in.pick(areas);
    return area.at + in.below(area.bytes / 8) * 8;
  }

  [[nodiscard]] std::uint64_t special(std::uint64_t before, Bytes& in) noexcept {
    switch (in.below(9)) {
      case 0:
        return 0;
      case 1:
        return ~std::uint64_t{0};
      case 2:
        return before + 1;
      case 3:
        return before - 1;
      case 4:
        return std::uint64_t{1} << in.below(64);
      case 5:
        return before ^ (std::uint64_t{0xffff} << in.below(49));
      case 6:
        return std::uint64_t{in.byte()};
      case 7:
        return (~std::uint64_t{0}) >> in.below(64);
      default:
        return in.number<std::uint64_t>();
    }
  }
  /// Where an offset is worth pointing at: the ends of everything, and what other keys have.
  [[nodiscard]] std::uint64_t offset(Bytes& in) noexcept {
    const std::uint64_t offsets[] = {0,
                                     8,
                                     g_.pages_at - 8,
                                     g_.pages_at,
                                     g_.pages_at + 8,
                                     end() - g_.page_bytes,
                                     end() - 64,
                                     end() - 8,
                                     end(),
                                     g_.capacity_bytes,
                                     known(in).head,
                                     known(in).head + 8,
                                     specimen_.tables[in.below(specimen_.tables.size())],
                                     (std::uint64_t{1} << 43) - 8,
                                     in.below(g_.capacity_bytes) & ~std::uint64_t{7}};
    return in.pick(offsets);
  }

  void set(std::uint64_t at, Bytes& in) noexcept { store(at, special(load(at), in)); }
  void swap_pages(Bytes& in) noexcept {
    std::vector<std::byte> kept(g_.page_bytes);
    std::byte* one = page(in);
    std::byte* other = page(in);
    std::memcpy(kept.data(), one, kept.size());
    std::memmove(one, other, kept.size());
    std::memcpy(other, kept.data(), kept.size());
  }
  void entry(Bytes& in) noexcept {
    const Known& victim = known(in);
    const std::uint64_t before = load(victim.entry);
    store(victim.entry, in.below(2) == 0 ? Entry::make(Entry::tag(before), offset(in)) | Entry::counter(before) : load(known(in).entry));
  }
  void directory(Bytes& in) noexcept {
    const std::uint64_t at = g_.directory_at + in.below(g_.stripe_count) * 8;
    const std::uint64_t before = load(at);
    constexpr std::uint32_t kBuckets[] = {0, 1, 2, 3, 127, 128, 2047, 4095};
    const std::uint32_t buckets = in.below(2) == 0 ? in.pick(kBuckets) : DirectoryWord::buckets(before);
    const std::uint64_t to = in.below(2) == 0 ? offset(in) : DirectoryWord::offset(before);
    store(at, in.below(4) == 0 ? load(g_.directory_at + in.below(g_.stripe_count) * 8)
                               : DirectoryWord::make(to, buckets, DirectoryWord::changes(before)));
  }
  void chain(Bytes& in) noexcept {
    const Known* victim = chained(in);
    if (victim == nullptr) return;
    const std::uint64_t chain_at = victim->head + victim->header.chain_at();
    // A reference (the head's, or one part's to the next), the whole length, or an id.
    const std::size_t which = in.below(victim->parts.size() + 3);
    if (which == 0 && in.below(4) == 0) return store(chain_at + 8, victim->header.value_bytes());  // as if it ended with the head
    if (which == 0) return set(chain_at + 8, in);
    if (which == 1) return set(chain_at + 16, in);
    const std::uint64_t at = which == 2 ? chain_at : victim->parts[which - 3] + kPartNextAt;
    const std::uint64_t before = load(at);
    if (in.below(4) == 0) return set(at, in);
    const std::uint64_t to = in.below(2) == 0 ? offset(in) : victim->parts[in.below(victim->parts.size())];
    constexpr std::size_t kBytes[] = {0, 1, 4096, 0xffffff};
    store(at, PartRef::make(to, in.below(2) == 0 ? PartRef::bytes(before) : in.pick(kBytes)));
  }
  void item(Bytes& in) noexcept {
    const Known& victim = known(in);
    std::uint64_t word = victim.header.word;
    switch (in.below(5)) {
      case 0:
        word |= std::uint64_t{ItemHeader::kMaxValueBytes} << 3;
        break;
      case 1:
        word |= std::uint64_t{kMaxKeyBytes - 1} << 20;
        break;
      case 2:
        word ^= std::uint64_t{1} << in.below(3);
        break;
      case 3:
        word ^= std::uint64_t{1} << in.below(64);
        break;
      default:
        word = special(word, in);
    }
    store(victim.head, word);
  }
  /// A word of an extension, or one where none was.
  void extension(Bytes& in) noexcept {
    const Known& victim = known(in);
    const std::uint64_t at = victim.head + victim.header.extension_at();
    if (!victim.header.extended()) return store(victim.head, victim.header.word | ItemHeader::kExtended);
    const std::uint64_t word = victim.header.extension;
    const std::uint64_t words[] = {word ^ (std::uint64_t{1} << in.below(8)),  // other kinds, another number of tags
                                   word | 0xff,
                                   Extension::make(word & 0xf, Extension::tags(word), 1, Extension::stamp(word)),
                                   Extension::make(word & 0xf, Extension::tags(word), 0xffff, Extension::stamp(word)),
                                   Extension::make(word & 0xf, Extension::tags(word), 0, kLastStamp),
                                   Extension::make(Extension::kLease | Extension::kSoft, 8, 0, kLastStamp)};
    if (in.below(2) == 0) return store(at, in.pick(words));
    set(at + in.below(Extension::bytes(word) / 8) * 8, in);
  }
  /// The side word of a known key's chunk, or any at all.
  void side(Bytes& in) noexcept {
    const std::uint64_t head = in.below(4) == 0 ? offset(in) : known(in).head;
    if (head < g_.pages_at || head >= end()) return;
    const std::uint64_t number = (head - g_.pages_at) / g_.page_bytes;
    std::uint32_t size_class = 0;
    std::memcpy(&size_class, image_ + g_.page_classes_at + number * 4, sizeof size_class);
    if (size_class >= classes_.count()) return;
    const ClassShape& shape = classes_.shape(size_class);
    const std::uint64_t within = (head - g_.pages_at) % g_.page_bytes;
    const std::uint64_t index = within < shape.chunks_at ? 0 : (within - shape.chunks_at) / shape.chunk_bytes % shape.chunks;
    const std::uint64_t at = g_.pages_at + number * g_.page_bytes + index * 8;
    const std::uint64_t before = load(at);
    const std::uint32_t generation = SideWord::generation(before);
    const std::uint64_t words[] = {SideWord::free(generation),
                                   SideWord::free(generation) | 1,
                                   SideWord::claimed(generation, {0, 2}),
                                   SideWord::claimed(generation, {0, 1}),
                                   SideWord::claimed(generation, {3, 1}),
                                   SideWord::claimed(generation, {4095, 7}),
                                   SideWord::linked(generation, SideWord::stripe(before) + 1, SideWord::tag(before)),
                                   SideWord::linked(generation, (1U << kStripeBits) - 1, SideWord::tag(before)),
                                   SideWord::linked(generation, SideWord::stripe(before), SideWord::tag(before) ^ 1),
                                   SideWord::part(generation, SideWord::stripe(before), SideWord::tag(before)),
                                   SideWord::part(generation, (1U << kStripeBits) - 1, 0)};
    store(at, in.pick(words));
  }
  void lock(Bytes& in) noexcept {
    const std::uint64_t words[] = {LockWord::of({0, 2}),        // we
                                   LockWord::of({0, 1}),        // our slot's former tenant
                                   LockWord::of({3, 1}),        // dead, in one specimen
                                   LockWord::of({70, 1}),       // no such slot
                                   LockWord::of({2, 0}),        // nobody
                                   LockWord::of({65534, ~0U}),  //
                                   LockWord::kWaiters,          //
                                   in.number<std::uint64_t>()};
    const std::uint64_t at = in.below(2) == 0 ? g_.stripes_at + in.below(g_.stripe_count) * sizeof(Stripe)
                                              : g_.page_infos_at + in.below(g_.page_count) * sizeof(PageInfo);
    const std::uint64_t word = in.pick(words);
    const std::uint64_t step = at < g_.page_infos_at ? sizeof(Stripe) : sizeof(PageInfo);
    const std::uint64_t last = at < g_.page_infos_at ? g_.directory_at : g_.page_classes_at;
    const bool all = in.below(8) == 0;
    for (std::uint64_t each = at; each + step <= last; each += step) {
      store(each, word);
      if (!all) break;
    }
  }
  /// What a class says of itself (how many pages, where its hand is), with its pages locked or not: what bounds the search for room.
  void size_class(Bytes& in) noexcept {
    std::uint32_t number = 0;
    const std::uint64_t page_of_known = (known(in).head - g_.pages_at) / g_.page_bytes;
    std::memcpy(&number, specimen_.image.data() + g_.page_classes_at + page_of_known * 4, sizeof number);
    const std::uint64_t at = g_.classes_at + number * sizeof(ClassState);
    if (in.below(2) == 0) set(at + in.below(sizeof(ClassState) / 8) * 8, in);
    if (in.below(2) == 0) std::memset(image_ + at + offsetof(ClassState, page_count), 0xff, 4);
    const bool locked = in.below(2) == 0;
    for (std::uint64_t page = 0; locked && page < g_.page_count; ++page)
      store(g_.page_infos_at + page * sizeof(PageInfo), LockWord::of({0, 2}));
    if (in.below(2) != 0) return;
    store(offsetof(SegmentHeader, free_pages), 0);
    for (std::uint64_t page = 0; page < g_.page_count; ++page)
      std::memset(image_ + g_.page_infos_at + page * sizeof(PageInfo) + offsetof(PageInfo, free_count), 0, 4);
  }
  void fill(Bytes& in) noexcept {
    const std::uint64_t at = place(in);
    const std::uint64_t bytes = std::min<std::uint64_t>(in.below(4096), g_.capacity_bytes - at);
    std::memset(image_ + at, in.byte(), bytes);
  }
  void small_word(Bytes& in) noexcept {
    const std::uint64_t at = place(in) + in.below(2) * 4;
    const auto word = static_cast<std::uint32_t>(special(load(at & ~std::uint64_t{7}) >> (at % 8 * 8), in));
    std::memcpy(image_ + at, &word, sizeof word);
  }

  std::byte* image_;
  const Specimen& specimen_;
  const Geometry g_;
  static inline const SizeClasses classes_{kMinPageBytes};
};

}  // namespace carafe::fuzz
