// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crash/harness.h"

/// Scenarios of loading and of what is invalidated together: leases, stale values, tags, namespaces.
namespace carafe::test {
namespace scenario {

using std::chrono::milliseconds;

inline constexpr std::size_t kSmall = 100;
inline constexpr std::size_t kChain = 9'000;       // larger than the largest chunk, which is a page of 8 KiB
inline constexpr std::size_t kLongChain = 20'000;  // two parts

inline bool grew(std::uint64_t Stats::*counter, const Stats& before, const Stats& after) { return after.*counter > before.*counter; }

/// How values are loaded that are past their time two seconds later, and serve on for an hour.
inline const LoadOptions& stale_options() {
  static const LoadOptions options{.ttl = milliseconds(1'000), .stale_for = std::chrono::hours(1)};
  return options;
}

}  // namespace scenario

/// These, after the others.
inline std::vector<Scenario> and_loading(std::vector<Scenario> others) {
  using namespace scenario;
  const auto nothing = [](Stage&) {};
  const auto set = [](std::string_view value) {
    return [value](Stage& stage) { return stage.cache().set(stage.key, value) == Status::kOk; };
  };
  const auto plant = [](Stage& stage) {
    stage.ticket.emplace(stage.cache().try_load("key"));
    return stage.ticket->owns_lease();
  };
  const auto leave_a_lease = [plant](Stage& stage) { stage.kill_a_worker(plant); };
  const auto put_tagged = [](std::string_view value) {
    return [value](Stage& stage) {
      if (stage.cache().set("key", value, {.tags = {"tag", "other", "third", "fourth", "fifth"}}) != Status::kOk)
        throw std::runtime_error("crash test: preparing failed");
    };
  };
  const auto put_stale = [](std::size_t bytes) {
    return [bytes](Stage& stage) {
      const auto value = text('a', bytes);
      static_cast<void>(stage.cache().get_or_load(
          "key", [&] { return value; }, stale_options()));
      Stage::advance(milliseconds(2'000));
    };
  };
  const auto take_refresh = [](Stage& stage) {
    stage.ticket.emplace(stage.cache().try_load("key", stale_options()));
    return stage.ticket->owns_lease() && stage.ticket->stale();
  };
  const auto make_space = [](std::uint64_t quota_bytes) {
    return [quota_bytes](Stage& stage) {
      stage.space.emplace(stage.cache().in("space", {.quota_bytes = quota_bytes}));
      for (int i = 0; i < 12; ++i)
        if (stage.space->set("own" + std::to_string(i), text('s', 300)) != Status::kOk)
          throw std::runtime_error("crash test: preparing failed");
    };
  };

  const std::vector<Scenario> loading = {
      // --- loading
      {.name = "load: plants a lease", .prepare = nothing, .operation = plant, .every_instruction = true},
      {.name = "load: takes over the lease of a dead owner",
       .prepare = leave_a_lease,
       .operation = plant,
       .took_the_way = [](const Stats& a, const Stats& b) { return grew(&Stats::load_take_overs, a, b); }},
      {.name = "load: finds a value after all",
       .prepare = [](Stage& stage) { stage.put("key", text('a', kSmall)); },
       .operation = [](Stage& stage) { return stage.cache().try_load("key").value() == text('a', kSmall); }},
      {.name = "load: fills, and somebody waits",
       .prepare = [](Stage& stage) { stage.view().stripe(stage.stripe_of("key")).lease_waiters.store(1, kRelaxed); },
       .operation = [](Stage& stage) { return stage.ticket->fill(text('b', kSmall)) == Status::kOk; },
       .every_instruction = true,
       .before = [plant](Stage& stage) { plant(stage); }},
      {.name = "load: fills with a chain",
       .prepare = nothing,
       .operation = [](Stage& stage) { return stage.ticket->fill(text('b', kLongChain)) == Status::kOk; },
       .before = [plant](Stage& stage) { plant(stage); }},
      {.name = "load: a fill that comes too late",
       .prepare = nothing,
       .operation = [](Stage& stage) { return stage.ticket->fill(text('b', kSmall)) == Status::kStale; },
       .took_the_way = [](const Stats& a, const Stats& b) { return grew(&Stats::stale_fills, a, b); },
       .before =
           [plant](Stage& stage) {
             plant(stage);
             static_cast<void>(stage.cache().erase("key"));
           }},
      {.name = "load: abandons",
       .prepare = nothing,
       .operation =
           [](Stage& stage) {
             stage.ticket->abandon();
             return true;
           },
       .before = [plant](Stage& stage) { plant(stage); }},
      {.name = "set: where a lease is", .prepare = leave_a_lease, .operation = set(text('b', kSmall))},
      {.name = "erase: where a lease is",
       .prepare = leave_a_lease,
       .operation = [](Stage& stage) { return stage.cache().erase("key") == Status::kNotFound; }},
      {.name = "get: where a lease is",
       .prepare = leave_a_lease,
       .operation = [](Stage& stage) { return stage.cache().get("key", stage.reused) == Status::kNotFound; }},

      // --- stale values, none
      {.name = "refresh: becomes the one who computes", .prepare = put_stale(kSmall), .operation = take_refresh, .every_instruction = true},
      {.name = "refresh: takes over from a dead one",
       .prepare =
           [put_stale, take_refresh](Stage& stage) {
             put_stale(kSmall)(stage);
             stage.kill_a_worker(take_refresh);
           },
       .operation = take_refresh,
       .took_the_way = [](const Stats& a, const Stats& b) { return grew(&Stats::load_take_overs, a, b); }},
      {.name = "refresh: fills",
       .prepare = put_stale(kSmall),
       .operation = [](Stage& stage) { return stage.ticket->fill(text('b', kSmall)) == Status::kOk; },
       .before = [take_refresh](Stage& stage) { take_refresh(stage); }},
      {.name = "refresh: fills a chain",
       .prepare = put_stale(kChain),
       .operation = [](Stage& stage) { return stage.ticket->fill(text('b', kLongChain)) == Status::kOk; },
       .before = [take_refresh](Stage& stage) { take_refresh(stage); }},
      {.name = "refresh: abandons",
       .prepare = put_stale(kSmall),
       .operation =
           [](Stage& stage) {
             stage.ticket->abandon();
             return true;
           },
       .before = [take_refresh](Stage& stage) { take_refresh(stage); }},
      {.name = "load: fills with none",
       .prepare = nothing,
       .operation = [](Stage& stage) { return stage.ticket->fill_none(milliseconds(60'000)) == Status::kOk; },
       .before = [plant](Stage& stage) { plant(stage); }},
      {.name = "touch: moves both ends",
       .prepare =
           [](Stage& stage) {
             static_cast<void>(stage.cache().get_or_load(
                 "key", [] { return "value"; }, stale_options()));
           },
       .operation = [](Stage& stage) { return stage.cache().touch("key", milliseconds(1'000)) == Status::kOk; }},

      // --- tags
      {"set: with tags", put_tagged(text('a', kSmall)),
       [](Stage& stage) { return stage.cache().set("key", text('b', kSmall), {.tags = {"tag"}}) == Status::kOk; }},
      {"increment: keeps the tags", put_tagged("41"), [](Stage& stage) { return stage.cache().increment("key", 1).value == 42; }},
      {"touch: copies the tags", put_tagged(text('a', kSmall)),
       [](Stage& stage) { return stage.cache().touch("key", milliseconds(9000)) == Status::kOk; }},
      {.name = "invalidate_tag",
       .prepare = put_tagged(text('a', kSmall)),
       .operation = [](Stage& stage) { return stage.cache().invalidate_tag("fifth") == Status::kOk; },
       .every_instruction = true},
      {"set: where a value was invalidated",
       [put_tagged](Stage& stage) {
         put_tagged(text('a', kSmall))(stage);
         static_cast<void>(stage.cache().invalidate_tag("tag"));
       },
       set(text('b', kSmall))},
      {.name = "load: a fill whose tag was invalidated",
       .prepare = nothing,
       .operation = [](Stage& stage) { return stage.ticket->fill(text('b', kSmall), {.tags = {"tag"}}) == Status::kStale; },
       .before =
           [plant](Stage& stage) {
             plant(stage);
             static_cast<void>(stage.cache().invalidate_tag("tag"));
           }},

      // --- namespaces
      {.name = "in: makes a namespace",
       .prepare = nothing,
       .operation = [](Stage& stage) { return stage.cache().in("space").name() == "space"; },
       .every_instruction = true},
      {"in: makes a namespace, and set", nothing,
       [](Stage& stage) { return stage.cache().in("space").set("key", text('b', kSmall)) == Status::kOk; }},
      {"namespace: set", make_space(0), [](Stage& stage) { return stage.space->set("own3", text('b', kSmall)) == Status::kOk; }},
      {"namespace: get", make_space(0), [](Stage& stage) { return stage.space->get("own3", stage.reused) == Status::kOk; }},
      {"namespace: set evicts for the quota", make_space(4'000),
       [](Stage& stage) { return stage.space->set("one more", text('b', 300)) == Status::kOk; },
       [](const Stats& a, const Stats& b) { return grew(&Stats::evictions, a, b); }},
      {"namespace: clear", make_space(0),
       [](Stage& stage) {
         stage.space->clear();
         return true;
       }},
      {"namespace: drop", make_space(0), [](Stage& stage) { return stage.cache().drop_namespace("space"); }},
      {"namespace: set after it was dropped",
       [make_space](Stage& stage) {
         make_space(0)(stage);
         stage.cache().drop_namespace("space");
       },
       [](Stage& stage) { return stage.space->set("own3", text('b', kSmall)) == Status::kOk; }},
  };
  others.insert(others.end(), loading.begin(), loading.end());
  return others;
}

}  // namespace carafe::test
