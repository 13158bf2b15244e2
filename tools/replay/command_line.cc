// SPDX-License-Identifier: MIT
#include "command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "exit_code.h"
#include "policies/all.h"
#include "text.h"
#include "turns.h"

namespace carafe::replay {
namespace {

using tool::Failure;

constexpr double kUsualFractions[] = {0.01, 0.03, 0.1, 0.3};

std::vector<std::string> usual_policies() { return {"carafe", "lru", "fifo", "clock2", "s3fifo", "sieve", "arc", "wtinylfu", "opt"}; }

std::vector<std::string> known_policies() {
  std::vector<std::string> names{"carafe", "opt"};
  for (const PolicyKind& kind : policy_kinds()) names.emplace_back(kind.name);
  return names;
}

std::uint64_t amount(const std::string& option, const std::string& text) {
  const auto number = tool::parse_size(text);
  if (!number || *number == 0)
    throw Failure(tool::kUsage, fmt::format("{}: \"{}\" is no amount; write 5000, 20K or 64M", option, tool::escape(text)));
  return *number;
}

}  // namespace

void add_options(CLI::App& app, CommandLine& line, tool::Context& context) {
  Settings& settings = line.settings;
  app.add_option("TRACE", line.trace, "File, plain or .zst; - for standard input")->required();
  app.add_option("--format", line.format, "auto (by name and content), csv, keys or oracle")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"auto", "csv", "keys", "oracle"}));

  const std::string sizes = "Sizes to try (one of these; several values with commas)";
  CLI::Option* fractions =
      app.add_option("--fractions,--fraction", line.fractions,
                     "Shares of the different keys, or of their bytes where the trace has sizes; default 0.01,0.03,0.1,0.3");
  fractions->type_name("F")->delimiter(',')->check(CLI::Range(1e-9, 100.0))->group(sizes);
  CLI::Option* items = app.add_option("--items", line.items, "Numbers of items; all of one size, whatever the trace says");
  items->type_name("N")->delimiter(',')->group(sizes);
  CLI::Option* bytes = app.add_option("--bytes", line.bytes, "Sizes of the segment, everything counted: 64M; values as the trace says");
  bytes->type_name("SIZE")->delimiter(',')->group(sizes);
  fractions->excludes(items)->excludes(bytes);
  items->excludes(bytes);
  app.add_flag("--uniform", line.uniform, "Fractions of the keys, all items of one size, though the trace has sizes")->excludes(bytes);

  app.add_option("--policies", line.policies, fmt::format("Which, in this order: {}", fmt::join(known_policies(), ", ")))
      ->type_name("NAMES")
      ->delimiter(',');
  app.add_option("--value-bytes", settings.value_bytes, "Size of values that have none in the trace (default 100)")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 30));
  app.add_option("--overhead", settings.overhead, "What a simulated policy pays for an item beyond its value, with bytes (default 56)")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20));
  app.add_option("--eviction", line.eviction, "What carafe evicts by: duel (default) or clock")
      ->type_name("HOW")
      ->check(CLI::IsMember({"duel", "clock"}));
  app.add_option("--processes", settings.crew.processes, "Worker processes of carafe; request i is worker i mod P's (default 1)")
      ->type_name("P")
      ->check(CLI::Range(1U, static_cast<unsigned>(kMostProcesses)));
  app.add_option("--overlap", settings.crew.overlap, "Requests that a worker may be ahead of the slowest (default 0: in order)")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20));
  app.add_option("--kill-every", settings.crew.kill_every, "Kill a worker (SIGKILL) every N requests, and fork another")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  app.add_flag("--gets-only", line.gets_only, "Take every request for a get of something that never expires");
  app.add_flag("--real-time", settings.real_time, "Let carafe see the machine's clock, though the trace has times");
  app.add_flag("--refill", settings.refill, "Afterwards clear, fill with items of one size, and compare with a fresh segment");
  app.add_option("--svg", line.svg, "Write the curves to this file, too")->type_name("FILE");
  app.add_flag("--json", context.json, "JSON instead of a table");
  app.add_flag("--no-color", context.no_color, "No bold (also: NO_COLOR, TERM=dumb)");
  app.add_flag("-q,--quiet", context.quiet, "No progress, nothing but data and errors");
}

void check(const CommandLine& line) {
  const std::vector<std::string> known = known_policies();
  for (const std::string& name : line.policies) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw Failure(tool::kUsage, fmt::format("--policies: there is no \"{}\"; there are {}", tool::escape(name), fmt::join(known, ", ")));
    if (std::count(line.policies.begin(), line.policies.end(), name) > 1)
      throw Failure(tool::kUsage, fmt::format("--policies: \"{}\" is named twice", tool::escape(name)));
  }
  for (const std::string& text : line.items) (void)amount("--items", text);
  for (const std::string& text : line.bytes) (void)amount("--bytes", text);
}

Settings settings_for(const CommandLine& line, const Trace& trace) {
  Settings settings = line.settings;
  settings.policies = line.policies.empty() ? usual_policies() : line.policies;
  settings.eviction = line.eviction == "clock" ? Eviction::kClock : Eviction::kDuel;
  settings.by_bytes = !line.bytes.empty() || (line.items.empty() && trace.columns().sizes && !line.uniform);
  for (const std::string& text : line.items) settings.rooms.push_back({std::nullopt, amount("--items", text)});
  for (const std::string& text : line.bytes) settings.rooms.push_back({std::nullopt, amount("--bytes", text)});
  for (const double fraction : line.fractions) settings.rooms.push_back({fraction, 0});
  if (settings.rooms.empty()) {
    for (const double fraction : kUsualFractions) settings.rooms.push_back({fraction, 0});
  }
  return settings;
}

}  // namespace carafe::replay
