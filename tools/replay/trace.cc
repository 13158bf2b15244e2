// SPDX-License-Identifier: MIT
#include "trace.h"

#include <algorithm>

namespace carafe::replay {

void Trace::add(const Request& request) {
  ids_.push_back(request.key);
  if (columns_.sizes) sizes_.push_back(request.size);
  if (columns_.ttls) ttls_.push_back(request.ttl_ms);
  if (columns_.ops) ops_.push_back(request.op);
  if (columns_.times) times_.push_back(request.t_ms);
}

TraceFacts facts_of(const Trace& trace) {
  TraceFacts facts;
  facts.requests = trace.size();
  facts.objects = trace.keys.size();
  std::vector<std::uint32_t> largest(trace.keys.size());
  std::vector<std::uint32_t> seen(trace.keys.size());
  for (std::size_t i = 0; i < trace.size(); ++i) {
    const Request request = trace[i];
    if (request.op == Op::kGet) ++facts.gets;
    if (request.op != Op::kDelete) largest[request.key] = std::max(largest[request.key], request.size);
    ++seen[request.key];
  }
  for (const std::uint32_t bytes : largest) facts.unique_bytes += bytes;
  facts.one_hit_objects = static_cast<std::uint64_t>(std::count(seen.begin(), seen.end(), 1U));
  return facts;
}

}  // namespace carafe::replay
