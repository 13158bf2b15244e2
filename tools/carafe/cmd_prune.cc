// SPDX-License-Identifier: MIT
/// carafe prune: drops what other releases than the one that runs have left. For the end of a deploy.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "key_argument.h"
#include "layout/limits.h"
#include "namespace_argument.h"
#include "namespace_table.h"
#include "output.h"
#include "segments.h"
#include "text.h"

namespace carafe::tool {
namespace {

struct PruneCommand {
  std::string segment;
  std::string kept;
  bool dry_run = false;
  bool escaped = false;
};

std::vector<NamespaceStats> namespaces_to_prune(const Cache& cache, const std::string& kept) {
  std::vector<NamespaceStats> all = cache.namespaces();
  std::erase_if(all, [&](const NamespaceStats& stats) { return stats.release.empty() || stats.release == kept; });
  sort_namespaces(all, "name");
  return all;
}

/// One by one rather than all by Cache::prune_releases, so as to know which went. False when it is still there.
bool drop(Cache& cache, const NamespaceStats& doomed) {
  if (cache.drop_namespace(doomed.name, doomed.release)) return true;
  const std::vector<NamespaceStats> left = cache.namespaces();
  return std::none_of(left.begin(), left.end(),
                      [&](const NamespaceStats& stats) { return stats.name == doomed.name && stats.release == doomed.release; });
}

int report(const Context& context, const std::string& name, const PruneCommand& command, const std::string& kept,
           const std::vector<NamespaceStats>& dropped) {
  if (context.json) {
    Json object{{"name", name}};
    set_bytes(object, "kept", kept);
    object["dry_run"] = command.dry_run;
    object["namespaces"] = namespaces_json(dropped, dropped.size());
    print_json(context, object);
    return kDone;
  }
  const char* verb = command.dry_run ? "would drop" : "dropped";
  for (const NamespaceStats& stats : dropped)
    say(context, fmt::format("{} {}: {} items, {} bytes", verb, namespace_text(stats.name, stats.release), count_text(context, stats.items),
                             bytes_text(context, stats.bytes_used)));
  say(context, fmt::format("{} {} namespaces in {}, of other releases than \"{}\"", verb, dropped.size(), name, escape(kept)));
  return kDone;
}

int prune(const Context& context, const PruneCommand& command) {
  const std::string name = segment_name(command.segment);
  const std::string kept = bytes_of(command.kept, command.escaped, "--keep");
  // An empty one would drop every release: more likely a variable of a script that was not set.
  if (kept.empty() || kept.size() > kMaxReleaseBytes)
    throw Failure(kUsage, fmt::format("--keep: a release has 1 to {} bytes, and this has {}", kMaxReleaseBytes, kept.size()));
  if (command.dry_run) return report(context, name, command, kept, namespaces_to_prune(open_to_look(name), kept));
  Cache cache = open_to_write(name, Trust::kWhoever);
  if (cache.stats().retired)
    throw Failure(kRefused, fmt::format("segment \"{}\" was removed just now; there is nothing left to prune", name));
  std::vector<NamespaceStats> doomed = namespaces_to_prune(cache, kept);
  const std::size_t found = doomed.size();
  std::erase_if(doomed, [&](const NamespaceStats& stats) { return !drop(cache, stats); });
  report(context, name, command, kept, doomed);
  if (doomed.size() < found)
    throw Failure(kRefused,
                  fmt::format("{} of {} namespaces could not be dropped: the table is busy; try again", found - doomed.size(), found));
  return kDone;
}

}  // namespace

void add_prune(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "prune", "Drop the namespaces of all releases but one; those without a release stay");
  const auto command = std::make_shared<PruneCommand>();
  add_text(*verb, "SEG", command->segment, "Segment")->required();
  add_text(*verb, "--keep", command->kept, "The release to keep")->type_name("R")->required();
  verb->add_flag("--dry-run", command->dry_run, "Only say which; maps read-only");
  verb->add_flag("-e,--escaped", command->escaped, "R is as carafe namespaces prints it: \\xNN is a byte");
  verb->callback([&context, command] { context.run = [&context, command] { return prune(context, *command); }; });
}

}  // namespace carafe::tool
