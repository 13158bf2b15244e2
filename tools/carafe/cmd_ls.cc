// SPDX-License-Identifier: MIT
/// carafe ls: every segment of this host, whatever state it is in.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/glob.h"
#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "output.h"
#include "segments.h"
#include "table.h"
#include "text.h"

namespace carafe::tool {
namespace {

/// One line. What cannot be opened has a state that says why, and no stats.
struct Listed {
  SegmentFile file;
  std::string state;
  std::string problem;  // for JSON: the whole message
  std::optional<Stats> stats;
  std::optional<SegmentInfo> info;
};

/// Hits and gets of the last minute, or since creation when there were none in it.
std::pair<std::uint64_t, std::uint64_t> recent_hits(const Stats& stats) {
  const WindowStats& minute = stats.windows[1];
  return minute.gets != 0 ? std::pair{minute.hits, minute.gets} : std::pair{stats.hits, stats.gets};
}

std::string trouble_of(const Error& error) {
  switch (error.status()) {
    case Status::kNoPermission:
      return "unreadable: no permission";
    case Status::kWrongLayout:
    case Status::kWrongBuild:
    case Status::kForeignNamespace:
      return "foreign: " + std::string(to_string(error.status()));
    default:
      return "damaged: " + std::string(to_string(error.status()));
  }
}

/// Nothing when it vanished between the listing and now.
std::optional<Listed> look_at(SegmentFile file) {
  Listed listed;
  listed.file = std::move(file);
  if (!S_ISREG(listed.file.status.st_mode)) {
    listed.state = S_ISLNK(listed.file.status.st_mode) ? "damaged: symbolic link" : "damaged: not a file";
    listed.problem = listed.state;
    return listed;
  }
  try {
    const Cache cache = open_to_look(listed.file.name);
    listed.stats = cache.stats();
    listed.info = cache.info();
    listed.state = state_of(*listed.stats);
  } catch (const Failure& failure) {
    if (failure.code() == kMissing) return std::nullopt;
    throw;
  } catch (const Error& error) {
    listed.state = trouble_of(error);
    listed.problem = error.what();
  }
  return listed;
}

Json to_json(const Listed& listed) {
  Json object;
  set_bytes(object, "name", listed.file.name);
  object["state"] = listed.state.substr(0, listed.state.find(':'));
  if (!listed.problem.empty()) set_bytes(object, "problem", listed.problem);
  object["file_bytes"] = listed.file.status.st_size;
  object["owner"] = user_name(listed.file.status.st_uid);
  object["group"] = group_name(listed.file.status.st_gid);
  object["mode"] = mode_text(listed.file.status.st_mode);
  if (!listed.stats) return object;
  const Stats& stats = *listed.stats;
  const auto [hits, gets] = recent_hits(stats);
  object["capacity_bytes"] = stats.capacity_bytes;
  object["bytes_used"] = stats.bytes_used;
  object["items"] = stats.items;
  object["gets"] = stats.gets;
  object["hits"] = stats.hits;
  object["misses"] = stats.misses;
  object["hit_ratio"] = stats.hit_ratio();
  object["recent_hit_ratio"] = gets == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(gets);
  object["workers"] = stats.workers;
  object["uptime_ms"] = stats.uptime_ms;
  object["layout_version"] = listed.info->layout_version;
  return object;
}

void add_row(const Context& context, const Listed& listed, Table& table) {
  const struct stat& file = listed.file.status;
  std::vector<std::string> cells = {escape(listed.file.name)};
  if (listed.stats) {
    const Stats& stats = *listed.stats;
    const auto [hits, gets] = recent_hits(stats);
    cells.insert(cells.end(), {bytes_text(context, stats.capacity_bytes), bytes_text(context, stats.bytes_used),
                               count_text(context, stats.items), percent_text(hits, gets), count_text(context, stats.workers)});
  } else {
    cells.insert(cells.end(), {bytes_text(context, static_cast<std::uint64_t>(file.st_size)), "-", "-", "-", "-"});
  }
  cells.insert(cells.end(), {user_name(file.st_uid), mode_text(file.st_mode), listed.stats ? duration_text(listed.stats->uptime_ms) : "-",
                             listed.state});
  table.add(std::move(cells));
}

int list(const Context& context, const std::string& pattern) {
  std::vector<Listed> all;
  for (SegmentFile& file : find_segments()) {
    if (!pattern.empty() && !glob_match(pattern, file.name)) continue;
    if (std::optional<Listed> listed = look_at(std::move(file))) all.push_back(std::move(*listed));
  }
  if (context.json) {
    Json segments = Json::array();
    for (const Listed& listed : all) segments.push_back(to_json(listed));
    print_json(context, Json{{"segments", std::move(segments)}});
    return kDone;
  }
  Table table(
      {{"NAME", kLeft}, {"SIZE"}, {"USED"}, {"ITEMS"}, {"HIT%"}, {"WORKERS"}, {"OWNER", kLeft}, {"MODE"}, {"AGE"}, {"STATE", kLeft}});
  for (const Listed& listed : all) add_row(context, listed, table);
  table.print(context);
  return kDone;
}

}  // namespace

void add_ls(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "ls", "List the segments of this host");
  const auto pattern = std::make_shared<std::string>();
  add_text(*verb, "GLOB", *pattern, "Only names that match, e.g. 'shop-*' (quoted)");
  verb->callback([&context, pattern] { context.run = [&context, pattern] { return list(context, *pattern); }; });
}

}  // namespace carafe::tool
