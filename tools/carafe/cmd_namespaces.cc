// SPDX-License-Identifier: MIT
/// carafe namespaces: who uses the cache, and what it does for them.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <memory>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "namespace_table.h"
#include "output.h"
#include "segments.h"
#include "watching.h"

namespace carafe::tool {
namespace {

struct NamespacesOptions {
  std::string segment;
  std::string order = "gets";
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  double interval_seconds = 0;
  std::uint64_t count = 0;
};

constexpr std::uint64_t NamespaceStats::*kNamespaceCounters[] = {&NamespaceStats::gets,      &NamespaceStats::hits,
                                                                 &NamespaceStats::misses,    &NamespaceStats::sets,
                                                                 &NamespaceStats::evictions, &NamespaceStats::clears};

bool is_made_anew(const NamespaceStats& before, const NamespaceStats& now) {
  return std::any_of(std::begin(kNamespaceCounters), std::end(kNamespaceCounters),
                     [&](auto counter) { return now.*counter < before.*counter; });
}

/// What happened to each that is there now. One that was made anew meanwhile began at zero.
std::vector<NamespaceStats> changes(const std::vector<NamespaceStats>& from, std::vector<NamespaceStats> now) {
  std::map<std::pair<std::string, std::string>, const NamespaceStats*> before;
  for (const NamespaceStats& stats : from) before[{stats.name, stats.release}] = &stats;
  for (NamespaceStats& stats : now) {
    const auto found = before.find({stats.name, stats.release});
    if (found == before.end() || is_made_anew(*found->second, stats)) continue;
    for (const auto counter : kNamespaceCounters) stats.*counter -= found->second->*counter;
  }
  return now;
}

int watch_namespaces(const Context& context, const std::string& name, const NamespacesOptions& options) {
  WatchedSegment segment(name);
  Ticker ticker(options.interval_seconds);
  std::vector<NamespaceStats> last = segment.cache().namespaces();
  std::int64_t last_ns = monotonic_ns();
  for (std::uint64_t look = 0; (options.count == 0 || look < options.count) && !reader_is_gone() && ticker.wait(); ++look) {
    if (segment.follow()) last.clear();
    std::vector<NamespaceStats> now = segment.cache().namespaces();
    const std::int64_t now_ns = monotonic_ns();
    const double seconds = static_cast<double>(now_ns - last_ns) / 1e9;
    std::vector<NamespaceStats> shown = changes(last, now);
    sort_namespaces(shown, options.order);
    if (context.json) {
      print(Json{{"name", name}, {"seconds", seconds}, {"namespaces", namespaces_json(shown, options.limit)}}.dump() + "\n");
    } else {
      if (look != 0) print("\n");
      print_namespaces(context, shown, options.limit, seconds);
    }
    flush();
    last = std::move(now);
    last_ns = now_ns;
  }
  return kDone;
}

int show_namespaces(const Context& context, const NamespacesOptions& options) {
  const std::string name = segment_name(options.segment);
  if (options.interval_seconds > 0) return watch_namespaces(context, name, options);
  std::vector<NamespaceStats> namespaces = open_to_look(name).namespaces();
  sort_namespaces(namespaces, options.order);
  if (context.json) {
    print_json(context, Json{{"name", name}, {"namespaces", namespaces_json(namespaces, options.limit)}});
  } else {
    print_namespaces(context, namespaces, options.limit);
  }
  return kDone;
}

}  // namespace

void add_namespaces(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "namespaces", "Namespaces: gets, hit rate, sets, evictions, items, bytes, quota");
  const auto options = std::make_shared<NamespacesOptions>();
  add_text(*verb, "SEG", options->segment, "Segment")->required();
  add_text(*verb, "--sort", options->order, "gets (default), hits, misses, bytes: the most first; or name")
      ->type_name("BY")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kNamespaceOrders), std::end(kNamespaceOrders))));
  verb->add_option("--limit", options->limit, "Only the first N")->type_name("N")->check(CLI::NonNegativeNumber);
  add_watch(*verb, options->interval_seconds, options->count, "What happened, every SEC seconds, until interrupted");
  verb->callback([&context, options] { context.run = [&context, options] { return show_namespaces(context, *options); }; });
}

}  // namespace carafe::tool
