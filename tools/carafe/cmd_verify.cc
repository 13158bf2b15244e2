// SPDX-License-Identifier: MIT
/// carafe verify: walks everything and checks every invariant, beside running workers too.
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

int verify(const Context& context, const std::string& name) {
  const VerifyReport report = open_to_look(name).verify();
  if (context.json) {
    Json object{
        {"name", name}, {"ok", report.ok}, {"items", report.items}, {"chunks", report.chunks}, {"unreferenced", report.unreferenced}};
    object["problems"] = report.problems;
    print_json(context, object);
  } else {
    for (const std::string& problem : report.problems) print(escape(problem) + "\n");
    if (report.ok)
      say(context,
          fmt::format("{}: ok: {} items in {} chunks; {} chunks left behind by clears or crashes, which the hand will reuse", name,
                      count_text(context, report.items), count_text(context, report.chunks), count_text(context, report.unreferenced)));
  }
  if (report.ok) return kDone;
  throw Failure(kDamaged, fmt::format("segment \"{}\" has {} problem(s); workers treat what is broken as a miss. Replace it: carafe rm {}",
                                      name, report.problems.size(), name));
}

}  // namespace

void add_verify(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "verify", "Check every invariant; exit code 6 when one is broken");
  const auto segment = std::make_shared<std::string>();
  add_text(*verb, "SEG", *segment, "Segment")->required();
  verb->callback([&context, segment] { context.run = [&context, segment] { return verify(context, segment_name(*segment)); }; });
}

}  // namespace carafe::tool
