// SPDX-License-Identifier: MIT
/// A get, in one process: hits of every size and skew, and misses. Beside it the striped map, in the same run.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <memory>
#include <string>
#include <utility>

#include "peers/floor.h"
#include "support/loops.h"

namespace carafe::bench {
namespace {

template <typename Store>
void add_sequence(const std::string& what, const std::string& skew, std::size_t value_bytes) {
  const std::uint32_t items = item_count_for(value_bytes);
  benchmark::RegisterBenchmark(full_name("BM_Get/" + what, items, value_bytes, Store::kName).c_str(), [=](benchmark::State& state) {
    run_sequence<Store>(state, skew, items, value_bytes);
    if (skew == "absent" || state.error_occurred()) return;
    if (state.counters["hit_ratio"] < 0.999) state.SkipWithError("keys were missing from a store with room for all");
  });
}

/// The first get of each key after its set: a CLOCK has to note it, so this is the dearest kind of hit.
template <typename Store>
void get_first(benchmark::State& state, std::uint32_t items, std::size_t value_bytes) {
  const Sequence& accesses = sequence_of("permutation", items);
  Store* store = nullptr;
  std::unique_ptr<AccessStream> stream;
  std::uint32_t left = 0;
  std::string value;
  value.reserve(value_bytes);
  Tally tally;
  for (auto _ : state) {
    if (left == 0) {
      state.PauseTiming();
      store = &filled_store<Store>(items, value_bytes);
      fill(*store, 0, items, value_bytes);
      stream = std::make_unique<AccessStream>(accesses, 0);
      left = items;
      state.ResumeTiming();
    }
    --left;
    access_once(*store, *stream, value, value_bytes, tally);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  report(state, tally, accesses.skew(), value_bytes);
}

/// The floor of bench/peers, as a store.
struct FloorStore {
  static constexpr const char* kName = "floor";
  static constexpr bool kForks = true;

  FloorStore(std::uint32_t items, std::size_t value_bytes, Room)
      : bytes(Floor::bytes_for(items, kKeyBytes, value_bytes)),
        memory(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
        floor(memory, bytes, items) {}
  FloorStore(const FloorStore&) = delete;
  FloorStore& operator=(const FloorStore&) = delete;
  ~FloorStore() { ::munmap(memory, bytes); }

  bool get(std::string_view key, std::string& reused) const { return floor.get(key, reused); }
  bool set(std::string_view key, std::string_view value) { return floor.set(key, value); }

  const std::size_t bytes;
  void* const memory;
  Floor floor;
};

/// Which key is asked for depends on the value before: so no get can begin while the one before waits for memory.
template <typename Store>
void get_dependent(benchmark::State& state, std::uint32_t items) {
  auto& store = warm_store<Store>(items, kUsualValueBytes);
  const Sequence& accesses = sequence_of("uniform", items);
  static std::size_t position = 0;
  std::string value(kUsualValueBytes, 'v');
  Tally tally;
  for (auto _ : state) {
    const std::uint32_t index = accesses.at(position++) + static_cast<std::uint32_t>(value.back() - 'v');  // all values end so
    char key[kKeyBytes];
    write_key(index, key);
    ++tally.gets;
    if (!store.get({key, kKeyBytes}, value)) continue;
    ++tally.hits;
    if (!value_matches(check_of(index), kUsualValueBytes, value)) ++tally.wrong;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  report(state, tally, accesses.skew(), kUsualValueBytes);
}

template <typename Store>
void add_dependent() {
  const std::uint32_t items = item_count();
  benchmark::RegisterBenchmark(full_name("BM_Get/hit/uniform,dependent", items, kUsualValueBytes, Store::kName).c_str(),
                               [=](benchmark::State& state) { get_dependent<Store>(state, items); });
}

/// A value looked at where it lies, of which the first bytes are wanted.
void get_view(benchmark::State& state, std::uint32_t items, std::size_t value_bytes) {
  auto& store = warm_store<CarafeStore>(items, value_bytes);
  AccessStream stream(sequence_of("uniform", items), 0);
  Tally tally;
  for (auto _ : state) {
    const Access& access = stream.next();
    bool right = false;
    const Status status =
        store.cache.get_view(access.key(), [&](std::string_view value) { right = value_matches(access.check, value_bytes, value); });
    ++tally.gets;
    tally.hits += status == Status::kOk;
    tally.wrong += status == Status::kOk && !right;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  report(state, tally, sequence_of("uniform", items).skew(), value_bytes);
}

template <typename Store>
void add_first() {
  const std::uint32_t items = item_count();
  benchmark::RegisterBenchmark(full_name("BM_Get/hit/first", items, kUsualValueBytes, Store::kName).c_str(),
                               [=](benchmark::State& state) { get_first<Store>(state, items, kUsualValueBytes); });
}

void add_all() {
  for (const std::size_t value_bytes : {std::size_t{100}, std::size_t{64}, std::size_t{1024}, std::size_t{16384}}) {
    for (const auto& [what, skew] : {std::pair{"hit/uniform", "uniform"}, std::pair{"hit/zipf:0.99", "zipf:0.99"},
                                     std::pair{"hit/one_key", "one_key"}, std::pair{"miss/uniform", "absent"}}) {
      add_sequence<CarafeStore>(what, skew, value_bytes);
      add_sequence<StripedMapStore>(what, skew, value_bytes);
    }
    const std::uint32_t items = item_count_for(value_bytes);
    benchmark::RegisterBenchmark(full_name("BM_Get/view/uniform", items, value_bytes, CarafeStore::kName).c_str(),
                                 [=](benchmark::State& state) { get_view(state, items, value_bytes); });
    if (value_bytes == kUsualValueBytes) {
      add_dependent<CarafeStore>();
      add_dependent<FloorStore>();
      add_dependent<StripedMapStore>();
      add_first<CarafeStore>();
      add_first<StripedMapStore>();
    }
  }
}

}  // namespace
}  // namespace carafe::bench

int main(int argc, char** argv) { return carafe::bench::run_pinned(argc, argv, &carafe::bench::add_all); }
