// SPDX-License-Identifier: MIT
/// carafe rm: retires and unlinks segments. Asks before it takes one away from workers that are alive.
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <optional>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "output.h"
#include "segments.h"
#include "text.h"

namespace carafe::tool {
namespace {

/// How many processes have it open: "3 live workers", "live workers" when they cannot be counted (a damaged or foreign segment), or
/// nothing. Throws Failure (3) when there is no such segment.
std::optional<std::string> live_workers(const std::string& name) {
  try {
    const std::uint64_t count = open_to_look(name).stats().workers;
    if (count == 0) return std::nullopt;
    return fmt::format("{} live worker{}", count, count == 1 ? "" : "s");
  } catch (const Error& error) {
    if (error.status() == Status::kBadName) throw;
    return has_attached_workers(name) ? std::optional<std::string>("live workers") : std::nullopt;
  }
}

/// Throws Failure (5) where nobody can be asked.
bool is_confirmed(const Context& context, const std::string& name, const std::string& workers) {
  if (context.yes) return true;
  if (!context.terminal || ::isatty(STDIN_FILENO) != 1)
    throw Failure(kRefused, fmt::format("segment \"{}\" has {}; with --yes it is removed all the same (they miss, then move to a new one)",
                                        name, workers));
  print(fmt::format("Segment \"{}\" has {}. Remove it? [y/N] ", name, workers));
  flush();
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

/// Throws Error or Failure when it was not removed.
void remove_one(const Context& context, const std::string& name) {
  const std::optional<std::string> workers = live_workers(name);
  if (workers && !is_confirmed(context, name, *workers)) throw Failure(kRefused, fmt::format("segment \"{}\" was kept", name));
  if (!Cache::remove(name, options_for(name, Trust::kWhoever))) fail_absent(name);
}

int remove(const Context& context, const std::vector<std::string>& names) {
  int code = kDone;
  Json outcomes = Json::array();
  const auto failed = [&](const std::string& name, int failure, const std::string& what) {
    complain(what);
    if (code == kDone) code = failure;
    Json outcome;
    set_bytes(outcome, "name", name);
    outcome["removed"] = false;
    set_bytes(outcome, "problem", what);
    outcomes.push_back(std::move(outcome));
  };
  for (const std::string& typed : names) {
    const std::string name = segment_name(typed);
    try {
      remove_one(context, name);
      say(context, "removed " + name);
      outcomes.push_back(Json{{"name", name}, {"removed", true}});
    } catch (const Failure& failure) {
      failed(name, failure.code(), failure.what());
    } catch (const Error& error) {
      failed(name, exit_code_of(error.status()), error.what());
    }
  }
  if (context.json) print_json(context, Json{{"segments", std::move(outcomes)}});
  return code;
}

}  // namespace

void add_rm(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "rm", "Remove segments; asks (or needs --yes) when workers are alive");
  const auto segments = std::make_shared<std::vector<std::string>>();
  add_texts(*verb, "SEG", *segments, "Segments")->required();
  verb->callback([&context, segments] { context.run = [&context, segments] { return remove(context, *segments); }; });
}

}  // namespace carafe::tool
