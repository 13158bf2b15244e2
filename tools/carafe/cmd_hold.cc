// SPDX-License-Identifier: MIT
/// carafe hold: opens a segment as a worker and waits. For tests and for trying things out, so it is not in --help; see carafe(1).
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "namespace_argument.h"
#include "output.h"
#include "segments.h"
#include "text.h"

namespace carafe::tool {
namespace {

struct HoldCommand {
  std::string segment;
  double seconds = 0;
  std::string key;
  NamespaceArgument where;
  std::string quota = "0";
};

int hold(const Context& context, const HoldCommand& command) {
  using Clock = std::chrono::steady_clock;
  const std::string name = segment_name(command.segment);
  Cache cache = open_to_write(name, Trust::kWhoever);  // takes a worker slot, and keeps it as long as it lives
  std::optional<Namespace> space;
  const auto quota = parse_size(command.quota);
  if (!quota) throw Failure(kUsage, fmt::format("--quota: \"{}\" is no size", escape(command.quota)));
  if (command.where.name) space = cache.in(*command.where.name, {.release = command.where.release, .quota_bytes = *quota});
  Keyspace& keys = keys_of(cache, space);
  say(context, fmt::format("holding {}", name));
  flush();
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(command.seconds));
  if (command.key.empty()) std::this_thread::sleep_until(end);
  std::string value;
  while (Clock::now() < end) {
    (void)keys.get(command.key, value);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return kDone;
}

}  // namespace

void add_hold(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "hold", "Be a worker of a segment for some seconds");
  verb->group("");  // hidden
  const auto command = std::make_shared<HoldCommand>();
  add_text(*verb, "SEG", command->segment, "Segment")->required();
  verb->add_option("SECONDS", command->seconds, "How long")->required()->check(CLI::Range(0.0, 86400.0));
  add_text(*verb, "--get", command->key, "Get this key once a millisecond meanwhile; unlike carafe get, it counts")->type_name("KEY");
  add_namespace(*verb, command->where);
  add_text(*verb, "--quota", command->quota, "Most bytes of that namespace")->type_name("SIZE");
  verb->callback([&context, command] { context.run = [&context, command] { return hold(context, *command); }; });
}

}  // namespace carafe::tool
