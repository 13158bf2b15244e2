// SPDX-License-Identifier: MIT
#include "cache/verify.h"

#include <string>
#include <unordered_set>

#include "cache/items.h"

namespace carafe {
namespace {

constexpr std::size_t kMostProblems = 100;
constexpr int kLooks = 50;

class Verifier {
 public:
  explicit Verifier(const Engine& engine) : engine_(engine), view_(engine.view) {}

  VerifyReport run() {
    check_workers();
    for (std::uint32_t stripe = 0; stripe < view_.geometry().stripe_count; ++stripe) check_stripe(stripe);
    check_pages();
    report_.ok = report_.problems.empty();
    return std::move(report_);
  }

 private:
  void problem(std::string text) {
    if (report_.problems.size() < kMostProblems) report_.problems.push_back(std::move(text));
  }

  [[nodiscard]] bool known(WorkerId id, std::uint32_t mask) const {
    if (id.slot >= view_.geometry().worker_count) return false;
    const std::uint32_t now = view_.worker(id.slot).incarnation.load(kAcquire);
    return id.incarnation != 0 && ((now - id.incarnation) & mask) < (mask >> 1);
  }

  void check_lock(std::uint64_t word, const std::string& what) {
    if (word != LockWord::kFree && !known(LockWord::owner(word), ~0U))
      problem(what + " is locked by a worker that never existed (word " + std::to_string(word) + ")");
  }

  void check_workers() {
    const std::uint64_t used = view_.header().slots_used.load(kAcquire);
    if (used > view_.geometry().worker_count)
      problem("slots_used is " + std::to_string(used) + " of " + std::to_string(view_.geometry().worker_count));
  }

  void check_stripe(std::uint32_t stripe) {
    const std::string what = "stripe " + std::to_string(stripe);
    check_lock(view_.stripe(stripe).lock.load(kAcquire), what);
    auto& directory = view_.directory(stripe);
    std::string wrong;
    for (int look = 0; look < kLooks; ++look) {
      const std::uint64_t word = directory.load(kAcquire);
      if (DirectoryWord::buckets(word) == 0) return;
      wrong.clear();
      const Table table = Table::from_word(view_, word);
      Chunk chunk;
      if (table.count == 0 || !engine_.slabs.locate(DirectoryWord::offset(word), chunk)) {
        wrong = "its table lies outside the pages";
      } else if (!engine_.classes.shape(chunk.size_class).is_index || engine_.classes.buckets(chunk.size_class) != table.count) {
        wrong = "its table is not a chunk of its index class";
      } else if (const std::uint64_t side = engine_.slabs.side(chunk).load(kAcquire); !is_linked_to(side, stripe)) {
        wrong = "its table's chunk does not say that it is this stripe's";
      }
      if (wrong.empty()) {
        bool replaced = false;
        for (std::uint32_t i = 0; i < table.count && !replaced; ++i) replaced = !check_bucket(stripe, table, i);
        if (!replaced) return;
      } else if (directory.load(kAcquire) == word && look + 1 == kLooks) {
        problem(what + ": " + wrong);
        return;
      }
    }
  }

  /// False when the table was replaced meanwhile, so that the stripe has to be looked at again.
  bool check_bucket(std::uint32_t stripe, const Table& table, std::uint32_t number) {
    Bucket& bucket = table.buckets[number];
    std::string wrong;
    for (int look = 0; look < kLooks; ++look) {
      const std::uint64_t version = bucket.version.load(kAcquire);
      std::uint64_t items = 0;
      wrong.clear();
      for (auto& entry : bucket.entries) {
        const std::uint64_t word = entry.load(kAcquire);
        if (word == Entry::kEmpty) continue;
        const std::string found = check_entry(stripe, table, number, word);
        if (!found.empty()) wrong = "bucket " + std::to_string(number) + ": " + found;
        for (const auto* other = bucket.entries; other != &entry; ++other)
          if (Entry::same_item(other->load(kAcquire), word))
            wrong =
                "bucket " + std::to_string(number) + ": entry for offset " + std::to_string(Entry::offset(word)) + " stands there twice";
        if (const ItemView item = ItemView::at(view_, Entry::offset(word));
            item && is_current(item.header, engine_.epoch()) && !item.is_lease())
          ++items;
      }
      atomic_fence(kAcquire);
      if (view_.directory(stripe).load(kAcquire) != table.directory_word) return false;
      if (bucket.version.load(kAcquire) != version) continue;
      if (wrong.empty()) {
        report_.items += items;
        for (auto& entry : bucket.entries)
          if (const std::uint64_t word = entry.load(kRelaxed); word != Entry::kEmpty) referenced_.insert(Entry::offset(word));
        return true;
      }
    }
    problem("stripe " + std::to_string(stripe) + ", " + (wrong.empty() ? "bucket " + std::to_string(number) + " never held still" : wrong));
    return true;
  }

