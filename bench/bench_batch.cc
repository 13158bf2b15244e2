// SPDX-License-Identifier: MIT
/// Thirty-two keys at once: get_many, whose cache misses may overlap, against as many single gets. `per_key` is the time of one key.
#include <benchmark/benchmark.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "support/loops.h"

namespace carafe::bench {
namespace {

constexpr std::size_t kBatch = 32;

/// The keys of one batch, made while the one before is under way would be cheating: they are made first, for every variant alike.
struct Batch {
  std::array<char[kKeyBytes], kBatch> bytes;
  std::array<std::string_view, kBatch> keys;
  std::array<std::uint64_t, kBatch> checks;

  void make(const Sequence& accesses, std::size_t& position) noexcept {
    for (std::size_t i = 0; i < kBatch; ++i) {
      const std::uint32_t index = accesses.at(position++);
      write_key(index, bytes[i]);
      keys[i] = {bytes[i], kKeyBytes};
      checks[i] = check_of(index);
    }
  }
};

void check(const Batch& batch, std::size_t i, bool hit, std::string_view value, Tally& tally) {
  ++tally.gets;
  if (!hit) return;
  ++tally.hits;
  if (!value_matches(batch.checks[i], kUsualValueBytes, value)) ++tally.wrong;
}

struct GetMany {
  static constexpr const char* kName = "get_many";
  using Store = CarafeStore;
  static void run(Store& store, const Batch& batch, std::string&, Tally& tally) {
    const auto values = store.cache.get_many(batch.keys);
    for (std::size_t i = 0; i < kBatch; ++i) check(batch, i, values[i].has_value(), values[i] ? std::string_view(*values[i]) : "", tally);
  }
};

/// Into strings that are used again.
struct GetManyReused {
  static constexpr const char* kName = "get_many_reused";
  using Store = CarafeStore;
  static void run(Store& store, const Batch& batch, std::string&, Tally& tally) {
    static thread_local std::vector<std::optional<std::string>> values;
    store.cache.get_many(batch.keys, values);
    for (std::size_t i = 0; i < kBatch; ++i) check(batch, i, values[i].has_value(), values[i] ? std::string_view(*values[i]) : "", tally);
  }
};

/// The same result by single gets: a vector of strings, allocated.
struct GetEachOwned {
  static constexpr const char* kName = "get_each_owned";
  using Store = CarafeStore;
  static void run(Store& store, const Batch& batch, std::string&, Tally& tally) {
    std::vector<std::optional<std::string>> values(kBatch);
    for (std::size_t i = 0; i < kBatch; ++i) values[i] = store.cache.get(batch.keys[i]);
    for (std::size_t i = 0; i < kBatch; ++i) check(batch, i, values[i].has_value(), values[i] ? std::string_view(*values[i]) : "", tally);
  }
};

/// Single gets into one reused buffer: what a caller who counts nanoseconds would write.
template <typename AnyStore>
struct GetEach {
  static constexpr const char* kName = "get_each";
  using Store = AnyStore;
  static void run(Store& store, const Batch& batch, std::string& value, Tally& tally) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      const bool hit = store.get(batch.keys[i], value);
      check(batch, i, hit, value, tally);
    }
  }
};

struct SetMany {
  static constexpr const char* kName = "set_many";
  using Store = CarafeStore;
  static void run(Store& store, const Batch& batch, std::string&, Tally& tally) {
    static thread_local std::array<char[kUsualValueBytes], kBatch> values;
    std::array<KeyValue, kBatch> items;
    for (std::size_t i = 0; i < kBatch; ++i) {
      std::memcpy(values[i], &batch.checks[i], sizeof(batch.checks[i]));
      items[i] = {batch.keys[i], {values[i], kUsualValueBytes}};
    }
    tally.sets += kBatch;
    for (const Status status : store.cache.set_many(items)) tally.refused += status != Status::kOk;
  }
};

template <typename Way>
void run_batches(benchmark::State& state, const std::string& skew, std::uint32_t items) {
  auto& store = warm_store<typename Way::Store>(items, kUsualValueBytes);
  const Sequence& accesses = sequence_of(skew, items);
  static std::size_t position = 0;
  Batch batch;
  std::string value;
  value.reserve(kUsualValueBytes);
  Tally tally;
  for (auto _ : state) {
    batch.make(accesses, position);
    Way::run(store, batch, value, tally);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(kBatch));
  state.counters["per_key"] = benchmark::Counter(kBatch, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  report(state, tally, accesses.skew(), kUsualValueBytes);
}

template <typename Way>
void add(const std::string& skew) {
  const std::uint32_t items = item_count();
  const std::string what = std::string("BM_Batch/") + Way::kName + "/" + skew + "/keys:" + std::to_string(kBatch);
  benchmark::RegisterBenchmark(full_name(what, items, kUsualValueBytes, Way::Store::kName).c_str(),
                               [=](benchmark::State& state) { run_batches<Way>(state, skew, items); });
}

void add_all() {
  for (const char* skew : {"uniform", "zipf:0.99"}) {
    add<GetMany>(skew);
    add<GetManyReused>(skew);
    add<GetEachOwned>(skew);
    add<GetEach<CarafeStore>>(skew);
    add<GetEach<StripedMapStore>>(skew);
    add<SetMany>(skew);
  }
}

}  // namespace
}  // namespace carafe::bench

int main(int argc, char** argv) { return carafe::bench::run_pinned(argc, argv, &carafe::bench::add_all); }
