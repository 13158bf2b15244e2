// SPDX-License-Identifier: MIT
/// A set, in one process: of a new key, of a key that has a value, with a time to live, and into a store that is full.
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <string>

#include "support/loops.h"

namespace carafe::bench {
namespace {

void finish(benchmark::State& state, const Tally& tally, const Skew& skew, std::size_t value_bytes) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  report(state, tally, skew, value_bytes);
}

template <typename Store>
void set_once(Store& store, AccessStream& stream, Tally& tally) {
  const Access& access = stream.next();
  ++tally.sets;
  if (!store.set(access.key(), stream.value_of(access))) ++tally.refused;
}

/// New keys into an empty store; when all are in, another empty store. Growth of tables and first touch of memory are part of it.
template <typename Store>
void set_new(benchmark::State& state, std::uint32_t items, std::size_t value_bytes) {
  const Sequence accesses = Sequence::counting();
  std::unique_ptr<Store> store;
  std::unique_ptr<AccessStream> stream;
  std::uint32_t left = 0;
  Tally tally;
  for (auto _ : state) {
    if (left == 0) {
      state.PauseTiming();
      store.reset();
      store = std::make_unique<Store>(items, value_bytes, Room::kAmple);
      stream = std::make_unique<AccessStream>(accesses, value_bytes);
      left = items;
      state.ResumeTiming();
    }
    --left;
    set_once(*store, *stream, tally);
  }
  finish(state, tally, accesses.skew(), value_bytes);
}

/// Values of the same size for keys that have one, each key equally likely or not.
template <typename Store>
void set_replace(benchmark::State& state, const std::string& skew, std::uint32_t items, std::size_t value_bytes) {
  run_sequence<Store>(state, skew, items, value_bytes, 1.0);
}

/// New keys into a full store: each pushes one out. The store was written over twice before.
template <typename Store>
void set_evict(benchmark::State& state, std::uint32_t items, std::size_t value_bytes) {
  static std::unique_ptr<Store> store;
  static Sequence accesses = Sequence::counting();
  static std::size_t position = 0;
  static std::size_t store_value_bytes = 0;
  if (!store || store_value_bytes != value_bytes) {
    store.reset();
    store = std::make_unique<Store>(items, value_bytes, Room::kTight);
    fill(*store, 0, 3 * items, value_bytes);
    store_value_bytes = value_bytes;
    position = 3 * items;
  }
  AccessStream stream(accesses, value_bytes, position);
  Tally tally;
  const auto before = store->items();
  for (auto _ : state) set_once(*store, stream, tally);
  position = stream.position();
  state.counters["held_items"] = static_cast<double>(store->items());
  state.counters["evicted_each"] =
      1.0 - static_cast<double>(static_cast<std::int64_t>(store->items() - before)) / static_cast<double>(state.iterations());
  finish(state, tally, accesses.skew(), value_bytes);
}

/// As replace, with a time to live of an hour; the clock is read, and 8 bytes more are stored.
void set_ttl(benchmark::State& state, std::uint32_t items, std::size_t value_bytes) {
  static std::unique_ptr<CarafeStore> store;
  const Sequence& accesses = sequence_of("uniform", items);
  const auto set = [&](std::string_view key, std::string_view value) {
    return store->cache.set(key, value, std::chrono::hours(1)) == Status::kOk;
  };
  Tally tally;
  if (!store) {
    store = std::make_unique<CarafeStore>(items, value_bytes + 8, Room::kAmple);
    ItemMaker maker(value_bytes);
    for (std::uint32_t index = 0; index < items; ++index) static_cast<void>(set(maker.key(index), maker.value(index)));
  }
  static std::size_t position = 0;
  AccessStream stream(accesses, value_bytes, position);
  for (auto _ : state) {
    const Access& access = stream.next();
    ++tally.sets;
    if (!set(access.key(), stream.value_of(access))) ++tally.refused;
  }
  position = stream.position();
  finish(state, tally, accesses.skew(), value_bytes);
}

template <typename Run>
void add(const std::string& what, const char* store, std::size_t value_bytes, Run run) {
  const std::uint32_t items = item_count_for(value_bytes);
  benchmark::RegisterBenchmark(full_name("BM_Set/" + what, items, value_bytes, store).c_str(),
                               [=](benchmark::State& state) { run(state, items, value_bytes); });
}

template <typename Store>
void add_replace(const std::string& skew, std::size_t value_bytes) {
  add("replace/" + skew, Store::kName, value_bytes,
      [=](benchmark::State& state, std::uint32_t items, std::size_t bytes) { set_replace<Store>(state, skew, items, bytes); });
}

void add_all() {
  add("new", CarafeStore::kName, kUsualValueBytes, set_new<CarafeStore>);
  add("new", StripedMapStore::kName, kUsualValueBytes, set_new<StripedMapStore>);
  for (const std::size_t value_bytes : {kUsualValueBytes, std::size_t{1024}}) {
    for (const char* skew : {"uniform", "zipf:0.99", "one_key"}) {
      add_replace<CarafeStore>(skew, value_bytes);
      add_replace<StripedMapStore>(skew, value_bytes);
    }
    add("evict", CarafeStore::kName, value_bytes, set_evict<CarafeStore>);
    add("evict", CarafeClockStore::kName, value_bytes, set_evict<CarafeClockStore>);
    add("evict", StripedMapStore::kName, value_bytes, set_evict<StripedMapStore>);
  }
  add("ttl", CarafeStore::kName, kUsualValueBytes, set_ttl);
}

}  // namespace
}  // namespace carafe::bench

int main(int argc, char** argv) { return carafe::bench::run_pinned(argc, argv, &carafe::bench::add_all); }