  std::string check_entry(std::uint32_t stripe, const Table& table, std::uint32_t number, std::uint64_t word) {
    const std::uint64_t offset = Entry::offset(word);
    const std::uint32_t tag = Entry::tag(word);
    const std::string at = "entry for offset " + std::to_string(offset);
    const std::uint32_t first = Place::first(tag, table.count);
    // Twins are what a displacement cut short leaves, until the dead one's lock is taken over.
    if (number == first && table.count > 1 && view_.stripe(stripe).lock.load(kAcquire) == LockWord::kFree) {
      for (auto& twin : table.second(tag).entries)
        if (Entry::same_item(twin.load(kAcquire), word)) return at + " stands in both its buckets";
    }
    if (number != first && (table.count == 1 || number != Place::second(tag, table.count, first)))
      return at + " stands in a bucket where its tag does not belong";
    Chunk chunk;
    if (!engine_.slabs.locate(offset, chunk)) return at + " refers to no chunk";
    if (engine_.classes.shape(chunk.size_class).is_index) return at + " refers to a chunk of an index class";
    const std::uint64_t side = engine_.slabs.side(chunk).load(kAcquire);
    if (!is_linked_to(side, stripe) || SideWord::tag(side) != tag) return at + " refers to a chunk that is not linked to it";
    const ItemView item = ItemView::at(view_, offset);
    if (!item || item.header.bytes() > engine_.classes.shape(chunk.size_class).chunk_bytes)
      return at + " refers to an item longer than its chunk";
    std::string key(item.header.key_bytes(), '\0');
    racy_copy_out(key.data(), item.bytes + item.header.key_at(), key.size());
    const std::uint64_t hash = Key::hash_of(engine_, key, item.header.space());
    if (view_.stripe_of(hash) != stripe || Place::tag_of(hash) != tag) return at + " refers to an item whose key belongs elsewhere";
    if (item.header.chained()) {
      const bool whole = for_each_part(engine_, item, [&](std::uint64_t part_offset, std::size_t bytes, const std::byte* part_bytes) {
        Chunk part;
        if (!engine_.slabs.locate(part_offset, part) || kPartBytesAt + bytes > engine_.classes.shape(part.size_class).chunk_bytes)
          return false;
        const std::uint64_t part_side = engine_.slabs.side(part).load(kAcquire);
        return SideWord::state(part_side) == SideWord::kPart && SideWord::stripe(part_side) == stripe && SideWord::tag(part_side) == tag &&
               racy_load(part_bytes + kPartChainIdAt) == item.chain_id();
      });
      if (!whole) return at + " begins a chain that is broken";
    }
    return {};
  }

  void check_pages() {
    for (std::uint32_t page = 0; page < view_.geometry().page_count; ++page) {
      check_lock(view_.page_info(page).lock.load(kAcquire), "page " + std::to_string(page));
      const std::uint32_t raw = view_.page_class(page).load(kAcquire);
      if (raw != kNoClass && raw >= engine_.classes.count())
        problem("page " + std::to_string(page) + " has the unknown class " + std::to_string(raw));
      const std::uint32_t size_class = engine_.slabs.page_class(page);
      if (size_class == kNoClass) continue;
      for (std::uint32_t i = 0; i < engine_.classes.shape(size_class).chunks; ++i) check_side(page, i, size_class);
    }
  }

  void check_side(std::uint32_t page, std::uint32_t index, std::uint32_t size_class) {
    const std::uint64_t word = engine_.slabs.side(page, index).load(kAcquire);
    ++report_.chunks;
    const auto changed = [&] {
      return engine_.slabs.side(page, index).load(kAcquire) != word || engine_.slabs.page_class(page) != size_class;
    };
    const std::string what = "page " + std::to_string(page) + ", chunk " + std::to_string(index);
    switch (SideWord::state(word)) {
      case SideWord::kFree:
        if ((word & SideWord::kPayloadMask) != 0 && !changed()) problem(what + " is free, but not only that");
        return;
      case SideWord::kClaimed:
        if (!known(SideWord::claimant(word), SideWord::kIncarnationMask) && !changed())
          problem(what + " is claimed by a worker that never existed");
        return;
      case SideWord::kLinked:
      case SideWord::kPart:
        if (SideWord::stripe(word) >= view_.geometry().stripe_count && !changed()) problem(what + " belongs to an unknown stripe");
        if (SideWord::state(word) == SideWord::kLinked && !engine_.classes.shape(size_class).is_index &&
            !referenced_.contains(engine_.slabs.chunk_at(page, index, size_class).offset))
          ++report_.unreferenced;
        return;
    }
  }

  const Engine& engine_;
  const View& view_;
  VerifyReport report_;
  std::unordered_set<std::uint64_t> referenced_;
};

}  // namespace

VerifyReport verify_segment(const Engine& engine) { return Verifier(engine).run(); }

}  // namespace carafe
