// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "step/lease_duels.h"

/// Duels of namespaces: their clear, how they come to be, and what a handle finds whose namespace was dropped and its record given to another.
namespace carafe::test {
namespace play {

inline constexpr const char* kUsers = "users";

/// A namespace in use, with its stage's handle on it, so that the puppets have that, too.
inline Namespace& open(Stage& stage, const std::string& space = kUsers) { return stage.in(space); }

inline void put_in(Stage& stage, std::string_view key, std::string_view value, const std::string& space = kUsers) {
  if (open(stage, space).set(key, value) != Status::kOk) throw std::runtime_error("step test: preparing failed");
}

/// A namespace that there is not yet, and that gets the record of `space` when that has been dropped.
inline std::string heir_of(Stage& stage, const std::string& space) {
  const std::uint32_t number = number_of(stage.view(), space);
  stage.save();
  for (int i = 0; i < 1'000; ++i) {
    const std::string heir = "heir" + std::to_string(i);
    static_cast<void>(stage.cache().drop_namespace(space));
    static_cast<void>(stage.cache().in(heir));
    const bool found = number_of(stage.view(), heir) == number;
    stage.restore();
    if (found) return heir;
  }
  throw std::runtime_error("step test: no name gets that record");
}

}  // namespace play

inline const std::vector<Duel>& namespace_duels() {
  using namespace play;
  static const std::vector<Duel> all = {
      // --- clear
      {"namespace: clear against get",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         return Play{.parts = {{in(kUsers, get("key")), in(kUsers, get("key"))}, {in(kUsers, clear()), in(kUsers, get("key"))}},
                     .all_pairs = true};
       }},
      {"namespace: clear against get that asks for a version",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kShared));
         return Play{.parts = {{in(kUsers, get_versioned("key")), in(kUsers, get_versioned("key"))},
                               {in(kUsers, clear()), in(kUsers, set("key", text('b', kShared)))}}};
       }},
      {"namespace: clear against set",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         return Play{
             .parts = {{in(kUsers, set("key", text('b', kSmall))), in(kUsers, get("key"))}, {in(kUsers, clear()), in(kUsers, get("key"))}},
             .all_pairs = true};
       }},
      {"namespace: clear against add",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         return Play{.parts = {{in(kUsers, add("key", text('b', kSmall))), in(kUsers, get("key"))},
                               {in(kUsers, clear()), in(kUsers, add("key", text('c', kSmall)))}}};
       }},
      {"namespace: clear against increment",
       [](Stage& stage) {
         put_in(stage, "key", "7");
         return Play{.parts = {{in(kUsers, increment("key"))}, {in(kUsers, clear()), in(kUsers, increment("key"))}}};
       }},
      {"namespace: clear against compare_and_set",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         const std::uint64_t version = open(stage).get_versioned("key")->version;
         return Play{.parts = {{in(kUsers, compare_and_set("key", version, text('b', kSmall))), in(kUsers, get("key"))},
                               {in(kUsers, clear()), in(kUsers, get("key"))}}};
       }},
      {"namespace: clear against ask",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kShared));
         return Play{.parts = {{in(kUsers, ask("key")), in(kUsers, fill("key", text('b', kShared))), in(kUsers, get("key"))},
                               {in(kUsers, clear()), in(kUsers, get("key"))}}};
       }},
      {"namespace: clear against fill",
       [](Stage& stage) {
         make_room(stage);
         open(stage);
         return Play{.parts = {{in(kUsers, ask("key")), in(kUsers, fill("key", text('b', kShared))), in(kUsers, get("key"))},
                               {in(kUsers, clear()), in(kUsers, get("key"))}},
                     .all_pairs = true,
                     .begun = true};
       }},
      {"namespace: clear against fill, and another lease",
       [](Stage& stage) {
         make_room(stage);
         open(stage);
         return Play{.parts = {{in(kUsers, ask("key")), in(kUsers, fill("key", text('b', kShared)))},
                               {in(kUsers, clear()), in(kUsers, ask("key")), in(kUsers, fill("key", text('c', kShared)))}},
                     .begun = true};
       }},
      {"namespace: clear against clear, and a third one sets",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         return Play{
             .parts = {{in(kUsers, clear()), in(kUsers, get("key"))}, {in(kUsers, clear())}, {in(kUsers, set("key", text('b', kSmall)))}},
             .all_pairs = true};
       }},
      {"namespace: clear against set of that key in none",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         stage.put("key", text('b', kSmall));
         return Play{.parts = {{set("key", text('c', kSmall)), get("key")}, {in(kUsers, clear()), in(kUsers, get("key"))}}};
       }},
      {"namespace: set against set of that key in none",
       [](Stage& stage) {
         open(stage);
         return Play{
             .parts = {{set("key", text('b', kSmall)), get("key")}, {in(kUsers, set("key", text('c', kSmall))), in(kUsers, get("key"))}}};
       }},
      {"namespace: clear against clear of everything",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         return Play{.parts = {{in(kUsers, clear()), in(kUsers, set("key", text('b', kSmall)))}, {clear(), in(kUsers, get("key"))}}};
       }},

      // --- first use
      {"namespace: made by two at once",
       [](Stage&) {
         return Play{.parts = {{enter(kUsers), in(kUsers, set("key", text('b', kSmall)))}, {enter(kUsers), in(kUsers, get("key"))}},
                     .all_pairs = true};
       }},
      {"namespace: two made at once",
       [](Stage&) {
         return Play{.parts = {{enter(kUsers), in(kUsers, set("key", text('b', kSmall))), in(kUsers, get("key"))},
                               {enter("books"), in("books", set("key", text('c', kSmall))), in("books", get("key"))}}};
       }},

      // --- dropped
      {"namespace: dropped against get",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         return Play{.parts = {{in(kUsers, get("key")), in(kUsers, get("key"))}, {drop(kUsers), in(kUsers, get("key"))}}};
       }},
      {"namespace: dropped against set",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         return Play{.parts = {{in(kUsers, set("key", text('b', kSmall))), in(kUsers, get("key"))},
                               {drop(kUsers), in(kUsers, set("key", text('c', kSmall)))}}};
       }},
      {"namespace: dropped against drop",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         return Play{.parts = {{drop(kUsers), in(kUsers, get("key"))}, {drop(kUsers), in(kUsers, get("key"))}}};
       }},
      {"namespace: dropped and its record given to another, against get",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         const std::string heir = heir_of(stage, kUsers);
         return Play{.parts = {{in(kUsers, get("key"))}, {drop(kUsers), in(heir, set("key", text('b', kSmall)))}}};
       }},
      {"namespace: dropped and its record given to another, against get that asks for a version",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         const std::string heir = heir_of(stage, kUsers);
         return Play{.parts = {{in(kUsers, get_versioned("key"))}, {drop(kUsers), in(heir, set("key", text('b', kSmall)))}}};
       }},
      {"namespace: dropped and its record given to another, against set",
       [](Stage& stage) {
         put_in(stage, "key", text('a', kSmall));
         static_cast<void>(open(stage).erase("key"));  // so a set has few enough stops for each of them to be tried
         const std::string heir = heir_of(stage, kUsers);
         return Play{.parts = {{in(kUsers, set("key", text('b', kSmall))), in(kUsers, get("key"))},
                               {drop(kUsers), enter(heir), in(heir, get("key"))}}};
       }},
      {"namespace: dropped and its record given to another, against ask",
       [](Stage& stage) {
         make_room(stage);
         open(stage);
         const std::string heir = heir_of(stage, kUsers);
         return Play{.parts = {{in(kUsers, ask("key")), in(kUsers, fill("key", text('b', kShared)))},
                               {drop(kUsers), in(heir, ask("key")), in(heir, fill("key", text('c', kShared)))}}};
       }},
      {"namespace: dropped and its record given to another, against fill",
       [](Stage& stage) {
         make_room(stage);
         open(stage);
         const std::string heir = heir_of(stage, kUsers);
         return Play{.parts = {{in(kUsers, ask("key")), in(kUsers, fill("key", text('b', kShared)))},
                               {drop(kUsers), in(heir, set("key", text('c', kShared))), in(heir, get("key"))}},
                     .begun = true};
       }},
  };
  return all;
}

}  // namespace carafe::test
