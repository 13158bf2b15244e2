// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cache/items.h"
#include "index/table.h"
#include "step/trial.h"

namespace carafe::test {
namespace play {

using std::chrono::milliseconds;

/// A chunk this large is freed to its page's bitmap, where others find it, not to a private hint.
inline constexpr std::size_t kShared = 300;
inline constexpr std::size_t kSmall = 100;
inline constexpr std::size_t kLarge = 2'500;  // three a page
inline constexpr std::size_t kChain = 20'000;

inline bool grew(std::uint64_t Stats::*counter, const Stats& before, const Stats& after) { return after.*counter > before.*counter; }
inline bool evicted(const Stats& a, const Stats& b) { return grew(&Stats::evictions, a, b); }
inline bool moved_a_page(const Stats& a, const Stats& b) { return grew(&Stats::pages_moved, a, b); }
inline bool rebuilt(const Stats& a, const Stats& b) { return grew(&Stats::index_rebuilds, a, b); }

inline std::vector<std::string> keys_of(Stage& stage) {
  std::vector<std::string> keys;
  stage.cache().for_each([&](std::string_view key, std::string_view) { keys.emplace_back(key); });
  return keys;
}

/// A key that is gone once `operation` was carried out; which is then undone.
inline std::string victim_of(Stage& stage, const Operation& operation) {
  const std::vector<std::string> before = keys_of(stage);
  stage.save();
  Outcome outcome;
  std::string problem;
  perform(stage, operation, outcome, problem);
  std::string victim;
  for (const std::string& key : before)
    if (!stage.cache().contains(key)) victim = key;
  stage.restore();
  if (victim.empty()) throw std::runtime_error("step test: nothing was evicted");
  return victim;
}

/// Where the entry of a key stands; nullptr for nowhere.
inline const Atomic<std::uint64_t>* entry_of(Stage& stage, std::string_view key) {
  const View& view = stage.view();
  const std::uint64_t hash = hash_key(key, view.header().seed);
  return Table::of(view, view.stripe_of(hash)).find(carafe::Place::tag_of(hash), [&](std::uint64_t word) {
    const ItemView item = ItemView::at(view, Entry::offset(word));
    return item && item.has_key(Key{.text = key});
  });
}

/// In which of its two buckets a key stands: 1 or 2; 0 for nowhere.
inline int bucket_of(Stage& stage, std::string_view key) {
  const std::uint64_t hash = hash_key(key, stage.view().header().seed);
  const auto* entry = entry_of(stage, key);
  if (entry == nullptr) return 0;
  const Bucket& first = Table::of(stage.view(), stage.view().stripe_of(hash)).first(carafe::Place::tag_of(hash));
  return entry >= &first.entries[0] && entry <= &first.entries[kEntriesPerBucket - 1] ? 1 : 2;
}

/// Fills up until the next set, of `stage.key`, moves an entry to its other bucket, out of its `from`-th one; the key of that entry.
inline std::string displaced_by_next_set(Stage& stage, int from) {
  const auto name = [](int number) { return "find" + std::to_string(number); };
  // First which sets move anything at all; then once more, looking closely at these.
  std::vector<int> moving;
  stage.save();
  for (int i = 0; i < 3'000; ++i) {
    const Stats before = stage.cache().stats();
    const std::uint64_t moves = stage.displacements();
    stage.put(name(i), text('f', 40));
    if (stage.displacements() != moves && !rebuilt(before, stage.cache().stats())) moving.push_back(i);
  }
  stage.restore();
  int next = 0;
  for (const int i : moving) {
    for (; next < i; ++next) stage.put(name(next), text('f', 40));
    std::map<std::string, int> before;
    for (const std::string& key : keys_of(stage)) before[key] = bucket_of(stage, key);
    stage.save();
    stage.key = name(next++);
    stage.put(stage.key, text('f', 40));
    for (const auto& [key, bucket] : before) {
      if (bucket != from || bucket_of(stage, key) != 3 - from) continue;
      stage.restore();
      return key;
    }
  }
  throw std::runtime_error("step test: no key does that");
}

/// Fills up until the next set, of `stage.key`, grows its stripe's table; some other key of that stripe.
inline std::string neighbour_of_next_growth(Stage& stage) {
  stage.find_key(40, [](const Stats& a, const Stats& b) { return rebuilt(a, b) && b.items > 400; });
  for (const std::string& key : keys_of(stage))
    if (!is_bystander(key) && stage.stripe_of(key) == stage.stripe_of(stage.key)) return key;
  throw std::runtime_error("step test: no neighbour");
}

/// A new key of the same stripe as `key`.
inline std::string same_stripe(Stage& stage, std::string_view key, const std::string& prefix = "near") {
  for (int i = 0;; ++i)
    if (std::string name = prefix + std::to_string(i); stage.stripe_of(name) == stage.stripe_of(key)) return name;
}

/// A key, with a value from now on, in the same bucket as `key`.
inline std::string same_bucket(Stage& stage, std::string_view key, std::string_view value) {
  const auto bucket = [&](std::string_view where) { return reinterpret_cast<std::uintptr_t>(entry_of(stage, where)) / sizeof(Bucket); };
  for (int i = 0; i < 2'000; ++i) {
    std::string name = "near" + std::to_string(i);
    if (stage.stripe_of(name) != stage.stripe_of(key)) continue;
    stage.put(name, value);
    if (bucket(name) == bucket(key)) return name;
    static_cast<void>(stage.cache().erase(name));
  }
  throw std::runtime_error("step test: no key in that bucket");
}

/// A key, with a value from now on, that stands in the second of its buckets.
inline std::string in_second_bucket(Stage& stage, std::string_view value) {
  for (int i = 0; i < 3'000; ++i) {
    std::string name = "find" + std::to_string(i);
    stage.put(name, value);
    if (bucket_of(stage, name) == 2) return name;
  }
  throw std::runtime_error("step test: no key in its second bucket");
}

/// Full of values of one size, all of which have expired.
inline void fill_with_expired(Stage& stage, std::size_t bytes) {
  stage.fill(bytes, milliseconds(100));
  Stage::advance(milliseconds(200));
}

}  // namespace play

inline const std::vector<Duel>& duels() {
  using namespace play;
  static const std::vector<Duel> all = {
      // --- reader against writer
      {"reader against writer: replace",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{get("key")}, {set("key", text('b', kSmall))}}, .all_pairs = true};
       }},
      {"reader against writer: new key",
       [](Stage& stage) {
         stage.put("nearby", text('a', kSmall));
         return Play{.parts = {{get("key")}, {set("key", text('b', kSmall))}}};
       }},
      {"reader against writer: erased, and the chunk reused",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         return Play{.parts = {{get("key")}, {erase("key"), set("new", text('b', kShared))}}};
       }},
      {"reader against writer: replaced, and the old chunk reused",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         return Play{.parts = {{get("key")}, {set("key", text('b', kShared)), set("new", text('c', kShared))}}};
       }},
      {"reader against writer: replaced in its second bucket, and the old chunk reused",
       [](Stage& stage) {
         const std::string key = in_second_bucket(stage, text('a', kShared));
         return Play{.parts = {{get(key)}, {set(key, text('b', kShared)), set("new", text('c', kShared))}}};
       }},
      {"reader against writer: and a third one reuses the old chunk",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         return Play{.parts = {{get("key")}, {set("key", text('b', kShared))}, {set("new", text('c', kShared))}}, .all_pairs = true};
       }},
      {"reader against eraser: and a third one reuses the chunk",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         return Play{.parts = {{get("key")}, {erase("key")}, {set("new", text('c', kShared))}}, .all_pairs = true};
       }},
      {"reader against writer: replaced three times",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{get("key"), get("key")},
                               {set("key", text('b', kSmall)), set("key", text('c', kSmall)), set("key", text('d', kSmall))}}};
       }},
      {"reader against writer: chains",
       [](Stage& stage) {
         stage.put("key", text('a', kChain));
         return Play{.parts = {{get("key")}, {set("key", text('b', kChain)), set("new", text('c', kChain))}}};
       }},
      {"reader against writer: a chain replaced, and a third one reuses its chunks",
       [](Stage& stage) {
         stage.put("key", text('a', kChain));
         return Play{.parts = {{get("key")}, {set("key", text('b', kSmall))}, {set("new", text('c', kChain))}}};
       }},
      {"reader against writer: a copy with a time to live",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         return Play{.parts = {{get("key")}, {touch("key"), set("new", text('b', kShared))}}};
       }},
      {"reader harried by writers of its bucket",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         const std::string neighbour = same_bucket(stage, "key", text('a', kShared));
         Part writer;
         for (int i = 0; i < 34; ++i)
           writer.push_back(i % 3 == 2 ? erase(neighbour) : set(neighbour, text(i % 3 == 0 ? 'b' : 'c', kShared)));
         return Play{.parts = {{get("key")}, writer}, .harries = true};
       }},
      {"reader harried by writers of its key",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         Part writer;
         // Two chunks take turns; three values, so that each chunk is overwritten with something else.
         for (int i = 0; i < 34; ++i) writer.push_back(set("key", text(static_cast<char>('b' + i % 3), kShared)));
         return Play{.parts = {{get("key")}, writer}, .harries = true};
       }},
      {"everything looked at, against writer",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{look()}, {set("key", text('b', kSmall)), erase("key"), set("key", text('c', kChain))}}};
       }},

      // --- writer against writer
      {"writer against writer: same key",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{set("key", text('b', kSmall))}, {set("key", text('c', kSmall)), get("key")}}};
       }},
      {"writer against writer: new keys of one stripe",
       [](Stage& stage) {
         return Play{.parts = {{set("key", text('b', kSmall))}, {set(same_stripe(stage, "key"), text('c', kSmall)), get("key")}}};
       }},
      {"writer against writer: erase",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{set("key", text('b', kSmall))}, {erase("key"), get("key")}}};
       }},
      {"writer against writer: erase and erase",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{erase("key")}, {erase("key"), add("key", text('c', kSmall))}}};
       }},
      {"writer against writer: add and add",
       [](Stage&) {
         return Play{.parts = {{add("key", text('b', kSmall))}, {add("key", text('c', kSmall)), get("key")}}};
       }},
      {"writer against writer: increments",
       [](Stage& stage) {
         stage.put("key", "7");
         return Play{.parts = {{increment("key")}, {increment("key"), get("key")}}};
       }},
      {"writer against writer: compare_and_set twice",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         const std::uint64_t version = stage.cache().get_versioned("key")->version;
         return Play{.parts = {{compare_and_set("key", version, text('b', kSmall))},
                               {compare_and_set("key", version, text('c', kSmall)), get("key")}}};
       }},
      {"writer against writer: compare_and_set, erased and set anew",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         const std::uint64_t version = stage.cache().get_versioned("key")->version;
         return Play{.parts = {{compare_and_set("key", version, text('b', kShared))}, {erase("key"), set("key", text('c', kShared))}}};
       }},
      {"writer against writer: chains",
       [](Stage& stage) {
         stage.put("key", text('a', kChain));
         return Play{.parts = {{set("key", text('b', kChain))}, {set("key", text('c', kChain)), get("key")}}};
       }},

      // --- evictor
      {"evictor against reader",
       [](Stage& stage) {
         stage.fill(kLarge);
         const Operation evicting = set("key", text('b', kLarge));
         return Play{.parts = {{get(victim_of(stage, evicting))}, {evicting, get("key")}}, .tight = true, .took_the_way = &evicted};
       }},
      {"evictor against reader: chains",
       [](Stage& stage) {
         stage.fill(kChain);
         const Operation evicting = set("key", text('b', kChain));
         return Play{.parts = {{get(victim_of(stage, evicting))}, {evicting}}, .tight = true, .took_the_way = &evicted};
       }},
      {"evictor against writer: the victim is erased and its chunk reused",
       [](Stage& stage) {
         stage.fill(kLarge);
         const Operation evicting = set("key", text('b', kLarge));
         return Play{.parts = {{evicting}, {erase(victim_of(stage, evicting)), set("new", text('c', kLarge))}}, .tight = true};
       }},
      {"evictor against writer: the victim is replaced",
       [](Stage& stage) {
         stage.fill(kLarge);
         const Operation evicting = set("key", text('b', kLarge));
         const std::string victim = victim_of(stage, evicting);
         return Play{.parts = {{evicting}, {set(victim, text('c', kLarge)), get(victim)}}, .tight = true, .took_the_way = &evicted};
       }},
      {"evictor against evictor",
       [](Stage& stage) {
         stage.fill(kLarge);
         return Play{.parts = {{set("key", text('b', kLarge))}, {set("new", text('c', kLarge)), get("key")}},
                     .tight = true,
                     .took_the_way = &evicted};
       }},

      // --- page mover
      {"page mover against reader",
       [](Stage& stage) {
         stage.fill(kLarge);
         const Operation moving = set("key", text('b', kSmall));
         return Play{.parts = {{get(victim_of(stage, moving))}, {moving, get("key")}}, .tight = true, .took_the_way = &moved_a_page};
       }},
      {"page mover against sweeper",
       [](Stage& stage) {
         fill_with_expired(stage, kLarge);
         return Play{.parts = {{set("key", text('b', kSmall)), get("key")}, {set("new", text('c', kLarge)), get("new")}},
                     .tight = true,
                     .took_the_way = &moved_a_page};
       }},
      {"page mover against the hand",
       [](Stage& stage) {
         stage.fill(kLarge);
         return Play{.parts = {{set("key", text('b', kSmall)), get("key")}, {set("new", text('c', kLarge)), get("new")}},
                     .tight = true,
                     .took_the_way = &moved_a_page};
       }},
      {"page mover against writer: what it empties is erased",
       [](Stage& stage) {
         stage.fill(kLarge);
         const Operation moving = set("key", text('b', kSmall));
         return Play{.parts = {{moving}, {erase(victim_of(stage, moving)), set("new", text('c', kLarge))}}, .tight = true};
       }},

      // --- splitter: a stripe's table is rebuilt, or an entry moves to its other bucket
      {"splitter against reader: the table grows",
       [](Stage& stage) {
         const std::string neighbour = neighbour_of_next_growth(stage);
         return Play{.parts = {{get(neighbour)}, {set(stage.key, text('b', 40)), get(neighbour)}}, .took_the_way = &rebuilt};
       }},
      {"splitter against reader: the table grows, the item is replaced and its chunk reused",
       [](Stage& stage) {
         const std::string neighbour = neighbour_of_next_growth(stage);
         return Play{.parts = {{get(neighbour)}, {set(stage.key, text('b', 40)), set(neighbour, text('c', 40)), set("new", text('d', 40))}},
                     .took_the_way = &rebuilt};
       }},
      {"splitter against writer: the table grows",
       [](Stage& stage) {
         const std::string neighbour = neighbour_of_next_growth(stage);
         return Play{.parts = {{set(stage.key, text('b', 40))}, {erase(neighbour), set(neighbour, text('c', 40))}}};
       }},
      {"splitter against splitter: the table grows",
       [](Stage& stage) {
         static_cast<void>(neighbour_of_next_growth(stage));
         return Play{.parts = {{set(stage.key, text('b', 40))}, {set(same_stripe(stage, stage.key), text('c', 40)), get(stage.key)}},
                     .took_the_way = &rebuilt};
       }},
      {"splitter against reader: out of the second bucket",
       [](Stage& stage) {
         const std::string moved = displaced_by_next_set(stage, 2);
         return Play{.parts = {{get(moved)}, {set(stage.key, text('b', 40))}}, .all_pairs = true};
       }},
      {"splitter against reader: out of the first bucket",
       [](Stage& stage) {
         const std::string moved = displaced_by_next_set(stage, 1);
         return Play{.parts = {{get(moved)}, {set(stage.key, text('b', 40))}}, .all_pairs = true};
       }},
      {"splitter against writer: what it moves is erased",
       [](Stage& stage) {
         const std::string moved = displaced_by_next_set(stage, 2);
         return Play{.parts = {{set(stage.key, text('b', 40))}, {erase(moved), get(moved)}}};
       }},
      {"splitter against everything looked at",
       [](Stage& stage) {
         static_cast<void>(displaced_by_next_set(stage, 1));
         return Play{.parts = {{look()}, {set(stage.key, text('b', 40))}}};
       }},

      // --- clear
      {"clear against set",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{set("key", text('b', kSmall)), get("key")}, {clear(), get("key")}}, .all_pairs = true};
       }},
      {"clear against set: in an empty segment",
       [](Stage&) {
         return Play{.parts = {{set("key", text('b', kSmall))}, {clear(), set("key", text('c', kSmall))}}};
       }},
      {"clear against add",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{add("key", text('b', kSmall)), get("key")}, {clear(), add("key", text('c', kSmall))}}};
       }},
      {"clear against increment",
       [](Stage& stage) {
         stage.put("key", "7");
         return Play{.parts = {{increment("key")}, {clear(), increment("key")}}};
       }},
      {"clear against reader",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{get("key"), get("key")}, {clear(), set("key", text('b', kSmall))}}};
       }},
      {"after a clear: a table begun anew, against reader and writer",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         stage.cache().clear();
         return Play{
             .parts = {{get("key"), set("key", text('b', kSmall))}, {set(same_stripe(stage, "key"), text('c', kSmall)), get("key")}}};
       }},

      // --- remove
      {"retire against get",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{get("key"), get("key")}, {remove(), get("key")}}};
       }},
      {"retire against set",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{set("key", text('b', kSmall)), get("key")}, {remove(), get("key")}}};
       }},
  };
  return all;
}

}  // namespace carafe::test
