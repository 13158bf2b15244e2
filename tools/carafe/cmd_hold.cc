// SPDX-License-Identifier: MIT
/// carafe hold: opens a segment as a worker and waits. For tests and for trying things out, so it is not in --help; see carafe(1).
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "output.h"
#include "segments.h"

namespace carafe::tool {
namespace {

struct HoldCommand {
  std::string segment;
  double seconds = 0;
};

int hold(const Context& context, const HoldCommand& command) {
  const std::string name = segment_name(command.segment);
  const Cache cache = open_to_write(name, Trust::kAnyOwner);  // takes a worker slot, and keeps it as long as it lives
  say(context, fmt::format("holding {}", name));
  flush();
  std::this_thread::sleep_for(std::chrono::duration<double>(command.seconds));
  return kDone;
}

}  // namespace

void add_hold(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "hold", "Be a worker of a segment for some seconds");
  verb->group("");  // hidden
  const auto command = std::make_shared<HoldCommand>();
  add_text(*verb, "SEG", command->segment, "Segment")->required();
  verb->add_option("SECONDS", command->seconds, "How long")->required()->check(CLI::Range(0.0, 86400.0));
  verb->callback([&context, command] { context.run = [&context, command] { return hold(context, *command); }; });
}

}  // namespace carafe::tool
