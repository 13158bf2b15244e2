// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "cache/allocator.h"
#include "cache/items.h"
#include "carafe/cache.h"
#include "fuzz/require.h"
#include "lock/owner_lock.h"
#include "support/values.h"

namespace carafe::fuzz {

/// Time in these programs: it moves only when told, so an image is the same in every run.
inline std::atomic<std::uint64_t> clock_ms{0};
inline std::uint64_t read_clock() noexcept { return clock_ms.load(std::memory_order_relaxed); }

/// A key of a specimen: what it reads as, and where its bytes are (offsets in the segment).
struct Known {
  std::string key;
  std::string value;
  std::uint32_t stripe = 0;
  std::uint64_t entry = 0;
  std::uint64_t head = 0;
  ItemHeader header;
  std::vector<std::uint64_t> parts;
  struct Range {
    std::uint64_t at = 0;
    std::uint64_t bytes = 0;
  };
  std::vector<Range> soft;  // the value's bytes: nothing in the segment vouches for these
};

/// An undamaged image, made by real operations.
struct Specimen {
  const char* name = "";
  std::vector<std::byte> image;
  std::uint64_t time_ms = 0;
  std::vector<Known> known;
  std::vector<std::uint64_t> tables;  // offsets
};

namespace detail {

inline void put(Cache& cache, const std::string& key, std::size_t bytes, std::chrono::milliseconds ttl = kForever) {
  require(cache.set(key, test::value_for(key, 1, bytes), ttl) == Status::kOk, "a specimen's set");
}

inline std::vector<std::string> small_items(Cache& cache) {
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; i < 160; ++i) {
    keys.push_back(test::numbered_key("small", i, i % 40 == 0 ? 300 + i * 20 : 0));
    put(cache, keys.back(), i * i % 700, i % 3 == 0 ? std::chrono::hours(1) : kForever);
  }
  for (std::uint64_t i = 0; i < 20; ++i) {
    keys.push_back("counter-" + std::to_string(i));
    require(cache.increment(keys.back(), 7, static_cast<std::int64_t>(i) << i).status == Status::kOk, "a specimen's counter");
  }
  for (std::uint64_t i = 0; i < 160; i += 9) require(cache.erase(keys[i]) == Status::kOk, "a specimen's erase");
  for (std::uint64_t i = 1; i < 160; i += 27) require(cache.touch(keys[i], std::chrono::hours(2)) == Status::kOk, "a specimen's touch");
  return keys;
}

inline std::vector<std::string> chains(Cache& cache) {
  std::vector<std::string> keys;
  const std::size_t largest = cache.info().largest_value_bytes;
  for (const std::size_t bytes :
       {std::size_t{9'000}, std::size_t{16'180}, std::size_t{31'000}, std::size_t{70'001}, largest / 2, largest}) {
    keys.push_back("chain-" + std::to_string(bytes));
    put(cache, keys.back(), bytes);
  }
  put(cache, keys[2], 24'000);  // one that replaces another
  for (std::uint64_t i = 0; i < 30; ++i) put(cache, keys.emplace_back("beside-" + std::to_string(i)), i * 40);
  return keys;
}

inline std::vector<std::string> growing_tables(Cache& cache) {
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const std::string key = std::to_string(i);
    put(cache, key, 8);
    if (i % 25 == 0) keys.push_back(key);
  }
  for (std::uint64_t i = 0; i < 2000; ++i)
    if (i % 5 == 1) require(cache.erase(std::to_string(i)) == Status::kOk, "a specimen's erase");
  return keys;
}

inline std::vector<std::string> moved_pages(Cache& cache) {
  for (std::uint64_t i = 0; i < 9000; ++i) put(cache, "first-" + std::to_string(i), 90);
  clock_ms += 5000;
  for (std::uint64_t i = 0; i < 500; ++i) put(cache, "second-" + std::to_string(i), 3000);
  cache.clear();
  for (std::uint64_t i = 0; i < 300; ++i) put(cache, "brief-" + std::to_string(i), 200, std::chrono::milliseconds(1 + i));
  std::vector<std::string> keys;
  for (std::uint64_t i = 0; i < 1200; ++i) {
    put(cache, "third-" + std::to_string(i), 700);
    if (i > 1100) keys.push_back("third-" + std::to_string(i));
  }
  clock_ms += 1000;
  require(cache.stats().pages_moved > 20, "a specimen with pages that moved");
  return keys;
}

/// Items of every extension: tags, soft times, nones, failures, leases; and namespaces with the same keys, one of them dropped.
inline std::vector<std::string> extended_items(Cache& cache) {
  std::vector<std::string> keys;
  const std::string names[] = {"one", "two", "three", "four", "five", "six", "seven", "eight"};
  for (std::uint64_t i = 0; i < 100; ++i) {
    const std::string& key = keys.emplace_back("extended-" + std::to_string(i));
    Tags tags;
    for (std::uint64_t n = 0; n < i % 9; ++n) tags.add(names[(n + i) % 8]);
    const std::string value = test::value_for(key, 1, i == 50 ? 20'000 : i * 37 % 900);
    if (i % 3 == 0) {
      static_cast<void>(
          cache.get_or_load(key, [&] { return value; }, {.ttl = std::chrono::hours(1), .stale_for = std::chrono::hours(1), .tags = tags}));
    } else {
      require(cache.set(key, value, {.ttl = i % 2 == 0 ? kForever : std::chrono::hours(1), .tags = tags}) == Status::kOk,
              "a specimen's set");
    }
  }
  for (std::uint64_t i = 0; i < 20; ++i) {
    const std::string key = "answer-" + std::to_string(i);
    LoadTicket ticket = cache.try_load(key, {.tags = {"one"}});
    if (i % 3 == 0) require(ticket.fill_none(std::chrono::hours(1)) == Status::kOk, "a specimen's none");
    if (i % 3 == 1) require(ticket.fill("value", std::chrono::hours(1)) == Status::kOk, "a specimen's fill");
  }
  for (const auto* name : {"users", "pages", "dropped"}) {
    Namespace space = cache.in(name, {.release = "r"});
    for (std::uint64_t i = 0; i < 40; ++i)
      require(space.set("extended-" + std::to_string(i), test::value_for(name, i, i * 29), {.tags = {"one"}}) == Status::kOk,
              "a specimen's set");
  }
  require(cache.drop_namespace("dropped", "r"), "a specimen's drop");
  cache.in("quota", {.quota_bytes = 5'000}).clear();
  require(cache.invalidate_tag("three") == Status::kOk, "a specimen's invalidation");
  return keys;
}

/// What a dead worker leaves at each of its steps: claims, a chunk linked without an entry, an old one still linked, twins, locks.
inline void leave_behind(const Engine& engine, const std::vector<std::string>& keys) {
  constexpr std::uint32_t kSlot = 3;
  const View& view = engine.view;
  view.worker(kSlot).incarnation.store(1, kRelaxed);
  view.header().slots_used.store(kSlot + 1, kRelaxed);
  const WorkerId id{kSlot, 1};
  const Worker dead{view, engine.liveness, id, LockWord::of(id), &view.worker(kSlot).lanes[0]};
  const Allocator allocator(engine, dead);
  for (const std::uint32_t bytes : {40U, 300U, 2000U}) {
    const Claim claim = allocator.claim(engine.classes.item_class(bytes));
    require(static_cast<bool>(claim), "a specimen's claim");
  }
  const Claim table = allocator.claim(engine.classes.index_class(3));
  require(static_cast<bool>(table), "a specimen's claim of a table");
  const Key key = Key::of(engine, keys[5]);
  const Claim linked = allocator.claim(engine.classes.item_class(64));
  racy_store(linked.bytes, ItemHeader::make(engine.epoch(), key.text.size(), 3, false, false).word);
  racy_copy_in(linked.bytes + 8, key.text.data(), key.text.size());
  engine.slabs.side(linked.chunk).store(SideWord::linked(SideWord::generation(linked.word), key.stripe, key.tag), kRelease);
  for (const std::size_t i : {11U, 23U}) {
    const std::uint32_t stripe = Key::of(engine, keys[i]).stripe;
    if (OwnerLock::try_lock(view.stripe(stripe).lock, dead) != LockResult::kLocked) continue;  // two keys of one stripe
    const Table of_stripe = Table::of(view, stripe);
    if (of_stripe.count < 2) continue;
    for (auto& entry : of_stripe.buckets[0].entries) {
      const std::uint64_t word = entry.load(kRelaxed);
      Bucket& other = of_stripe.other_bucket(of_stripe.buckets[0], Entry::tag(word));
      if (word == Entry::kEmpty || &other == &of_stripe.buckets[0]) continue;
      for (auto& twin : other.entries) {
        if (twin.load(kRelaxed) != Entry::kEmpty) continue;
        twin.store(word, kRelease);
        break;
      }
      break;
    }
  }
  require(engine.slabs.lock_page(linked.chunk.page, dead), "a specimen's page lock");
}

/// Where the keys are, told by the product's own ways to the bytes; keys that are not there any more are left out.
inline void describe(const Engine& engine, Cache& cache, const std::vector<std::string>& keys, Specimen& specimen) {
  const auto offset_of = [&](const void* at) { return static_cast<std::uint64_t>(static_cast<const std::byte*>(at) - engine.view.base()); };
  for (const std::string& text : keys) {
    const auto value = cache.get(text);
    if (!value) continue;
    const Key key = Key::of(engine, text);
    const Found found = find_locked(engine, Table::of(engine.view, key.stripe), key, engine.epoch());
    require(static_cast<bool>(found), "a specimen's key is found under the lock, too");
    Known known{text, *value, key.stripe, offset_of(found.entry), found.chunk.offset, found.item.header, {}, {}};
    known.soft.push_back({found.chunk.offset + known.header.value_at(), known.header.value_bytes()});
    // Nor for when it was stored, and what may have been invalidated since.
    if (known.header.extended()) {
      const std::uint64_t extension = known.header.extension;
      known.soft.push_back({found.chunk.offset + known.header.extension_at(), Extension::bytes(extension)});
      for (std::size_t i = 0; i < Extension::tags(extension); ++i)
        known.soft.push_back({offset_of(&engine.view.tag(found.item.tag_place(i))), sizeof(std::uint64_t)});
    }
    if (known.header.chained())
      require(for_each_part(engine, found.item,
                            [&](std::uint64_t offset, std::size_t bytes, const std::byte*) {
                              known.parts.push_back(offset);
                              known.soft.push_back({offset + kPartBytesAt, bytes});
                              return true;
                            }),
              "a specimen's chain is whole");
    specimen.known.push_back(std::move(known));
  }
  for (std::uint32_t stripe = 0; stripe < engine.view.geometry().stripe_count; ++stripe)
    if (const Table table = Table::of(engine.view, stripe); table.count != 0) specimen.tables.push_back(offset_of(table.buckets));
  specimen.time_ms = clock_ms;
}

}  // namespace detail

inline constexpr const char* kSpecimenNames[] = {"small items",   "chains", "growing tables", "moved pages", "a dead worker's leavings",
                                                 "extended items"};
inline constexpr std::size_t kSpecimens = std::size(kSpecimenNames);

/// Fills a new segment, open as `cache` and (by internals) as `engine`, and describes what lies in it. The image itself is the caller's.
inline void make_specimen(std::size_t which, Cache& cache, const Engine& engine, Specimen& specimen) {
  specimen.name = kSpecimenNames[which];
  std::vector<std::string> keys = which == 0   ? detail::small_items(cache)
                                  : which == 1 ? detail::chains(cache)
                                  : which == 2 ? detail::growing_tables(cache)
                                  : which == 3 ? detail::moved_pages(cache)
                                  : which == 5 ? detail::extended_items(cache)
                                               : detail::small_items(cache);
  if (which == 4) {
    for (std::string& key : detail::chains(cache)) keys.push_back(std::move(key));
    detail::leave_behind(engine, keys);
  }
  detail::describe(engine, cache, keys, specimen);
}

}  // namespace carafe::fuzz
