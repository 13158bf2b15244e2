// SPDX-License-Identifier: MIT
#include "report.h"

#include <fmt/format.h>

#include "output.h"
#include "table.h"
#include "text.h"

namespace carafe::replay {
namespace {

using tool::Json;

std::string room_text(const tool::Context& context, const RoomResult& room) {
  return room.by_bytes ? tool::bytes_text(context, room.room) : tool::count_text(context, room.room);
}

std::string fraction_text(const RoomResult& room) { return room.fraction ? fmt::format("{:g}", *room.fraction) : "-"; }

/// Below the table: what does not fit into a cell.
std::vector<std::string> remarks(const Report& report) {
  std::vector<std::string> lines;
  for (const RoomResult& room : report.rooms) {
    if (!room.skipped.empty()) lines.push_back(fmt::format("fraction {}: left out: {}", fraction_text(room), room.skipped));
    if (room.carafe && room.carafe->kills != 0) lines.push_back(fmt::format("{} workers killed on the way", room.carafe->kills));
    if (room.carafe && room.carafe->declined != 0)
      lines.push_back(fmt::format("{} sets declined: larger than a quarter of the segment, or no room", room.carafe->declined));
    if (room.refill)
      lines.push_back(fmt::format("after a clear and a uniform fill: {} items, {:.2f} % of a fresh segment's {}", room.refill->items,
                                  100.0 * static_cast<double>(room.refill->items) / static_cast<double>(room.refill->fresh_items),
                                  room.refill->fresh_items));
  }
  if (report.settings.by_bytes && !report.rooms.empty())
    lines.push_back(
        fmt::format("simulated policies pay {} bytes an item beyond its value; carafe pays all it needs", report.settings.overhead));
  return lines;
}

Json json_of(const Trace& trace, const TraceFacts& facts) {
  return Json{{"name", trace.name},
              {"format", trace.format},
              {"requests", facts.requests},
              {"gets", facts.gets},
              {"objects", facts.objects},
              {"unique_bytes", facts.unique_bytes},
              {"one_hit_objects", facts.one_hit_objects}};
}

Json json_of(const RoomResult& room) {
  Json object;
  object["fraction"] = room.fraction ? Json(*room.fraction) : Json(nullptr);
  object["unit"] = room.by_bytes ? "bytes" : "items";
  object["wanted"] = room.wanted;
  if (!room.skipped.empty()) {
    object["skipped"] = room.skipped;
    return object;
  }
  object["room"] = room.room;
  if (room.carafe) {
    object["capacity_bytes"] = room.capacity_bytes;
    object["value_bytes"] = room.value_bytes == 0 ? Json(nullptr) : Json(room.value_bytes);
    object["kills"] = room.carafe->kills;
    object["declined_sets"] = room.carafe->declined;
  }
  if (room.refill) object["refill"] = Json{{"items", room.refill->items}, {"fresh_items", room.refill->fresh_items}};
  object["policies"] = Json::array();
  for (const PolicyResult& policy : room.policies) {
    object["policies"].push_back(Json{{"policy", policy.policy},
                                      {"gets", policy.outcome.gets},
                                      {"hits", policy.outcome.hits},
                                      {"misses", policy.outcome.misses()},
                                      {"miss_ratio", policy.outcome.miss_ratio()},
                                      {"bound", policy.is_bound}});
  }
  return object;
}

}  // namespace

void print_table(const tool::Context& context, const Report& report) {
  if (!context.quiet) {
    std::string line = fmt::format("{} ({}): {} requests, {} keys", tool::escape(report.trace.name), report.trace.format,
                                   tool::count_text(context, report.facts.requests), tool::count_text(context, report.facts.objects));
    if (report.trace.columns().sizes) line += fmt::format(", {} in values", tool::bytes_text(context, report.facts.unique_bytes));
    tool::print(line + "; miss ratios\n");
  }
  std::vector<tool::Table::Column> columns{{"FRACTION"}, {report.settings.by_bytes ? "BYTES" : "ITEMS"}};
  const RoomResult* first = nullptr;
  for (const RoomResult& room : report.rooms) {
    if (room.skipped.empty() && first == nullptr) first = &room;
  }
  if (first != nullptr) {
    for (const PolicyResult& policy : first->policies) columns.push_back({policy.title});
    tool::Table table(columns);
    for (const RoomResult& room : report.rooms) {
      if (!room.skipped.empty()) continue;
      std::vector<std::string> row{fraction_text(room), room_text(context, room)};
      for (const PolicyResult& policy : room.policies) row.push_back(fmt::format("{:.4f}", policy.outcome.miss_ratio()));
      table.add(std::move(row));
    }
    table.print(context);
  }
  if (context.quiet) return;
  for (const std::string& line : remarks(report)) tool::print(line + "\n");
}

void print_as_json(const tool::Context& context, const Report& report) {
  Json object;
  object["trace"] = json_of(report.trace, report.facts);
  object["processes"] = report.settings.crew.processes;
  object["overhead_bytes"] = report.settings.by_bytes ? Json(report.settings.overhead) : Json(nullptr);
  object["rooms"] = Json::array();
  for (const RoomResult& room : report.rooms) object["rooms"].push_back(json_of(room));
  tool::print_json(context, object);
}

}  // namespace carafe::replay
