// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "step/duels.h"

/// Duels of other ways to read than get: one that asks for a version is the Reader's from the first look on, while nearly every get is over after
/// a glance; one that looks at the value in place believes nothing that it saw until the answer is there.
namespace carafe::test {

/// Whoever reads against whoever writes, replaces, reuses, moves and rebuilds. read: the verb.
inline std::vector<Duel> duels_of_reading(const std::string& name, Operation (*read)(std::string)) {
  using namespace play;
  return {
      {name + ": replace",
       [read](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{read("key"), read("key")}, {set("key", text('b', kSmall)), read("key")}}, .all_pairs = true};
       }},
      {name + ": new key",
       [read](Stage& stage) {
         stage.put("nearby", text('a', kSmall));
         return Play{.parts = {{read("key")}, {set("key", text('b', kSmall)), read("key")}}};
       }},
      {name + ": erased, and the chunk reused",
       [read](Stage& stage) {
         stage.put("key", text('a', kShared));
         return Play{.parts = {{read("key")}, {erase("key"), set("new", text('b', kShared))}}};
       }},
      {name + ": replaced, and the old chunk reused",
       [read](Stage& stage) {
         stage.put("key", text('a', kShared));
         return Play{.parts = {{read("key")}, {set("key", text('b', kShared)), set("new", text('c', kShared))}}};
       }},
      {name + ": replaced in its second bucket, and the old chunk reused",
       [read](Stage& stage) {
         const std::string key = in_second_bucket(stage, text('a', kShared));
         return Play{.parts = {{read(key)}, {set(key, text('b', kShared)), set("new", text('c', kShared))}}};
       }},
      {name + ": a chain replaced, and a third one reuses its chunks",
       [read](Stage& stage) {
         stage.put("key", text('a', kChain));
         return Play{.parts = {{read("key")}, {set("key", text('b', kSmall))}, {set("new", text('c', kChain))}}};
       }},
      {name + ": moved out of the second bucket",
       [read](Stage& stage) {
         const std::string moved = displaced_by_next_set(stage, 2);
         return Play{.parts = {{read(moved)}, {set(stage.key, text('b', 40))}}, .all_pairs = true};
       }},
      {name + ": moved out of the first bucket",
       [read](Stage& stage) {
         const std::string moved = displaced_by_next_set(stage, 1);
         return Play{.parts = {{read(moved)}, {set(stage.key, text('b', 40))}}, .all_pairs = true};
       }},
      {name + ": the table grows",
       [read](Stage& stage) {
         const std::string neighbour = neighbour_of_next_growth(stage);
         return Play{.parts = {{read(neighbour)}, {set(stage.key, text('b', 40)), read(neighbour)}}, .took_the_way = &rebuilt};
       }},
      {name + ": the table grows, the item is replaced and its chunk reused",
       [read](Stage& stage) {
         const std::string neighbour = neighbour_of_next_growth(stage);
         return Play{
             .parts = {{read(neighbour)}, {set(stage.key, text('b', 40)), set(neighbour, text('c', 40)), set("new", text('d', 40))}},
             .took_the_way = &rebuilt};
       }},
  };
}

inline const std::vector<Duel>& version_duels() {
  using namespace play;
  static const std::vector<Duel> all = [] {
    std::vector<Duel> duels = duels_of_reading("version", &get_versioned);
    duels.push_back(
        {"version: compare_and_set against a get of it", [](Stage& stage) {
           stage.put("key", text('a', kSmall));
           const std::uint64_t version = stage.cache().get_versioned("key")->version;
           return Play{.parts = {{get_versioned("key"), get_versioned("key")}, {compare_and_set("key", version, text('b', kSmall))}}};
         }});
    return duels;
  }();
  return all;
}

inline const std::vector<Duel>& view_duels() {
  static const std::vector<Duel> all = duels_of_reading("view", &play::get_view);
  return all;
}

}  // namespace carafe::test
