// SPDX-License-Identifier: MIT
/// Gets and sets of existing keys, mixed at random, in one process.
#include <benchmark/benchmark.h>

#include <string>

#include "support/loops.h"

namespace carafe::bench {
namespace {

struct Mix {
  const char* name;
  double write_share;
};

template <typename Store>
void add(const Mix& mix, const std::string& skew) {
  const std::uint32_t items = item_count();
  const std::string what = std::string("BM_Mixed/get_set:") + mix.name + "/" + skew;
  benchmark::RegisterBenchmark(full_name(what, items, kUsualValueBytes, Store::kName).c_str(), [=](benchmark::State& state) {
    run_sequence<Store>(state, skew, items, kUsualValueBytes, mix.write_share);
    state.counters["write_percent"] = 100 * mix.write_share;
  });
}

void add_all() {
  for (const Mix& mix : {Mix{"95:5", 0.05}, Mix{"50:50", 0.5}}) {
    for (const char* skew : {"uniform", "zipf:0.99"}) {
      add<CarafeStore>(mix, skew);
      add<StripedMapStore>(mix, skew);
    }
  }
}

}  // namespace
}  // namespace carafe::bench

int main(int argc, char** argv) { return carafe::bench::run_pinned(argc, argv, &carafe::bench::add_all); }
