// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "context.h"
#include "experiment.h"
#include "trace.h"

namespace carafe::replay {

/// What was typed.
struct CommandLine {
  std::string trace;
  std::string format = "auto";
  std::vector<std::string> items;
  std::vector<std::string> bytes;
  std::vector<double> fractions;
  std::vector<std::string> policies;
  std::string eviction = "duel";
  std::string svg;
  bool uniform = false;
  bool gets_only = false;
  Settings settings;  // those that need no second look
};

void add_options(CLI::App& app, CommandLine& line, tool::Context& context);

/// The settings for this trace: which sizes, counted how. Throws Failure (2).
[[nodiscard]] Settings settings_for(const CommandLine& line, const Trace& trace);
/// Throws Failure (2) for what is wrong whatever the trace: names of policies, and so on.
void check(const CommandLine& line);

}  // namespace carafe::replay
