// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "context.h"
#include "experiment.h"
#include "trace.h"

namespace carafe::replay {

/// What is reported: a trace, and what became of it in each room.
struct Report {
  const Trace& trace;
  TraceFacts facts;
  Settings settings;
  std::vector<RoomResult> rooms;
};

/// A line about the trace, and miss ratios: a row for each room, a column for each policy.
void print_table(const tool::Context& context, const Report& report);
/// The same with all there is; fields as in carafe-replay(1).
void print_as_json(const tool::Context& context, const Report& report);
/// The curves, miss ratio over room, as an SVG of 720 by 440.
[[nodiscard]] std::string to_svg(const Report& report);

}  // namespace carafe::replay
