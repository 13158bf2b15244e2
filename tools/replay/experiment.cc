// SPDX-License-Identifier: MIT
#include "experiment.h"

#include <algorithm>
#include <cmath>

#include "exit_code.h"
#include "layout/limits.h"
#include "make_segment.h"
#include "optimum.h"
#include "policies/all.h"
#include "segment_size.h"
#include "trace_clock.h"

namespace carafe::replay {
namespace {

constexpr std::string_view kCarafe = "carafe";
constexpr std::string_view kOptimum = "opt";

class Experiment {
 public:
  Experiment(const Trace& trace, const Settings& settings, const Watcher& watcher)
      : trace_(trace), settings_(settings), watcher_(watcher), facts_(facts_of(trace)) {
    with_carafe_ = std::find(settings.policies.begin(), settings.policies.end(), kCarafe) != settings.policies.end();
    if (std::find(settings.policies.begin(), settings.policies.end(), kOptimum) != settings.policies.end()) next_use_ = next_uses(trace);
    charging_ = {settings.by_bytes, settings.overhead, std::nullopt};
    if (!trace.columns().sizes) charging_.value_bytes = settings.value_bytes;
  }

  RoomResult in(const WantedRoom& wanted) {
    RoomResult result;
    result.fraction = wanted.fraction;
    result.by_bytes = settings_.by_bytes;
    result.wanted = wanted.fraction ? share(*wanted.fraction) : wanted.amount;
    result.room = result.wanted;
    if (result.wanted == 0) {
      result.skipped = "no room for anything";
      return result;
    }
    if (with_carafe_ && !choose_segment(result)) return result;
    for (const std::string& policy : settings_.policies) result.policies.push_back(result_of(policy, result));
    return result;
  }

 private:
  [[nodiscard]] std::uint64_t bytes_of_all() const noexcept {
    return trace_.columns().sizes ? facts_.unique_bytes : facts_.objects * settings_.value_bytes;
  }
  [[nodiscard]] std::uint64_t share(double fraction) const noexcept {
    const std::uint64_t whole = settings_.by_bytes ? bytes_of_all() : facts_.objects;
    return static_cast<std::uint64_t>(fraction * static_cast<double>(whole));
  }

  /// The segment's capacity, and with items of one size the number it really holds, which then is everybody's.
  bool choose_segment(RoomResult& result) {
    if (settings_.by_bytes) {
      result.capacity_bytes = result.wanted;
      if (!trace_.columns().sizes) result.value_bytes = settings_.value_bytes;
      if (result.wanted >= kMinCapacityBytes) return true;
      result.skipped = "a segment is at least 1 MiB, and this would be " + std::to_string(result.wanted) + " bytes";
      return false;
    }
    if (watcher_) watcher_("measuring segments for " + std::to_string(result.wanted) + " items", 0, 0);
    const UniformSegment segment = size_for_items(result.wanted, settings_.value_bytes, settings_.eviction);
    result.capacity_bytes = segment.capacity_bytes;
    result.value_bytes = segment.value_bytes;
    result.room = segment.items;
    return true;
  }

  PolicyResult result_of(const std::string& name, RoomResult& result) {
    if (name == kCarafe) return {name, "CARAFE", replay_carafe(result), false};
    if (watcher_) watcher_(name + ", " + std::to_string(result.room) + (result.by_bytes ? " bytes" : " items"), 0, 0);
    const Room room{trace_.keys.size(), result.room};
    if (name != kOptimum) {
      const PolicyKind* kind = find_policy(name);
      const auto policy = kind->make(room);
      return {name, std::string(kind->title), simulate(trace_, *policy, charging_), false};
    }
    if (!result.by_bytes) {
      const auto policy = make_optimum(room, next_use_);
      return {name, "OPT", simulate(trace_, *policy, charging_), false};
    }
    return {name, "BOUND", {facts_.gets, most_hits_possible(trace_, next_use_, result.room, charging_)}, true};
  }

  Outcome replay_carafe(RoomResult& result) {
    const std::string what = "carafe, " + std::to_string(result.room) + (result.by_bytes ? " bytes" : " items");
    const bool clocked = trace_.columns().times && !settings_.real_time;
    std::optional<TraceClock> clock;
    if (clocked) clock.emplace();
    Options options;
    options.capacity_bytes = result.capacity_bytes;
    options.eviction = settings_.eviction;
    Cache cache = make_segment(options);
    const Payload payload = settings_.by_bytes ? Payload::of_trace(settings_.value_bytes) : Payload::uniform(result.value_bytes);
    ReplayProgress progress;
    if (watcher_) progress = [&](std::uint64_t done) { watcher_(what, done, trace_.size()); };
    result.carafe = replay(cache, trace_, payload, settings_.crew, progress);
    check(cache, *result.carafe);
    if (settings_.refill) result.refill = refill(cache, options, result.value_bytes == 0 ? settings_.value_bytes : result.value_bytes);
    return result.carafe->outcome;
  }

  static void check(const Cache& cache, const CrewResult& done) {
    if (done.wrong_values != 0)
      throw tool::Failure(tool::kDamaged,
                          std::to_string(done.wrong_values) + " values came back under another key: a bug of carafe, please report it");
    const VerifyReport report = cache.verify();
    if (!report.ok)
      throw tool::Failure(tool::kDamaged,
                          "the segment is damaged after the replay (" + report.problems.front() + "): a bug of carafe, please report it");
  }

  static Refill refill(Cache& cache, const Options& options, std::uint64_t value_bytes) {
    cache.clear();
    Refill refill;
    refill.items = fill_uniformly(cache, value_bytes);
    Cache fresh = make_segment(options);
    refill.fresh_items = fill_uniformly(fresh, value_bytes);
    return refill;
  }

  const Trace& trace_;
  const Settings& settings_;
  const Watcher& watcher_;
  TraceFacts facts_;
  bool with_carafe_ = false;
  Charging charging_;
  NextUse next_use_;
};

}  // namespace

std::vector<RoomResult> run_experiment(const Trace& trace, const Settings& settings, const Watcher& watcher) {
  std::vector<RoomResult> results;
  Experiment experiment(trace, settings, watcher);
  for (const WantedRoom& room : settings.rooms) results.push_back(experiment.in(room));
  return results;
}

}  // namespace carafe::replay
