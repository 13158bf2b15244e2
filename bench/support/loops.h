// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "support/accesses.h"
#include "support/report.h"
#include "support/stores.h"
#include "support/workload.h"

/// What Google Benchmark runs: the loops of accesses.h over a filled store.
namespace carafe::bench {

/// The filled store of these sizes, warm.
template <typename Store>
Store& warm_store(std::uint32_t items, std::size_t value_bytes) {
  static const Store* warmed = nullptr;
  static std::uint32_t warmed_items = 0;
  static std::size_t warmed_value_bytes = 0;
  Store& store = filled_store<Store>(items, value_bytes);
  if (&store != warmed || items != warmed_items || value_bytes != warmed_value_bytes) warm_up(store, items, value_bytes, 3);
  warmed = &store;
  warmed_items = items;
  warmed_value_bytes = value_bytes;
  return store;
}

/// The body of every benchmark that runs a sequence against the filled store in this one process.
template <typename Store>
void run_sequence(benchmark::State& state, const std::string& skew, std::uint32_t items, std::size_t value_bytes, double write_share = 0) {
  Store& store = warm_store<Store>(items, value_bytes);
  const Sequence& accesses = sequence_of(skew, items, write_share);
  static std::size_t position = 0;  // goes on where the last call ended, so that repetitions do not meet what is cached
  AccessStream stream(accesses, write_share > 0 ? value_bytes : 0, position);
  std::string value;
  value.reserve(value_bytes);
  Tally tally;
  for (auto _ : state) access_once(store, stream, value, value_bytes, tally);
  position = stream.position();
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  report(state, tally, accesses.skew(), value_bytes);
}

}  // namespace carafe::bench
