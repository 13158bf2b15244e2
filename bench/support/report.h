// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "carafe/version.h"
#include "support/settings.h"
#include "support/tally.h"
#include "support/workload.h"

namespace carafe::bench {

/// Sizes, skew and hit ratio as counters; a wrong value voids the figure, and so do more than a thousandth of refused sets.
inline void report(benchmark::State& state, const Tally& tally, const Skew& skew, std::size_t value_bytes) {
  state.counters["key_bytes"] = static_cast<double>(kKeyBytes);
  state.counters["value_bytes"] = static_cast<double>(value_bytes);
  state.counters["hottest_percent"] = skew.hottest_percent;
  state.counters["top1_percent"] = skew.top_1_percent;
  if (tally.gets != 0) state.counters["hit_ratio"] = static_cast<double>(tally.hits) / static_cast<double>(tally.gets);
  if (tally.wrong != 0) state.SkipWithError("a value was wrong");
  if (tally.refused != 0) state.counters["refused"] = static_cast<double>(tally.refused);
  if (tally.refused * 1000 > tally.sets) state.SkipWithError("sets were refused");
}

/// Runs what was added, and says on what it ran.
inline int run_benchmarks(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("carafe", kVersionText);
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::AddCustomContext("items", std::to_string(item_count()));
#ifndef NDEBUG
  benchmark::AddCustomContext("warning", "built with assertions: not a figure to compare");
#endif
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

/// main() of a program whose own process is measured: on the last core it may use.
inline int run_pinned(int argc, char** argv, void (*add_all)()) {
  pin_to(allowed_cores().back());
  add_all();
  return run_benchmarks(argc, argv);
}

}  // namespace carafe::bench
