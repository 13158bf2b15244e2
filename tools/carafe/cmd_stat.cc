// SPDX-License-Identifier: MIT
/// carafe stat: hit rates over four windows, which the segment keeps itself, so they are there at once; then every counter.
#include <fmt/format.h>

#include <memory>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "memory_text.h"
#include "namespace_table.h"
#include "output.h"
#include "segments.h"
#include "stat_fields.h"
#include "stat_watch.h"
#include "table.h"
#include "text.h"
#include "watching.h"

namespace carafe::tool {
namespace {

struct StatOptions {
  std::string segment;
  double interval_seconds = 0;
  std::uint64_t count = 0;
};

Json to_json(const WindowStats& window) {
  return Json{{"seconds", window.seconds},     {"covered_seconds", window.covered_seconds},
              {"gets", window.gets},           {"hits", window.hits},
              {"misses", window.misses},       {"sets", window.sets},
              {"evictions", window.evictions}, {"hit_ratio", window.hit_ratio()}};
}

Json to_json(const EvictionStats& eviction) {
  Json contenders = Json::array();
  for (const auto& contender : eviction.contenders) contenders.push_back({{"mode", contender.mode}, {"hit_ratio", contender.hit_ratio}});
  return Json{{"mode", eviction.mode},
              {"contenders", std::move(contenders)},
              {"sampled_one_in", eviction.sampled_one_in},
              {"switches", eviction.switches},
              {"ghost_hits", eviction.ghost_hits}};
}

Json to_json(const Stats& stats, const SegmentInfo& info) {
  Json object{{"name", info.name}, {"state", state_of(stats)}};
  for (const StatField& field : kCounterFields) object[field.name] = stats.*field.member;
  for (const GaugeField& gauge : kGaugeFields) object[gauge.field.name] = stats.*gauge.field.member;
  object["hit_ratio"] = stats.hit_ratio();
  object["retired"] = stats.retired;
  object["windows"] = Json::array();
  for (const WindowStats& window : stats.windows) object["windows"].push_back(to_json(window));
  object["layout_version"] = info.layout_version;
  object["page_bytes"] = info.page_bytes;
  object["stripes"] = info.stripes;
  object["max_workers"] = info.max_workers;
  object["max_namespaces"] = info.max_namespaces;
  object["largest_value_bytes"] = info.largest_value_bytes;
  object["epoch"] = info.epoch;
  object["created_unix_seconds"] = info.created_unix_seconds;
  object["owner_uid"] = info.owner_uid;
  object["owner_gid"] = info.owner_gid;
  object["owner"] = user_name(info.owner_uid);
  object["group"] = group_name(info.owner_gid);
  object["mode"] = mode_text(info.mode);
  return object;
}

void print_windows(const Context& context, const Stats& stats) {
  Table table({{"WINDOW", kLeft}, {"HIT%"}, {"GETS"}, {"HITS"}, {"MISSES"}, {"SETS"}, {"EVICTIONS"}, {"COVERED"}});
  for (const WindowStats& window : stats.windows) {
    table.add({duration_text(std::uint64_t{window.seconds} * 1000), percent_text(window.hits, window.gets),
               count_text(context, window.gets), count_text(context, window.hits), count_text(context, window.misses),
               count_text(context, window.sets), count_text(context, window.evictions),
               duration_text(static_cast<std::uint64_t>(window.covered_seconds * 1000))});
  }
  table.add({"total", percent_text(stats.hits, stats.gets), count_text(context, stats.gets), count_text(context, stats.hits),
             count_text(context, stats.misses), count_text(context, stats.sets), count_text(context, stats.evictions),
             duration_text(stats.uptime_ms)});
  table.print(context);
}

/// How the modes of eviction do on the sample of keys; which one plays.
void print_eviction(const Context& context, const EvictionStats& eviction) {
  if (eviction.sampled_one_in == 0) {
    print(fmt::format("eviction: {}\n\n", eviction.mode));
    return;
  }
  print(fmt::format("eviction: {}; one key in {} sampled, {} switches, {} ghost hits\n", eviction.mode,
                    count_text(context, eviction.sampled_one_in), count_text(context, eviction.switches),
                    count_text(context, eviction.ghost_hits)));
  Table table({{"MODE", kLeft}, {"SHADOW-HIT%"}, {"PLAYS", kLeft}});
  for (const auto& contender : eviction.contenders)
    table.add({contender.mode, fmt::format("{:.1f}", contender.hit_ratio * 100), contender.mode == eviction.mode ? "*" : ""});
  table.print(context);
  print("\n");
}

void print_busiest(const Context& context, const std::string& name, const std::vector<NamespaceStats>& namespaces) {
  constexpr std::size_t kShown = 5;
  if (namespaces.empty()) return;
  print(namespaces.size() <= kShown ? std::string("namespaces:\n")
                                    : fmt::format("namespaces: {}, the {} with most gets (all: carafe namespaces {})\n",
                                                  count_text(context, namespaces.size()), kShown, name));
  print_namespaces(context, namespaces, kShown);
  print("\n");
}

std::string gauge_text(const Context& context, const GaugeField& gauge, const Stats& stats) {
  const std::uint64_t value = stats.*gauge.field.member;
  switch (gauge.kind) {
    case GaugeKind::kBytes:
      return bytes_text(context, value);
    case GaugeKind::kDuration:
      return duration_text(value);
    case GaugeKind::kCount:
      break;
  }
  return count_text(context, value);
}

void print_fields(const Context& context, const Stats& stats) {
  Table table({{"FIELD", kLeft}, {"VALUE"}, {"MEANING", kLeft}});
  for (const GaugeField& gauge : kGaugeFields) table.add({gauge.field.name, gauge_text(context, gauge, stats), gauge.field.meaning});
  table.add({"hit_ratio", stats.gets == 0 ? "-" : fmt::format("{:.4f}", stats.hit_ratio()), "hits / gets, since creation"});
  for (const StatField& field : kCounterFields) table.add({field.name, count_text(context, stats.*field.member), field.meaning});
  table.print(context);
}

int stat(const Context& context, const StatOptions& options) {
  const std::string name = segment_name(options.segment);
  if (options.interval_seconds > 0) return watch(context, name, options.interval_seconds, options.count);
  const Cache cache = open_to_look(name);
  const Stats stats = cache.stats();
  const SegmentInfo info = cache.info();
  std::vector<NamespaceStats> namespaces = cache.namespaces();
  sort_namespaces(namespaces, "gets");
  if (context.json) {
    Json object = to_json(stats, info);
    object["eviction"] = to_json(cache.eviction());
    object["memory"] = memory_json(cache.memory());
    object["namespaces"] = namespaces_json(namespaces, namespaces.size());
    print_json(context, object);
    return kDone;
  }
  print(fmt::format("{}: {}, {} workers, {} of {} used, owner {}:{}, mode {}, layout {}\n\n", name, state_of(stats),
                    count_text(context, stats.workers), bytes_text(context, stats.bytes_used), bytes_text(context, stats.capacity_bytes),
                    user_name(info.owner_uid), group_name(info.owner_gid), mode_text(info.mode), info.layout_version));
  print_windows(context, stats);
  print("\n");
  print(memory_text(context, cache.memory()) + "\n\n");
  print_eviction(context, cache.eviction());
  print_busiest(context, name, namespaces);
  print_fields(context, stats);
  return kDone;
}

}  // namespace

void add_stat(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "stat", "Hit rates over 10 s, 1 min, 10 min, 1 h and since creation, and every counter");
  const auto options = std::make_shared<StatOptions>();
  add_text(*verb, "SEG", options->segment, "Segment")->required();
  add_watch(*verb, options->interval_seconds, options->count, "A line every SEC seconds, until interrupted");
  verb->callback([&context, options] { context.run = [&context, options] { return stat(context, *options); }; });
}

}  // namespace carafe::tool
