// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "step/lease_duels.h"

/// Duels of tags: what was begun before a tag's invalidation is gone after it, however late it is stored.
namespace carafe::test {
namespace play {

inline constexpr const char* kTag = "t";

inline void put_tagged(Stage& stage, std::string_view key, std::string_view value) {
  if (stage.cache().set(key, value, {.tags = {kTag}}) != Status::kOk) throw std::runtime_error("step test: preparing failed");
}

}  // namespace play

inline const std::vector<Duel>& tag_duels() {
  using namespace play;
  static const std::vector<Duel> all = {
      {"tag: invalidation against get",
       [](Stage& stage) {
         put_tagged(stage, "key", text('a', kSmall));
         return Play{.parts = {{get("key"), get("key")}, {invalidate_tag(kTag), get("key")}}, .all_pairs = true};
       }},
      {"tag: invalidation against get: and set anew",
       [](Stage& stage) {
         put_tagged(stage, "key", text('a', kShared));
         return Play{.parts = {{get("key"), get("key")}, {invalidate_tag(kTag), tagged(kTag, set("key", text('b', kShared)))}}};
       }},
      {"tag: invalidation against get that asks for a version",
       [](Stage& stage) {
         put_tagged(stage, "key", text('a', kShared));
         return Play{
             .parts = {{get_versioned("key"), get_versioned("key")}, {invalidate_tag(kTag), tagged(kTag, set("key", text('b', kShared)))}}};
       }},
      {"tag: invalidation against set",
       [](Stage& stage) {
         put_tagged(stage, "key", text('a', kSmall));
         return Play{.parts = {{tagged(kTag, set("key", text('b', kSmall))), get("key")}, {invalidate_tag(kTag), get("key")}},
                     .all_pairs = true};
       }},
      {"tag: invalidation against set: a new key",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{tagged(kTag, set("key", text('b', kShared))), get("key")}, {invalidate_tag(kTag), get("key")}}};
       }},
      {"tag: invalidation against set of another tag",
       [](Stage& stage) {
         put_tagged(stage, "key", text('a', kSmall));
         return Play{.parts = {{tagged("u", set("key", text('b', kSmall))), get("key")}, {invalidate_tag(kTag), get("key")}}};
       }},
      {"tag: invalidation against add",
       [](Stage& stage) {
         put_tagged(stage, "key", text('a', kSmall));
         return Play{.parts = {{tagged(kTag, add("key", text('b', kSmall))), get("key")},
                               {invalidate_tag(kTag), tagged(kTag, add("key", text('c', kSmall)))}}};
       }},
      {"tag: invalidation against erase",
       [](Stage& stage) {
         put_tagged(stage, "key", text('a', kSmall));
         return Play{.parts = {{erase("key")}, {invalidate_tag(kTag), tagged(kTag, set("key", text('b', kSmall)))}}};
       }},
      {"tag: invalidation against ask",
       [](Stage& stage) {
         put_tagged(stage, "key", text('a', kShared));
         return Play{
             .parts = {{tagged(kTag, ask("key")), fill("key", text('b', kShared)), get("key")}, {invalidate_tag(kTag), get("key")}}};
       }},
      {"tag: invalidation against fill",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{tagged(kTag, ask("key")), fill("key", text('b', kShared)), get("key")}, {invalidate_tag(kTag), get("key")}},
                     .begun = true};
       }},
      {"tag: invalidation against fill that names it only now",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{ask("key"), tagged(kTag, fill("key", text('b', kShared))), get("key")}, {invalidate_tag(kTag), get("key")}},
                     .all_pairs = true,
                     .begun = true};
       }},
      {"tag: invalidation against fill, and another lease",
       [](Stage& stage) {
         make_room(stage);
         return Play{.parts = {{tagged(kTag, ask("key")), fill("key", text('b', kShared)), get("key")},
                               {invalidate_tag(kTag), tagged(kTag, ask("key")), fill("key", text('c', kShared))}},
                     .begun = true};
       }},
      {"tag: invalidation against invalidation, and a third one sets",
       [](Stage& stage) {
         put_tagged(stage, "key", text('a', kSmall));
         return Play{.parts = {{invalidate_tag(kTag), get("key")}, {invalidate_tag(kTag)}, {tagged(kTag, set("key", text('b', kSmall)))}},
                     .all_pairs = true};
       }},
  };
  return all;
}

}  // namespace carafe::test
