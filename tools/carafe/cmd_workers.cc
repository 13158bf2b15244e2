// SPDX-License-Identifier: MIT
/// carafe workers: who has the segment open, proven alive or not.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>
#include <memory>
#include <sstream>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "output.h"
#include "segment/names.h"
#include "segments.h"
#include "table.h"
#include "text.h"

namespace carafe::tool {
namespace {

/// The command of the process `pid`, if it maps the segment's file: a pid alone may be somebody else's by now, or of another pid
/// namespace. Told by device and inode; the path is that of the unnamed file in which the segment was built.
std::string command_of(std::int64_t pid, const std::string& name) {
  struct stat segment {};
  if (::stat(path_of(name).c_str(), &segment) != 0) return {};
  const std::string device = fmt::format("{:02x}:{:02x}", major(segment.st_dev), minor(segment.st_dev));
  const std::string process = "/proc/" + std::to_string(pid);
  std::ifstream maps(process + "/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::string range, rights, offset, found;
    std::uint64_t inode = 0;
    if (!(fields >> range >> rights >> offset >> found >> inode) || found != device || inode != segment.st_ino) continue;
    std::string command;
    std::ifstream comm(process + "/comm");
    std::getline(comm, command);
    return command;
  }
  return {};
}

int show_workers(const Context& context, const std::string& name) {
  const std::vector<WorkerStats> workers = open_to_look(name).workers();
  Json all = Json::array();
  Table table({{"SLOT"}, {"PID"}, {"STATE", kLeft}, {"COMMAND", kLeft}, {"ATTACHED"}, {"GETS"}, {"HIT%"}, {"SETS"}});
  for (const WorkerStats& worker : workers) {
    const std::string command = worker.alive ? command_of(worker.pid, name) : std::string();
    if (context.json) {
      Json object{{"slot", worker.slot}, {"incarnation", worker.incarnation}, {"pid", worker.pid}, {"alive", worker.alive}};
      set_bytes(object, "command", command);
      object["attached_ms_ago"] = worker.attached_ms_ago;
      object["gets"] = worker.gets;
      object["hits"] = worker.hits;
      object["sets"] = worker.sets;
      all.push_back(std::move(object));
    } else {
      table.add({std::to_string(worker.slot), std::to_string(worker.pid), worker.alive ? "alive" : "dead",
                 command.empty() ? "-" : escape(command), duration_text(worker.attached_ms_ago), count_text(context, worker.gets),
                 percent_text(worker.hits, worker.gets), count_text(context, worker.sets)});
    }
  }
  if (context.json) {
    print_json(context, Json{{"name", name}, {"workers", std::move(all)}});
  } else {
    table.print(context);
  }
  return kDone;
}

}  // namespace

void add_workers(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "workers", "Processes attached, with the counters of their slots");
  const auto segment = std::make_shared<std::string>();
  add_text(*verb, "SEG", *segment, "Segment")->required();
  verb->callback([&context, segment] { context.run = [&context, segment] { return show_workers(context, segment_name(*segment)); }; });
}

}  // namespace carafe::tool
