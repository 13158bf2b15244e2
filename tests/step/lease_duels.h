// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "step/duels.h"

/// Duels of leases: who computes, what an erase, a set and a clear make of that, and what the dead leave.
namespace carafe::test {
namespace play {

/// A worker died computing the value of `key`.
inline void leave_a_lease(Stage& stage, std::string_view key) {
  stage.kill_a_worker([&](Stage& dying) { dying.ticket.emplace(dying.cache().try_load(key)); });
}

/// Its lease takes a chunk of the size that values of kLarge take.
inline std::string long_key() { return std::string(kLarge, 'k'); }

/// The stripe of "key" has a table, and leases and values of kShared a page: so nothing is done but what is asked for.
inline void make_room(Stage& stage) {
  stage.put("lease", text('a', 24));
  stage.put("key", text('a', kShared));
  static_cast<void>(stage.cache().erase("key"));
}

}  // namespace play

inline const std::vector<Duel>& lease_duels() {
  using namespace play;
  static const std::vector<Duel> all = {
      {"lease: ask against ask",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), get("key")}, {ask("key")}}, .all_pairs = true};
       }},
      {"lease: ask against set",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kSmall))}, {set("key", text('c', kSmall)), get("key")}}};
       }},
      {"lease: ask against erase",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{ask("key"), fill("key", text('b', kSmall))}, {erase("key"), ask("key")}}};
       }},
      {"lease: ask against clear",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         return Play{.parts = {{ask("key"), fill("key", text('b', kSmall)), get("key")}, {clear(), get("key")}}};
       }},
      {"lease: ask against clear: a new key",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared)), get("key")}, {clear(), ask("key")}}};
       }},
      {"lease: ask, load and all, against the same",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared)), get("key")}, {ask("key"), fill("key", text('c', kShared))}}};
       }},
      {"lease: fill against reader",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared))}, {get("key"), get("key")}}, .begun = true};
       }},
      {"lease: fill against ask",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared))}, {ask("key"), fill("key", text('c', kShared)), get("key")}},
                     .begun = true};
       }},
      {"lease: fill against set",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared)), get("key")}, {set("key", text('c', kShared)), get("key")}},
                     .begun = true};
       }},
      {"lease: fill against add",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared))}, {add("key", text('c', kShared)), get("key")}}, .begun = true};
       }},
      {"lease: fill against increment",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", "7")}, {increment("key"), get("key")}}, .begun = true};
       }},
      {"lease: fill against erase",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared)), get("key")}, {erase("key"), get("key")}},
                     .all_pairs = true,
                     .begun = true};
       }},
      {"lease: fill against erase, and another lease in its place",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared)), get("key")}, {erase("key"), ask("key"), get("key")}},
                     .begun = true};
       }},
      {"lease: fill against erase and a third one's load",
       [](Stage& stage) {
         make_room(stage);
         return Play{
             .parts = {{ask("key"), fill("key", text('b', kShared))}, {erase("key")}, {ask("key"), fill("key", text('c', kShared))}},
             .begun = true};
       }},
      {"lease: fill against clear",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared)), get("key")}, {clear(), get("key")}}, .begun = true};
       }},
      {"lease: fill against clear, and another lease",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared))}, {clear(), ask("key"), fill("key", text('c', kShared))}},
                     .begun = true};
       }},
      {"lease: fill of a chain against erase",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), fill("key", text('b', kChain))}, {erase("key"), set("new", text('c', kChain))}}, .begun = true};
       }},
      {"lease: abandon against ask",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), abandon("key")}, {ask("key"), fill("key", text('c', kShared)), get("key")}},
                     .all_pairs = true,
                     .begun = true};
       }},
      {"lease: abandon against set",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), abandon("key"), get("key")}, {set("key", text('c', kShared)), get("key")}}, .begun = true};
       }},
      {"lease: abandon against erase, and another lease in its place",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), abandon("key")}, {erase("key"), ask("key"), fill("key", text('c', kShared))}}, .begun = true};
       }},
      {"lease: fill against page mover",
       [](Stage& stage) {
         stage.fill(kLarge);
         const Operation moving = set("key", text('b', kSmall));
         // In the page that will be emptied, there the lease is.
         static_cast<void>(stage.cache().erase(victim_of(stage, moving)));
         return Play{.parts = {{ask(long_key()), fill(long_key(), text('b', 24)), get(long_key())}, {moving, get("key")}},
                     .tight = true,
                     .begun = true,
                     .took_the_way = &moved_a_page};
       }},
      {"lease: ask against evictor",
       [](Stage& stage) {
         stage.fill(kLarge);
         return Play{.parts = {{ask(long_key()), fill(long_key(), text('b', kSmall))}, {set("key", text('b', kLarge)), get("key")}},
                     .tight = true,
                     .took_the_way = &evicted};
       }},
      {"lease: a dead owner's, taken over twice",
       [](Stage& stage) {
         make_room(stage);
         leave_a_lease(stage, "key");
         return Play{.parts = {{ask("key"), fill("key", text('b', kShared))}, {ask("key"), fill("key", text('c', kShared))}}};
       }},
  };
  return all;
}

}  // namespace carafe::test
