// SPDX-License-Identifier: MIT
/// One and two processes over one segment, each pinned to its core; one and two threads of one process likewise, and the striped map's threads
/// beside them. `vs_one` is what two do together in the time one alone takes for its share: 2 is perfect. Both are measured in the same
/// iteration, one right after the other.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "support/crew.h"
#include "support/loops.h"

namespace carafe::bench {
namespace {

struct Mix {
  const char* name;
  const char* skew;
  double write_share;
};

std::unique_ptr<Crew> crew;  // of the benchmark that is running
std::string crew_name;

/// The measured loop of one worker.
template <typename Store>
Crew::Work make_work(Store& store, const Sequence& accesses, bool writes) {
  return [&store, &accesses, writes, position = std::size_t{0}, begun = false](
             std::size_t worker, std::uint64_t count, const std::atomic<std::uint32_t>& stop, Tally& tally) mutable {
    if (!std::exchange(begun, true)) position = accesses.size() / 2 * worker;
    AccessStream stream(accesses, writes ? kUsualValueBytes : 0, position);
    std::string value;
    value.reserve(kUsualValueBytes);
    std::uint64_t made = 0;
    while (made < count && stop.load(std::memory_order_relaxed) == 0) {
      for (int i = 0; i < 64; ++i) access_once(store, stream, value, kUsualValueBytes, tally);
      made += 64;
    }
    position = stream.position();
    return made;
  };
}

/// A crew for `name`, every worker of which has touched the whole store: pages are mapped into each process on first touch.
template <typename Store>
Crew& crew_for(const std::string& name, CrewKind kind, std::size_t workers, const Mix& mix, std::uint32_t items) {
  if (crew && crew_name == name) return *crew;
  crew.reset();
  Store& store = warm_store<Store>(items, kUsualValueBytes);
  const Sequence& accesses = sequence_of(mix.skew, items, mix.write_share);
  // No accesses asked for: the walk. Each walks alone, so that nobody ends it early.
  auto work = [&store, items, writes = mix.write_share > 0,
               loops = std::vector<Crew::Work>(workers, make_work(store, accesses, mix.write_share > 0))](
                  std::size_t worker, std::uint64_t count, const std::atomic<std::uint32_t>& stop, Tally& tally) mutable -> std::uint64_t {
    if (count != 0) return loops[worker](worker, count, stop, tally);
    writes ? fill(store, 0, items, kUsualValueBytes) : warm_up(store, items, kUsualValueBytes, 1);
    return items;
  };
  crew = std::make_unique<Crew>(kind, workers, std::move(work));
  crew_name = name;
  for (std::size_t worker = 0; worker < workers; ++worker) crew->run(worker, 1, 0);
  return *crew;
}

template <typename Store>
void run_crew(benchmark::State& state, const std::string& name, CrewKind kind, std::size_t workers, const Mix& mix, std::uint32_t items) {
  Crew& all = crew_for<Store>(name, kind, workers, mix, items);
  const std::uint64_t accesses = std::clamp<std::uint64_t>(items / 4, 5'000, 250'000);
  double together = 0;
  double alone = 0;
  std::uint64_t rounds = 0;
  Tally tally;
  for (auto _ : state) {
    if (workers > 1) {
      const Crew::Round one = all.run(rounds % workers, 1, accesses);
      alone += 1 / one.accesses_per_second;
      tally += one.tally;
    }
    const Crew::Round round = all.run(0, workers, accesses);
    together += 1 / round.accesses_per_second;
    tally += round.tally;
    ++rounds;
    state.SetIterationTime(static_cast<double>(accesses * workers) / round.accesses_per_second);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(rounds * accesses * workers));
  state.counters["ns_each"] = 1e9 * together * static_cast<double>(workers) / static_cast<double>(rounds);
  if (workers > 1) state.counters["vs_one"] = alone / together;
  state.counters["write_percent"] = 100 * mix.write_share;
  report(state, tally, sequence_of(mix.skew, items, mix.write_share).skew(), kUsualValueBytes);
}

template <typename Store>
void add(const Mix& mix, CrewKind kind, std::size_t workers) {
  const std::uint32_t items = mix.skew == std::string("one_key") ? 1000 : item_count();
  const std::string what = std::string("BM_Processes/") + mix.name + "/" + mix.skew;
  const std::string name = full_name(what, items, kUsualValueBytes, Store::kName) +
                           (kind == CrewKind::kProcesses ? "/processes:" : "/threads:") + std::to_string(workers);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { run_crew<Store>(state, name, kind, workers, mix, items); })
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

void add_all() {
  const std::size_t most = std::min<std::size_t>(2, allowed_cores().size());
  for (const Mix& mix :
       {Mix{"get", "uniform", 0}, Mix{"get", "zipf:0.99", 0}, Mix{"get_set:95:5", "uniform", 0.05}, Mix{"get_set:95:5", "zipf:0.99", 0.05},
        Mix{"get_set:50:50", "uniform", 0.5}, Mix{"get_set:50:50", "zipf:0.99", 0.5}, Mix{"get", "one_key", 0}}) {
    for (std::size_t workers = 1; workers <= most; ++workers) {
      add<CarafeStore>(mix, CrewKind::kProcesses, workers);
      if (workers > 1) add<CarafeStore>(mix, CrewKind::kThreads, workers);
      add<StripedMapStore>(mix, CrewKind::kThreads, workers);
    }
  }
  if (most < 2) std::fprintf(stderr, "bench: one core only, so nothing runs side by side\n");
}

}  // namespace
}  // namespace carafe::bench

int main(int argc, char** argv) {
  carafe::bench::add_all();
  const int result = carafe::bench::run_benchmarks(argc, argv);
  carafe::bench::crew.reset();
  return result;
}
