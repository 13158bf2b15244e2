// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "crash/harness.h"
#include "crash/load_scenarios.h"
#include "crash/named_scenarios.h"

namespace carafe::test {
namespace scenario {

/// Checks a second segment, `stage.other_name()`, from without: whatever is there has to be whole and usable. Then removes it.
inline std::string check_other_segment(Stage& stage) {
  std::string wrong;
  try {
    Cache found = Cache::open_or_create(stage.other_name(), with_capacity(Stage::kCapacity));
    if (found.set("key", text('z', 50)) != Status::kOk || found.get("key") != text('z', 50)) wrong = "the other segment cannot be used";
    for (const std::string& problem : found.verify().problems) wrong = "the other segment: " + problem;
    if (!Cache::remove(stage.other_name())) wrong = "the other segment has no name";
    if (shared_files_with(stage.name().str()).size() + shared_files_with(stage.other_name().str()).size() != 1)
      wrong = "a file was left behind";
  } catch (const Error& error) {
    wrong = error.what();
    ::unlink(stage.other_name().path().c_str());
  }
  return wrong;
}

/// A second segment that this process has open, as before the operation.
inline void make_other_segment(Stage& stage) {
  stage.second.reset();
  ::unlink(stage.other_name().path().c_str());
  stage.second.emplace(Cache::create(stage.other_name(), with_capacity(Stage::kCapacity)));
  if (stage.second->set("key", text('o', 50)) != Status::kOk) throw std::runtime_error("crash test: preparing failed");
}

/// After a death of a segment's first worker since its maker left: the same, and again it has no worker.
inline std::string check_unused_segment(Stage& stage) {
  if (!shared_files_with(stage.other_name().str()).empty()) {
    const auto got = Cache::open(stage.other_name()).get("key");
    if (got != text('o', 50) && got != text('a', kSmall)) return "the other segment has lost its value";
  }
  const std::string wrong = check_other_segment(stage);
  make_other_segment(stage);
  stage.second.reset();
  return wrong;
}

/// After a death within remove: who had the segment open is served, or misses; the name leads to a cache that works; and who still has
/// the old one comes over to a new one of that name within a second.
inline std::string check_removed_segment(Stage& stage) {
  const auto got = stage.second->get("key");
  if (got && *got != text('o', 50)) return "the other segment answers with a wrong value";
  Cache now_named = Cache::open_or_create(stage.other_name(), with_capacity(Stage::kCapacity));
  if (now_named.set("key", text('n', 50)) != Status::kOk) return "the name leads to a cache that cannot be used";
  for (int tenth = 0; tenth <= 10; ++tenth, Stage::advance(milliseconds(100))) static_cast<void>(stage.second->get("key"));
  if (stage.second->get("key") != text('n', 50)) return "a worker stays in the removed segment";
  const std::string wrong = check_other_segment(stage);
  make_other_segment(stage);
  return wrong;
}

/// A segment that another process has ready, and publishes under `stage.other_name()` when we are about to: so its creation wins, and ours
/// finds the name taken.
inline const ScratchName& winners_name() {
  static const ScratchName name("crash.winner");
  return name;
}
inline void prepare_a_race(Stage& stage) {
  ::unlink(stage.other_name().path().c_str());
  ::unlink(winners_name().path().c_str());
  Cache winner = Cache::create(winners_name(), with_capacity(Stage::kCapacity));
  if (winner.set("key", text('o', 50)) != Status::kOk) throw std::runtime_error("crash test: preparing failed");
}
/// In the child: creation looks at the clock when it has a file, and has not published it yet.
inline Stage* race_on = nullptr;
inline std::uint64_t lose_the_race() noexcept {
  if (race_on != nullptr) ::rename(winners_name().path().c_str(), race_on->other_name().path().c_str());
  race_on = nullptr;
  return read_stage_clock();
}
inline std::string check_the_race(Stage& stage) {
  std::string wrong;
  if (::access(winners_name().path().c_str(), F_OK) != 0) {
    const auto got = Cache::open(stage.other_name()).get("key");
    if (got != text('o', 50) && got != "value") wrong = "the winner's segment has lost its value";
  }
  if (wrong.empty()) wrong = check_other_segment(stage);
  prepare_a_race(stage);
  return wrong;
}

/// As many keys at once as a batch holds, some of them absent.
inline const std::vector<std::string_view>& batch() {
  static const std::array<std::string, 8> names = {"b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"};
  static const std::vector<std::string_view> keys(names.begin(), names.end());
  return keys;
}

/// A worker is killed in `first` while it holds the stripe of `stage.key`; a second one is then killed in its turn while it takes over.
/// `bytes`: of the value that the second one sets.
inline Scenario recovery(const char* name, std::function<void(Stage&)> prepare, const std::function<bool(Stage&)>& first, Slot slot,
                         unsigned fourth, bool (*holds)(Stage&) = &holds_the_stripe, std::size_t bytes = kSmall) {
  return {.name = name,
          .prepare =
              [prepare = std::move(prepare), first, slot, fourth, holds](Stage& stage) {
                prepare(stage);
                kill_a_holder(stage, first, slot, fourth, holds);
              },
          .operation = [bytes](Stage& stage) { return stage.cache().set(stage.key, text('c', bytes)) == Status::kOk; },
          .took_the_way = [](const Stats& a, const Stats& b) { return grew(&Stats::recoveries, a, b); }};
}

}  // namespace scenario

inline const std::vector<Scenario>& scenarios() {
  using namespace scenario;
  const auto set = [](std::string_view value, milliseconds ttl = kForever) {
    return [value, ttl](Stage& stage) { return stage.cache().set(stage.key, value, ttl) == Status::kOk; };
  };
  const auto put = [](std::string_view value, milliseconds ttl = kForever) {
    return [value, ttl](Stage& stage) { stage.put(stage.key, value, ttl); };
  };
  const auto nothing = [](Stage&) {};

  const auto erase = [](Stage& stage) { return stage.cache().erase(stage.key) == Status::kOk; };
  const auto growing = [](Stage& stage) {
    stage.find_key(40, [](const Stats& a, const Stats& b) { return grew(&Stats::index_rebuilds, a, b) && b.items > 400; });
  };
  const auto displacing = [](Stage& stage) {
    std::uint64_t moves = stage.displacements();
    stage.find_key(40, [&stage, moves](const Stats&, const Stats&) mutable {
      const std::uint64_t before = std::exchange(moves, stage.displacements());
      return before != moves;
    });
  };
  const auto restarting = [](Stage& stage) {
    stage.put("key", text('a', kSmall));
    stage.cache().clear();
  };

  // In the short run too.
  const auto every_instruction = [](Scenario scenario) {
    scenario.every_instruction = true;
    return scenario;
  };

  static const std::vector<Scenario> all = and_named(and_loading({
      // --- set
      {"set: new key, new page", nothing, set(text('b', kSmall))},
      every_instruction({"set: new key", [](Stage& stage) { stage.put("nearby", text('a', kSmall)); }, set(text('b', kSmall))}),
      {.name = "set: new key, anonymous segment", .prepare = nothing, .operation = set(text('b', kSmall)), .kind = Stage::Kind::kAnonymous},
      {"set: empty value", nothing, set("")},
      every_instruction({"set: replace, same size", put(text('a', kSmall)), set(text('b', kSmall))}),
      {"set: replace by a larger one", put(text('a', kSmall)), set(text('b', 700))},
      {"set: replace by a smaller one", put(text('a', 700)), set(text('b', kSmall))},
      {"set: with a time to live", put(text('a', kSmall)), set(text('b', kSmall), milliseconds(5000))},
      {"set: replace an expired one",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall), milliseconds(10));
         Stage::advance(milliseconds(20));
       },
       set(text('b', kSmall))},
      {"set: already expired", put(text('a', kSmall)), set(text('b', kSmall), milliseconds(0))},
      {"set: too large", put(text('a', kSmall)),
       [](Stage& stage) { return stage.cache().set("key", text('b', 270'000)) == Status::kTooLarge; }},
      {"set: chain", nothing, set(text('b', kChain))},
      {"set: replace a chain by a chain", put(text('a', kLongChain)), set(text('b', kChain))},
      {"set: replace a chain by a small one", put(text('a', kChain)), set(text('b', kSmall))},
      {"set: replace a small one by a chain", put(text('a', kSmall)), set(text('b', kLongChain))},
      every_instruction({"set: evicts", [](Stage& stage) { stage.fill(2'500); }, set(text('b', 2'500)),
                         [](const Stats& a, const Stats& b) { return grew(&Stats::evictions, a, b); }}),
      {"set: evicts a chain", [](Stage& stage) { stage.fill(kChain); }, set(text('b', kChain)),
       [](const Stats& a, const Stats& b) { return grew(&Stats::evictions, a, b); }},
      {"set: collects an expired one",
       [](Stage& stage) {
         stage.fill(2'500, milliseconds(100));
         Stage::advance(milliseconds(200));
       },
       set(text('b', 2'500)), [](const Stats& a, const Stats& b) { return grew(&Stats::expirations, a, b); }},
      {"set: moves a page from another class", [](Stage& stage) { stage.fill(2'500); }, set(text('b', kSmall)),
       [](const Stats& a, const Stats& b) { return grew(&Stats::pages_moved, a, b); }},
      {"set: moves a page of chains", [](Stage& stage) { stage.fill(kChain); }, set(text('b', kSmall)),
       [](const Stats& a, const Stats& b) { return grew(&Stats::pages_moved, a, b); }},
      {"set: grows the index", growing, set(text('b', 40)),
       [](const Stats& a, const Stats& b) { return grew(&Stats::index_rebuilds, a, b); }},
      {"set: grows the index and drains a page of tables",
       [](Stage& stage) { stage.find_key(40, [](const Stats& a, const Stats& b) { return b.index_rebuilds >= a.index_rebuilds + 2; }); },
       set(text('b', 40)), [](const Stats& a, const Stats& b) { return b.index_rebuilds >= a.index_rebuilds + 2; }},
      {"set: displaces an entry", displacing, set(text('b', 40))},
      {"set: after a clear, restarts the table", restarting, set(text('b', kSmall)),
       [](const Stats& a, const Stats& b) { return grew(&Stats::index_rebuilds, a, b); }},
      {"set: after a clear, takes an outdated page",
       [](Stage& stage) {
         stage.fill(2'500);
         stage.cache().clear();
       },
       set(text('b', kSmall)), [](const Stats& a, const Stats& b) { return grew(&Stats::pages_moved, a, b); }},

      {"set: after a clear, drops other stripes' tables",
       [](Stage& stage) {
         stage.fill(2'500);
         stage.cache().clear();
         stage.find_key(
             2'500, [](const Stats& a, const Stats& b) { return grew(&Stats::reclaimed_chunks, a, b); }, true);
       },
       set(text('b', 2'500)), [](const Stats& a, const Stats& b) { return grew(&Stats::reclaimed_chunks, a, b); }},

      // --- conditions
      {"add: absent", nothing, [](Stage& stage) { return stage.cache().add("key", text('b', kSmall)) == Status::kOk; }},
      {"add: present", put(text('a', kSmall)), [](Stage& stage) { return stage.cache().add("key", text('b', kSmall)) == Status::kExists; }},
      {"replace: present", put(text('a', kSmall)),
       [](Stage& stage) { return stage.cache().replace("key", text('b', kSmall)) == Status::kOk; }},
      {"replace: absent", nothing, [](Stage& stage) { return stage.cache().replace("key", text('b', kSmall)) == Status::kNotFound; }},
      {"compare_and_set: unchanged",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         stage.version = stage.cache().get_versioned("key")->version;
       },
       [](Stage& stage) { return stage.cache().compare_and_set("key", stage.version, text('b', kSmall)) == Status::kOk; }},
      {"compare_and_set: changed",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         stage.version = stage.cache().get_versioned("key")->version;
         stage.put("key", text('c', kSmall));
       },
       [](Stage& stage) { return stage.cache().compare_and_set("key", stage.version, text('b', kSmall)) == Status::kVersionChanged; }},

      // --- counters, touch
      {"increment: new", nothing, [](Stage& stage) { return stage.cache().increment("key", 5, 37).value == 42; }},
      every_instruction({"increment: existing", put("41"), [](Stage& stage) { return stage.cache().increment("key", 1).value == 42; }}),
      {"increment: not a number", put(text('a', kSmall)),
       [](Stage& stage) { return stage.cache().increment("key", 1).status == Status::kNotANumber; }},
      {"touch: in place", put(text('a', kSmall), milliseconds(5000)),
       [](Stage& stage) { return stage.cache().touch("key", milliseconds(9000)) == Status::kOk; }},
      {"touch: copies", put(text('a', kSmall)), [](Stage& stage) { return stage.cache().touch("key", milliseconds(9000)) == Status::kOk; }},
      {"touch: chain", put(text('a', kChain)), [](Stage& stage) { return stage.cache().touch("key", milliseconds(9000)) == Status::kOk; }},

      // --- erase, clear
      every_instruction({"erase", put(text('a', kSmall)), [](Stage& stage) { return stage.cache().erase("key") == Status::kOk; }}),
      {"erase: chain", put(text('a', kLongChain)), [](Stage& stage) { return stage.cache().erase("key") == Status::kOk; }},
      {"erase: absent", nothing, [](Stage& stage) { return stage.cache().erase("key") == Status::kNotFound; }},
      {"clear", put(text('a', kSmall)),
       [](Stage& stage) {
         stage.cache().clear();
         return true;
       }},

      // --- reading
      every_instruction(
          {"get: hit", put(text('a', kSmall)), [](Stage& stage) { return stage.cache().get("key", stage.reused) == Status::kOk; }}),
      {"get: hit, allocating", put(text('a', 300)), [](Stage& stage) { return stage.cache().get("key") == text('a', 300); }},
      {"get: miss", nothing, [](Stage& stage) { return stage.cache().get("key", stage.reused) == Status::kNotFound; }},
      {"get: expired",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall), milliseconds(10));
         Stage::advance(milliseconds(20));
       },
       [](Stage& stage) { return stage.cache().get("key", stage.reused) == Status::kNotFound; }},
      {"get: chain", put(text('a', kLongChain)), [](Stage& stage) { return stage.cache().get("key", stage.reused) == Status::kOk; }},
      {"get_view", put(text('a', kSmall)),
       [](Stage& stage) {
         stage.reused.clear();
         return stage.cache().get_view("key", [&stage](std::string_view value) { stage.reused.append(value); }) == Status::kOk;
       }},
      {"get: takes samples for the windows",
       [](Stage& stage) {
         stage.put("key", text('a', kSmall));
         Stage::advance(milliseconds(60'000));
       },
       [](Stage& stage) { return stage.cache().get("absent", stage.reused) == Status::kNotFound; }},
      {"get_many",
       [](Stage& stage) {
         for (std::size_t i = 0; i < 6; ++i) stage.put(batch()[i], text('a', 50 * i));
       },
       [](Stage& stage) { return stage.cache().get_many(batch()).size() == 8; }},
      {"for_each", nothing,
       [](Stage& stage) {
         std::uint64_t seen = 0;
         stage.cache().for_each([&seen](std::string_view, std::string_view) { ++seen; });
         return seen > 0;
       }},

      // --- coming and going
      {.name = "register: in a forked child",
       .prepare = nothing,
       .operation = [](Stage& stage) { return !stage.cache().contains("key"); },
       .took_the_way = [](const Stats& a, const Stats& b) { return grew(&Stats::registrations, a, b); },
       .every_instruction = true,
       .registered = false},
      {.name = "register: in a forked child, anonymous segment",
       .prepare = nothing,
       .operation = [](Stage& stage) { return !stage.cache().contains("key"); },
       .registered = false,
       .kind = Stage::Kind::kAnonymous},
      {.name = "register: in a slot that a dead worker had, and set",
       .prepare = [](Stage& stage) { stage.kill_a_worker(); },
       .operation = set(text('b', kSmall)),
       .registered = false},
      {.name = "open",
       .prepare = put(text('a', kSmall)),
       .operation = [](Stage& stage) { return Cache::open(stage.name()).get("key") == text('a', kSmall); },
       .registered = false},
      {.name = "open: in a slot that a dead worker had",
       .prepare = [](Stage& stage) { stage.kill_a_worker(); },
       .operation = [](Stage& stage) { return Cache::open(stage.name()).set("key", text('a', kSmall)) == Status::kOk; },
       .registered = false},
      {.name = "open: the first worker of a segment",
       .prepare =
           [](Stage& stage) {
             make_other_segment(stage);
             stage.second.reset();
           },
       .operation = [](Stage& stage) { return Cache::open(stage.other_name()).set("key", text('a', kSmall)) == Status::kOk; },
       .registered = false,
       .outside = &check_unused_segment},
      {.name = "open_or_create: opens",
       .prepare = nothing,
       .operation = [](Stage& stage) { return Cache::open_or_create(stage.name()).set("key", text('a', kSmall)) == Status::kOk; },
       .registered = false},
      {.name = "open_or_create: creates",
       .prepare = nothing,
       .operation =
           [](Stage& stage) {
             return Cache::open_or_create(stage.other_name(), with_capacity(Stage::kCapacity)).set("key", "value") == Status::kOk;
           },
       .registered = false,
       .outside = &check_other_segment},
      {.name = "open_or_create: another one was faster",
       .prepare = &prepare_a_race,
       .operation =
           [](Stage& stage) {
             race_on = &stage;
             override_time_for_tests(&lose_the_race);
             Cache found = Cache::open_or_create(stage.other_name(), with_capacity(Stage::kCapacity));
             return race_on == nullptr && found.get("key") == text('o', 50) && found.set("key", "value") == Status::kOk;
           },
       .registered = false,
       .outside = &check_the_race},
      {.name = "close",
       .prepare = nothing,
       .operation =
           [](Stage& stage) {
             stage.second.reset();
             return true;
           },
       .before = [](Stage& stage) { stage.second.emplace(Cache::open(stage.name())); }},
      {.name = "remove",
       .prepare = &make_other_segment,
       .operation = [](Stage& stage) { return Cache::remove(stage.other_name()); },
       .outside = &check_removed_segment},

      // --- many keys
      {"erase_prefix", nothing, [](Stage& stage) { return stage.cache().erase_prefix("other1") == 11; }},

      // --- taking over from the dead, and dying of it
      recovery("recovery: of a set, first quarter", nothing, set(text('b', kSmall)), Slot::kSame, 0),
      recovery("recovery: of a replace, first quarter", put(text('a', kSmall)), set(text('b', kSmall)), Slot::kOther, 0),
      every_instruction(recovery("recovery: of a replace, second quarter", put(text('a', kSmall)), set(text('b', kSmall)), Slot::kSame, 1)),
      recovery("recovery: of a replace, third quarter", put(text('a', kSmall)), set(text('b', kSmall)), Slot::kOther, 2),
      recovery("recovery: of a replace, last quarter", put(text('a', kSmall)), set(text('b', kSmall)), Slot::kSame, 3),
      recovery("recovery: of an erase", put(text('a', kSmall)), erase, Slot::kOther, 1),
      recovery("recovery: of a chain", put(text('a', kLongChain)), set(text('b', kChain)), Slot::kSame, 2),
      recovery("recovery: of a growing index, first half", growing, set(text('b', 40)), Slot::kOther, 1),
      recovery("recovery: of a growing index, second half", growing, set(text('b', 40)), Slot::kSame, 2),
      recovery("recovery: of a displacement, first half", displacing, set(text('b', 40)), Slot::kSame, 0),
      recovery("recovery: of a displacement, second half", displacing, set(text('b', 40)), Slot::kOther, 1),
      recovery("recovery: of a restarted table", restarting, set(text('b', kSmall)), Slot::kOther, 1),
      recovery(
          "recovery: of a page, its holder killed in a set", [](Stage& stage) { stage.put("nearby", text('a', kSmall)); },
          set(text('b', kSmall)), Slot::kOther, 1, &holds_a_page),
      recovery(
          "recovery: of a page, its holder killed while evicting", [](Stage& stage) { stage.fill(2'500); }, set(text('b', 2'500)),
          Slot::kSame, 2, &holds_a_page, 2'500),
      recovery(
          "recovery: of a page, its holder killed while moving it, first half", [](Stage& stage) { stage.fill(2'500); },
          set(text('b', kSmall)), Slot::kSame, 1, &holds_a_page),
      recovery(
          "recovery: of a page, its holder killed while moving it, second half", [](Stage& stage) { stage.fill(2'500); },
          set(text('b', kSmall)), Slot::kOther, 2, &holds_a_page),
  }));
  return all;
}

}  // namespace carafe::test
