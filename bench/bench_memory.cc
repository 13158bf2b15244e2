// SPDX-License-Identifier: MIT
/// Not time but room: what an item costs beyond its key and value, and what rounding up to size classes loses. One iteration each; read the
/// counters.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "layout/item.h"
#include "support/report.h"
#include "support/stores.h"
#include "support/workload.h"

namespace carafe::bench {
namespace {

/// The segment that 161 bytes an item make of 17-byte keys and 100-byte values: more than 1,000,000 items in it is less than 44 bytes each.
std::size_t capacity() { return std::max<std::size_t>(std::size_t{item_count()} * (kKeyBytes + kUsualValueBytes + 44), 1 << 20); }

Cache make_cache() {
  Options options;
  options.capacity_bytes = capacity();
  return Cache::create_anonymous(options);
}

/// Draws the size of value after value.
class Sizes {
 public:
  /// Log-uniform: every doubling as likely as another.
  Sizes(double least, double most) : exponent_(std::log2(least), std::log2(most)) {}
  std::size_t operator()() { return static_cast<std::size_t>(std::exp2(exponent_(random_))); }

 private:
  std::mt19937_64 random_{20240229};
  std::uniform_real_distribution<double> exponent_;
};

/// What a store holds, counted item by item.
struct Held {
  std::uint64_t items = 0;
  std::uint64_t payload_bytes = 0;  // keys and values
  std::uint64_t needed_bytes = 0;   // with the header, before rounding
  void add(std::size_t value_bytes) {
    ++items;
    payload_bytes += kKeyBytes + value_bytes;
    needed_bytes += ItemHeader::make(0, kKeyBytes, 0, false, false).bytes() + value_bytes;
  }
};

Held held_by(Cache& cache) {
  Held held;
  cache.for_each([&](std::string_view, std::string_view value) { held.add(value.size()); });
  return held;
}

/// overhead: bytes an item beyond key and value, everything in the segment counted. index: of these, the pages of the index. rounding: of the
/// chunks in use, what no key, value or header fills. unpaid: of the whole segment, what holds neither key nor value.
void report_room(benchmark::State& state, const std::string& when, const Cache& cache, const Held& held) {
  const Stats stats = cache.stats();
  const auto per_item = [&](std::uint64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(held.items); };
  state.counters[when + "_items"] = static_cast<double>(held.items);
  state.counters[when + "_overhead"] = per_item(stats.capacity_bytes) - per_item(held.payload_bytes);
  state.counters[when + "_index"] = per_item(stats.index_bytes);
  state.counters[when + "_unpaid_percent"] =
      100 * (1 - static_cast<double>(held.payload_bytes) / static_cast<double>(stats.capacity_bytes));
  state.counters[when + "_rounding_percent"] = 100 * (1 - static_cast<double>(held.needed_bytes) / static_cast<double>(stats.bytes_used));
}

/// Fills until the first item has to go, then writes over everything `turns` times and looks again.
template <typename NextSize>
void fill_up(benchmark::State& state, std::size_t largest_value, NextSize next_size, double turns) {
  for (auto _ : state) {
    Cache cache = make_cache();
    ItemMaker maker(largest_value);
    std::uint32_t index = 0;
    std::uint64_t refused = 0;
    const auto set_next = [&] {
      const std::size_t value_bytes = next_size();
      if (cache.set(maker.key(index), maker.value(index).substr(0, value_bytes)) != Status::kOk) ++refused;
      ++index;
    };

    const auto anything_went = [&] {
      const Stats stats = cache.stats();
      return stats.evictions != stats.conflict_evictions;
    };
    while (!anything_went()) {
      for (int i = 0; i < 16; ++i) set_next();
    }
    report_room(state, "first_eviction", cache, held_by(cache));
    state.counters["conflicts_before"] = static_cast<double>(cache.stats().conflict_evictions);

    const auto more = static_cast<std::uint32_t>(turns * index);
    for (std::uint32_t i = 0; i < more; ++i) set_next();
    report_room(state, "steady", cache, held_by(cache));
    state.counters["refused"] = static_cast<double>(refused);
    state.counters["capacity"] =
        benchmark::Counter(static_cast<double>(capacity()), benchmark::Counter::kDefaults, benchmark::Counter::kIs1024);
  }
}

void overhead(benchmark::State& state) {
  fill_up(
      state, kUsualValueBytes, [] { return kUsualValueBytes; }, 2);
}

void rounding(benchmark::State& state) { fill_up(state, 64 << 10, Sizes(16, 64 << 10), 4); }

}  // namespace
}  // namespace carafe::bench

int main(int argc, char** argv) {
  using namespace carafe::bench;
  benchmark::RegisterBenchmark("BM_Memory/overhead/key_bytes:17/value_bytes:100", overhead)->Iterations(1)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("BM_Memory/rounding/key_bytes:17/value_bytes:16..65536", rounding)
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
  return run_benchmarks(argc, argv);
}
