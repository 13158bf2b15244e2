// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "step/duels.h"

/// Duels of a get that asks for a version: it is the Reader's from the first look on, while nearly every other get is over after a glance.
namespace carafe::test {

inline const std::vector<Duel>& version_duels() {
  using namespace play;
  static const std::vector<Duel> all = {
      {"version: replace",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{get_versioned("key"), get_versioned("key")}, {set("key", text('b', kSmall)), get_versioned("key")}},
                     .all_pairs = true};
       }},
      {"version: new key",
       [](Stage& stage) {
         stage.put("nearby", text('a', kSmall));
         return Play{.parts = {{get_versioned("key")}, {set("key", text('b', kSmall)), get_versioned("key")}}};
       }},
      {"version: erased, and the chunk reused",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         return Play{.parts = {{get_versioned("key")}, {erase("key"), set("new", text('b', kShared))}}};
       }},
      {"version: replaced, and the old chunk reused",
       [](Stage& stage) {
         stage.put("key", text('a', kShared));
         return Play{.parts = {{get_versioned("key")}, {set("key", text('b', kShared)), set("new", text('c', kShared))}}};
       }},
      {"version: replaced in its second bucket, and the old chunk reused",
       [](Stage& stage) {
         const std::string key = in_second_bucket(stage, text('a', kShared));
         return Play{.parts = {{get_versioned(key)}, {set(key, text('b', kShared)), set("new", text('c', kShared))}}};
       }},
      {"version: a chain replaced, and a third one reuses its chunks",
       [](Stage& stage) {
         stage.put("key", text('a', kChain));
         return Play{.parts = {{get_versioned("key")}, {set("key", text('b', kSmall))}, {set("new", text('c', kChain))}}};
       }},
      {"version: moved out of the second bucket",
       [](Stage& stage) {
         const std::string moved = displaced_by_next_set(stage, 2);
         return Play{.parts = {{get_versioned(moved)}, {set(stage.key, text('b', 40))}}, .all_pairs = true};
       }},
      {"version: moved out of the first bucket",
       [](Stage& stage) {
         const std::string moved = displaced_by_next_set(stage, 1);
         return Play{.parts = {{get_versioned(moved)}, {set(stage.key, text('b', 40))}}, .all_pairs = true};
       }},
      {"version: the table grows",
       [](Stage& stage) {
         const std::string neighbour = neighbour_of_next_growth(stage);
         return Play{.parts = {{get_versioned(neighbour)}, {set(stage.key, text('b', 40)), get_versioned(neighbour)}},
                     .took_the_way = &rebuilt};
       }},
      {"version: the table grows, the item is replaced and its chunk reused",
       [](Stage& stage) {
         const std::string neighbour = neighbour_of_next_growth(stage);
         return Play{.parts = {{get_versioned(neighbour)},
                               {set(stage.key, text('b', 40)), set(neighbour, text('c', 40)), set("new", text('d', 40))}},
                     .took_the_way = &rebuilt};
       }},
      {"version: compare_and_set against a get of it",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         const std::uint64_t version = stage.cache().get_versioned("key")->version;
         return Play{.parts = {{get_versioned("key"), get_versioned("key")}, {compare_and_set("key", version, text('b', kSmall))}}};
       }},
  };
  return all;
}

}  // namespace carafe::test
