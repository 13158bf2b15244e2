// SPDX-License-Identifier: MIT
/// carafe slabs: where the memory went, size class by size class.
#include <memory>

#include "carafe/cache.h"
#include "commands.h"
#include "exit_code.h"
#include "output.h"
#include "segments.h"
#include "table.h"
#include "text.h"

namespace carafe::tool {
namespace {

Json to_json(const SlabStats& slab) {
  return Json{{"size_class", slab.size_class},
              {"chunk_bytes", slab.chunk_bytes},
              {"is_index", slab.is_index},
              {"pages", slab.pages},
              {"chunks", slab.chunks},
              {"used", slab.used},
              {"free", slab.free},
              {"claimed", slab.claimed},
              {"evictions", slab.evictions},
              {"moved_in", slab.moved_in},
              {"moved_out", slab.moved_out},
              {"ghost_hits", slab.ghost_hits},
              {"probation", slab.probation},
              {"age_ms", slab.age_ms}};
}

/// A class that nothing was ever stored in says nothing to people.
bool is_of_interest(const SlabStats& slab) { return slab.pages != 0 || slab.evictions != 0 || slab.moved_in != 0 || slab.moved_out != 0; }

int show_slabs(const Context& context, const std::string& name) {
  const std::vector<SlabStats> slabs = open_to_look(name).slabs();
  if (context.json) {
    Json all = Json::array();
    for (const SlabStats& slab : slabs) all.push_back(to_json(slab));
    print_json(context, Json{{"name", name}, {"slabs", std::move(all)}});
    return kDone;
  }
  Table table({{"CLASS"},
               {"KIND", kLeft},
               {"CHUNK"},
               {"PAGES"},
               {"CHUNKS"},
               {"USED"},
               {"FREE"},
               {"CLAIMED"},
               {"USED%"},
               {"EVICTED"},
               {"MOVED-IN"},
               {"MOVED-OUT"},
               {"CAME-BACK"},
               {"AGE"}});
  for (const SlabStats& slab : slabs) {
    if (!is_of_interest(slab)) continue;
    table.add({std::to_string(slab.size_class), slab.is_index ? "index" : "items", bytes_text(context, slab.chunk_bytes),
               count_text(context, slab.pages), count_text(context, slab.chunks), count_text(context, slab.used),
               count_text(context, slab.free), count_text(context, slab.claimed), percent_text(slab.used, slab.chunks),
               count_text(context, slab.evictions), count_text(context, slab.moved_in), count_text(context, slab.moved_out),
               count_text(context, slab.ghost_hits), slab.age_ms == 0 ? "-" : duration_text(slab.age_ms)});
  }
  table.print(context);
  return kDone;
}

}  // namespace

void add_slabs(CLI::App& app, Context& context) {
  CLI::App* verb = add_verb(app, context, "slabs", "Size classes: chunks, use, evictions, age of what is evicted");
  const auto segment = std::make_shared<std::string>();
  add_text(*verb, "SEG", *segment, "Segment")->required();
  verb->callback([&context, segment] { context.run = [&context, segment] { return show_slabs(context, segment_name(*segment)); }; });
}

}  // namespace carafe::tool
