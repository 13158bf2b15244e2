// SPDX-License-Identifier: MIT
#include "model/weak/scenarios.h"

#include <cstdio>
#include <cstdlib>

#include "cache/page_mover.h"

namespace carafe::weak {
namespace {

/// A value as a text can show it.
std::string shown(const std::string& value) {
  if (value.empty()) return "a miss";
  std::string text = "\"";
  for (const char c : value) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
    text += c >= ' ' && c <= '~' ? std::string(1, c) : std::string(hex);
  }
  return text + "\"";
}

/// Whether a get came to what the letter stands for ('-' is a miss).
bool is(const Got& got, char letter) {
  return letter == '-' ? got.value.empty() : !got.value.empty() && got.value == World::value(letter, got.value.size() / 8);
}

/// Each get's value is one of these letters'.
std::string only(const World& world, const std::string& key, std::string_view letters) {
  for (const Got& got : world.gots) {
    if (got.key != key) continue;
    bool fits = false;
    for (char letter : letters) fits = fits || is(got, letter);
    if (!fits) return "get " + key + ": " + shown(got.value) + ", not of " + std::string(letters);
  }
  return {};
}

/// keys[0] with value A; keys[1] elsewhere, with value X, whose set will take what keys[0] lets go of.
void two_stripes(World& world) {
  const std::string k = world.find_key([](const Key&) { return true; });
  const std::uint32_t stripe = world.key(k).stripe;
  const std::string n = world.find_key([&](const Key& key) { return key.stripe != stripe; });
  world.keys = {k, n};
  world.set(k, World::value('A'));
  world.set(n, World::value('X'));
}

/// The same with both keys in one bucket.
void one_bucket(World& world) {
  const std::string k = world.find_key([](const Key&) { return true; });
  const std::uint32_t stripe = world.key(k).stripe;
  const std::string n = world.find_key([&](const Key& key) { return key.stripe == stripe; });
  world.keys = {k, n};
  world.set(k, World::value('A'));
  world.set(n, World::value('X'));
}

Body setter(World& world, std::size_t key, char letter) {
  return {"set" + std::to_string(key) + letter, Role::kWorker, [&world, key, letter] { world.set(world.keys[key], World::value(letter)); }};
}
Body getter(World& world, std::size_t key, bool with_version = false) {
  return {"get" + std::to_string(key), Role::kObserver, [&world, key, with_version] { world.get(world.keys[key], with_version); }};
}

/// A get when all is over, which then may answer these letters only.
Body heir(World& world, std::size_t key) {
  return {"at last", Role::kHeir, [&world, key] {
            world.get(world.keys[key]);
            world.gots.back().at_last = true;
          }};
}
std::string at_last(const World& world, std::string_view letters) {
  for (const Got& got : world.gots) {
    if (!got.at_last) continue;
    for (char letter : letters)
      if (is(got, letter)) return {};
    return "at last " + got.key + " is " + shown(got.value) + ", not of " + std::string(letters);
  }
  return "nobody looked at last";
}

std::vector<Body> replace_and_reuse(World& world) { return {setter(world, 0, 'B'), setter(world, 1, 'C'), getter(world, 0)}; }
std::vector<Body> replace_and_look(World& world) {
  return {setter(world, 0, 'B'), setter(world, 1, 'C'), getter(world, 0), heir(world, 0)};
}

std::string a_or_b(const World& world) { return only(world, world.keys[0], "AB"); }
std::string a_or_miss(const World& world) { return only(world, world.keys[0], "A-"); }
std::string a_or_b_then_b(const World& world) {
  const std::string wrong = a_or_b(world);
  return wrong.empty() ? at_last(world, "B") : wrong;
}
std::string always_a(const World& world) { return only(world, world.keys[0], "A"); }

/// A key whose two buckets, in a table of `buckets`, are these.
std::string key_in(World& world, std::uint32_t stripe, std::uint32_t buckets, std::uint32_t first, std::uint32_t second) {
  return world.find_key([=](const Key& key) {
    const std::uint32_t one = Place::first(key.tag, buckets);
    return key.stripe == stripe && one == first && Place::second(key.tag, buckets, one) == second;
  });
}

std::vector<Scenario> make() {
  std::vector<Scenario> all;
  all.push_back({"replace", two_stripes, replace_and_look, a_or_b_then_b});
  all.push_back({"replace, all asked for", two_stripes,
                 [](World& world) -> std::vector<Body> {
                   return {setter(world, 0, 'B'), setter(world, 1, 'C'), getter(world, 0, true)};
                 },
                 a_or_b});
  all.push_back({"replace beside", one_bucket, replace_and_look, a_or_b_then_b, 1});
  all.push_back({"replace twice", two_stripes,
                 [](World& world) -> std::vector<Body> {
                   return {setter(world, 0, 'B'), setter(world, 0, 'C'), {"get get", Role::kObserver, [&world] {
                                                                            world.get(world.keys[0]);
                                                                            world.get(world.keys[0]);
                                                                          }}};
                 },
                 [](const World& world) -> std::string {
                   const std::string wrong = only(world, world.keys[0], "ABC");
                   if (!wrong.empty()) return wrong;
                   return !is(world.gots[0], 'A') && is(world.gots[1], 'A') ? "back to the value replaced" : "";
                 },
                 1});
  all.push_back({"replace, told", two_stripes,
                 [](World& world) -> std::vector<Body> {
                   return {{"set tell", Role::kWorker,
                            [&world] {
                              world.set(world.keys[0], World::value('B'));
                              world.flag.store(1, kRelease);
                            }},
                           setter(world, 1, 'C'),
                           {"told get", Role::kObserver, [&world] {
                              if (world.flag.load(kAcquire) == 1) world.get(world.keys[0]);
                            }}};
                 },
                 [](const World& world) { return only(world, world.keys[0], "B"); }});
  all.push_back({"versions", two_stripes,
                 [](World& world) -> std::vector<Body> {
                   return {setter(world, 0, 'B'), setter(world, 1, 'C'), {"get get", Role::kObserver, [&world] {
                                                                            world.get(world.keys[0], true);
                                                                            world.get(world.keys[0], true);
                                                                          }}};
                 },
                 [](const World& world) -> std::string {
                   const std::string wrong = a_or_b(world);
                   if (!wrong.empty()) return wrong;
                   const bool same_value = world.gots[0].value == world.gots[1].value;
                   return same_value == (world.gots[0].version == world.gots[1].version) ? "" : "a version that is of another value";
                 }});
  all.push_back({"patient", two_stripes, replace_and_reuse, a_or_b, 2, {0, 2}});
  all.push_back({"patient beside", one_bucket, replace_and_reuse, a_or_b, 1, {0, 2}});
  all.push_back(
      {"erase and reuse", two_stripes,
       [](World& world) -> std::vector<Body> {
         return {
             {"erase", Role::kWorker, [&world] { world.erase(world.keys[0]); }}, setter(world, 1, 'C'), getter(world, 0), getter(world, 1)};
       },
       [](const World& world) {
         const std::string wrong = a_or_miss(world);
         return wrong.empty() ? only(world, world.keys[1], "XC") : wrong;
       }});
  const auto no_room = [](World& world) {
    two_stripes(world);
    world.leave_no_room_but(world.chunk_of(world.keys[0]));
  };
  all.push_back({"evict and reuse", no_room,
                 [](World& world) -> std::vector<Body> {
                   return {setter(world, 1, 'C'), getter(world, 0), getter(world, 1)};
                 },
                 [](const World& world) {
                   const std::string wrong = a_or_miss(world);
                   return wrong.empty() ? only(world, world.keys[1], "XC") : wrong;
                 }});
  all.push_back({"evict, patient",
                 no_room,
                 [](World& world) -> std::vector<Body> {
                   return {setter(world, 1, 'C'), getter(world, 0), getter(world, 1)};
                 },
                 a_or_miss,
                 2,
                 {0, 2}});
  all.push_back({"evict against erase", no_room,
                 [](World& world) -> std::vector<Body> {
                   return {setter(world, 1, 'C'), {"erase", Role::kWorker, [&world] { world.erase(world.keys[0]); }}, getter(world, 0)};
                 },
                 a_or_miss, 2});
  const auto rebuilds = [](World& world) -> std::vector<Body> {
    return {{"rebuild0", Role::kWorker, [&world] { world.rebuild(world.key(world.keys[0]).stripe, 2); }},
            {"rebuild1", Role::kWorker, [&world] { world.rebuild(world.key(world.keys[1]).stripe, 1); }},
            getter(world, 0)};
  };
  all.push_back({"rebuild and reuse", two_stripes, rebuilds, always_a, 2});
  all.push_back({"rebuild, patient", two_stripes, rebuilds, always_a, 2, {0, 3}});
  all.push_back({"rebuild against set", two_stripes,
                 [](World& world) -> std::vector<Body> {
                   return {{"rebuild0", Role::kWorker, [&world] { world.rebuild(world.key(world.keys[0]).stripe, 2); }},
                           setter(world, 0, 'B'),
                           getter(world, 0)};
                 },
                 a_or_b, 1});
  all.push_back({"rebuild and add", two_stripes,
                 [](World& world) -> std::vector<Body> {
                   world.keys.push_back(world.find_key([&](const Key& key) { return key.stripe == world.key(world.keys[0]).stripe; }));
                   return {{"rebuild0", Role::kWorker, [&world] { world.rebuild(world.key(world.keys[0]).stripe, 2); }},
                           setter(world, 2, 'C'),
                           getter(world, 0),
                           heir(world, 2)};
                 },
                 [](const World& world) {
                   const std::string wrong = always_a(world);
                   return wrong.empty() ? at_last(world, "C") : wrong;
                 },
                 1});
  // keys[0] stands in bucket `from`, which is full as `via` is; the set of keys[1] moves it to `to`.
  const auto full = [](World& world, std::uint32_t from, std::uint32_t via, std::uint32_t to) {
    constexpr std::uint32_t kStripe = 3;
    world.set(key_in(world, kStripe, 3, via, from), World::value('X'));
    world.rebuild(kStripe, 3);
    world.keys = {key_in(world, kStripe, 3, from, to)};
    world.set(world.keys[0], World::value('A'));
    for (int i = 0; i < 12; ++i) world.set(key_in(world, kStripe, 3, i % 2 == 0 ? from : via, i % 2 == 0 ? via : from), World::value('X'));
    world.keys.push_back(key_in(world, kStripe, 3, from, via));
  };
  const auto full_buckets = [full](World& world) { full(world, 0, 1, 2); };
  const auto full_at_the_end = [full](World& world) { full(world, 2, 1, 0); };
  all.push_back({"displace", full_buckets,
                 [](World& world) -> std::vector<Body> {
                   return {setter(world, 1, 'C'), getter(world, 0), heir(world, 0)};
                 },
                 always_a, 1});
  all.push_back({"displace, patient",
                 full_buckets,
                 [](World& world) -> std::vector<Body> {
                   return {setter(world, 1, 'C'), getter(world, 0)};
                 },
                 always_a,
                 1,
                 {0, 2}});
  all.push_back({"displace, replace", full_buckets,
                 [](World& world) -> std::vector<Body> {
                   return {setter(world, 1, 'C'), setter(world, 0, 'B'), getter(world, 0), heir(world, 0)};
                 },
                 a_or_b_then_b, 1});
  const auto walk = [](World& world) -> std::vector<Body> {
    return {setter(world, 1, 'C'), {"walk", Role::kObserver, [&world] { world.walk(); }}};
  };
  all.push_back({"displace, walk", full_buckets, walk, always_a, 1, {1, 1}, true});
  all.push_back({"displace back, walk", full_at_the_end, walk, always_a, 1, {1, 1}, true});
  all.push_back(
      {"increment", two_stripes,
       [](World& world) -> std::vector<Body> {
         world.keys.push_back(world.find_key([](const Key&) { return true; }));
         return {{"increment", Role::kWorker, [&world] { world.increment(world.keys[2]); }},
                 {"increment", Role::kWorker, [&world] { world.increment(world.keys[2]); }},
                 heir(world, 2)};
       },
       [](const World& world) -> std::string { return world.gots[0].value == "2" ? "" : "one and one is " + world.gots[0].value; }, 1});
  all.push_back({"mark", two_stripes,
                 [](World& world) -> std::vector<Body> {
                   return {setter(world, 0, 'B'),
                           {"marking get", Role::kWorker, [&world] { world.get(world.keys[0]); }},
                           setter(world, 1, 'C'),
                           heir(world, 0)};
                 },
                 [](const World& world) {
                   const std::string wrong = a_or_b(world);
                   return wrong.empty() ? at_last(world, "B") : wrong;
                 },
                 1});
  const auto alone_in_page = [](World& world) {
    two_stripes(world);
    world.set(world.keys[0], World::value('A', 4));  // of another class
  };
  const auto mover = [](World& world) {
    const Chunk chunk = world.chunk_of(world.keys[0]);
    return Body{"move", Role::kWorker, [&world, chunk] {
                  const Worker me = world.engine().worker();
                  if (PageMover(world.engine(), me).move(chunk.page, chunk.size_class, 0)) world.set(world.keys[1], World::value('C'));
                }};
  };
  all.push_back({"move page", alone_in_page,
                 [mover](World& world) -> std::vector<Body> {
                   return {mover(world), getter(world, 0)};
                 },
                 a_or_miss, 1});
  all.push_back({"erase, move page", alone_in_page,
                 [mover](World& world) -> std::vector<Body> {
                   return {{"erase", Role::kWorker, [&world] { world.erase(world.keys[0]); }}, mover(world), getter(world, 0)};
                 },
                 a_or_miss, 1});
  all.push_back({"clear", two_stripes,
                 [](World& world) -> std::vector<Body> {
                   return {{"clear get", Role::kWorker,
                            [&world] {
                              world.engine().view.header().epoch.fetch_add(1, kAcqRel);
                              world.get(world.keys[0]);
                            }},
                           setter(world, 0, 'B')};
                 },
                 [](const World& world) { return only(world, world.keys[0], "B-"); }, 1});
  all.push_back({"clear, move tables",
                 two_stripes,
                 [](World& world) -> std::vector<Body> {
                   const std::uint64_t word = world.engine().view.directory(world.key(world.keys[0]).stripe).load(kRelaxed);
                   Chunk table;
                   static_cast<void>(world.engine().slabs.locate(DirectoryWord::offset(word), table));
                   return {{"clear move", Role::kWorker,
                            [&world, table] {
                              world.engine().view.header().epoch.fetch_add(1, kAcqRel);
                              const Worker me = world.engine().worker();
                              if (PageMover(world.engine(), me).move(table.page, table.size_class, 0))
                                world.set(world.keys[1], World::value('C'));
                            }},
                           getter(world, 0)};
                 },
                 a_or_miss,
                 1,
                 {1, 1},
                 true});
  return all;
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = make();
  return all;
}

Verdict explore(const Scenario& scenario, const std::vector<Rule>& rules, std::uint64_t most_executions) {
  World world;
  scenario.prepare(world);
  Places places(world.engine());
  places.add_flag(&world.flag);
  Machine machine(places);
  read_tries = scenario.tries;
  const auto begin = [&world] {
    world.gots.clear();
    world.trouble.clear();
  };
  const auto judge = [&] { return world.trouble.empty() ? scenario.judge(world) : world.trouble; };
  const char* preemptions = std::getenv("CARAFE_WEAK_PREEMPTIONS");
  const char* shown = std::getenv("CARAFE_WEAK_SHOW");
  const Limits limits{preemptions == nullptr ? scenario.preemptions : std::atoi(preemptions), most_executions,
                      shown == nullptr ? 0 : std::strtoull(shown, nullptr, 10)};
  Verdict verdict = machine.explore(scenario.bodies(world), begin, judge, limits, rules);
  read_tries = {};
  return verdict;
}

}  // namespace carafe::weak
