// SPDX-License-Identifier: MIT
#include "namespace_table.h"

#include <algorithm>
#include <limits>
#include <span>
#include <tuple>

#include "table.h"
#include "text.h"

namespace carafe::tool {
namespace {

/// By which number to sort; nullptr: by name.
std::uint64_t NamespaceStats::*order_member(const std::string& order) {
  if (order == "gets") return &NamespaceStats::gets;
  if (order == "hits") return &NamespaceStats::hits;
  if (order == "misses") return &NamespaceStats::misses;
  if (order == "bytes") return &NamespaceStats::bytes_used;
  return nullptr;
}

std::span<const NamespaceStats> first_of(const std::vector<NamespaceStats>& namespaces, std::uint64_t limit) {
  return std::span(namespaces).first(std::min<std::uint64_t>(namespaces.size(), limit));
}

Json to_json(const NamespaceStats& stats) {
  Json object;
  set_bytes(object, "name", stats.name);
  set_bytes(object, "release", stats.release);
  object["gets"] = stats.gets;
  object["hits"] = stats.hits;
  object["misses"] = stats.misses;
  object["hit_ratio"] = stats.hit_ratio();
  object["sets"] = stats.sets;
  object["evictions"] = stats.evictions;
  object["clears"] = stats.clears;
  object["items"] = stats.items;
  object["bytes_used"] = stats.bytes_used;
  object["quota_bytes"] = stats.quota_bytes;
  return object;
}

}  // namespace

void sort_namespaces(std::vector<NamespaceStats>& namespaces, const std::string& order) {
  const auto number = order_member(order);
  std::sort(namespaces.begin(), namespaces.end(), [number](const NamespaceStats& a, const NamespaceStats& b) {
    if (number != nullptr && a.*number != b.*number) return a.*number > b.*number;
    return std::tie(a.name, a.release) < std::tie(b.name, b.release);
  });
}

void print_namespaces(const Context& context, const std::vector<NamespaceStats>& namespaces, std::uint64_t limit, double seconds) {
  const std::string per = seconds > 0 ? "/S" : "";
  const auto number = [&](std::uint64_t count) {
    return seconds > 0 ? rate_text(context, static_cast<double>(count) / seconds) : count_text(context, count);
  };
  Table table({{"NAMESPACE", kLeft},
               {"RELEASE", kLeft},
               {"GETS" + per},
               {"HITS" + per},
               {"HIT%"},
               {"SETS" + per},
               {"EVICTED" + per},
               {"ITEMS"},
               {"BYTES"},
               {"QUOTA"}});
  for (const NamespaceStats& stats : first_of(namespaces, limit))
    table.add({escape(stats.name), stats.release.empty() ? "-" : escape(stats.release), number(stats.gets), number(stats.hits),
               percent_text(stats.hits, stats.gets), number(stats.sets), number(stats.evictions), count_text(context, stats.items),
               bytes_text(context, stats.bytes_used), stats.quota_bytes == 0 ? "-" : bytes_text(context, stats.quota_bytes)});
  table.print(context);
}

Json namespaces_json(const std::vector<NamespaceStats>& namespaces, std::uint64_t limit) {
  Json all = Json::array();
  for (const NamespaceStats& stats : first_of(namespaces, limit)) all.push_back(to_json(stats));
  return all;
}

}  // namespace carafe::tool
