// SPDX-License-Identifier: MIT
/// carafe clear: outdates everything at once; what a deploy calls.
#include <fmt/format.h>

#include <memory>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "output.h"
#include "segments.h"
#include "text.h"

namespace carafe::tool {
namespace {

int clear(const Context& context, const std::string& name) {
  Cache cache = open_to_write(name, Trust::kWhoever);
  const Stats before = cache.stats();
  if (before.retired) throw Failure(kRefused, fmt::format("segment \"{}\" was removed just now; there is nothing left to clear", name));
  cache.clear();
  const std::uint64_t epoch = cache.info().epoch;
  if (context.json) {
    print_json(context, Json{{"name", name}, {"items", before.items}, {"epoch", epoch}});
  } else {
    say(context, fmt::format("cleared {}: {} items, clear number {}; workers go on", name, count_text(context, before.items), epoch));
  }
  return kDone;
}

}  // namespace

void add_clear(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "clear", "Drop every item at once; workers go on, their next get is a miss");
  const auto segment = std::make_shared<std::string>();
  add_text(*verb, "SEG", *segment, "Segment")->required();
  verb->callback([&context, segment] { context.run = [&context, segment] { return clear(context, segment_name(*segment)); }; });
}

}  // namespace carafe::tool
