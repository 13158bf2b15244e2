// SPDX-License-Identifier: MIT
/// Each get by itself: what the slow ones take, alone and while another process reads and writes (50:50, Zipf) the same segment as fast as it can. Times
/// contain two readings of the clock, about 40 ns, and whatever the machine does meanwhile.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "support/crew.h"
#include "support/loops.h"

namespace carafe::bench {
namespace {

/// How many gets took so many nanoseconds; the last place: that and more. In memory that all processes share.
struct Histogram {
  static constexpr std::size_t kMost = 1 << 17;
  std::array<std::uint32_t, kMost + 1> counts;
  std::uint64_t total;

  void add(std::chrono::nanoseconds took) noexcept {
    ++counts[std::min<std::size_t>(static_cast<std::size_t>(took.count()), kMost)];
    ++total;
  }
  [[nodiscard]] double percentile(double share) const noexcept {
    auto left = static_cast<std::uint64_t>(share * static_cast<double>(total));
    std::size_t at = 0;
    while (at < kMost && left >= counts[at]) left -= counts[at++];
    return static_cast<double>(at);
  }
};

Histogram& shared_histogram() {
  static auto* const histogram =
      static_cast<Histogram*>(::mmap(nullptr, sizeof(Histogram), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return *histogram;
}

/// Worker 0 times its gets; worker 1, where there is one, reads and writes until that one is done.
void time_gets(benchmark::State& state, bool loaded) {
  const std::uint32_t items = item_count();
  auto& store = warm_store<CarafeStore>(items, kUsualValueBytes);
  const Sequence& reads = sequence_of("zipf:0.99", items);
  const Sequence& mixed = sequence_of("zipf:0.99", items, 0.5);
  Histogram& histogram = shared_histogram();
  const auto work = [&](std::size_t worker, std::uint64_t count, const std::atomic<std::uint32_t>& stop, Tally& tally) -> std::uint64_t {
    AccessStream stream(worker == 0 ? reads : mixed, worker == 0 ? 0 : kUsualValueBytes);
    std::string value;
    value.reserve(kUsualValueBytes);
    std::uint64_t made = 0;
    for (; stop.load(std::memory_order_relaxed) == 0 && (worker == 1 || made < count); ++made) {
      const auto start = std::chrono::steady_clock::now();
      access_once(store, stream, value, kUsualValueBytes, tally);
      if (worker == 0) histogram.add(std::chrono::steady_clock::now() - start);
    }
    return made;
  };
  Crew crew(CrewKind::kProcesses, loaded ? 2 : 1, work);
  crew.run(0, 1, items);  // pages are mapped
  if (loaded) crew.run(0, 2, items / 4);
  histogram = {};
  Tally tally;
  for (auto _ : state) tally += crew.run(0, loaded ? 2 : 1, items).tally;
  for (const auto& [name, share] : {std::pair{"p50", 0.5}, std::pair{"p99", 0.99}, std::pair{"p99.9", 0.999}})
    state.counters[name] = histogram.percentile(share);
  report(state, tally, reads.skew(), kUsualValueBytes);
}

}  // namespace
}  // namespace carafe::bench

int main(int argc, char** argv) {
  using namespace carafe::bench;
  for (const bool loaded : {false, true}) {
    if (loaded && allowed_cores().size() < 2) break;
    const std::string name =
        full_name(std::string("BM_Latency/get/zipf:0.99/") + (loaded ? "beside_50:50" : "alone"), item_count(), kUsualValueBytes, "carafe");
    benchmark::RegisterBenchmark(name.c_str(), [loaded](benchmark::State& state) { time_gets(state, loaded); })
        ->Iterations(3)
        ->Unit(benchmark::kMillisecond);
  }
  return run_benchmarks(argc, argv);
}
