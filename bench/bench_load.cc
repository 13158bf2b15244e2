// SPDX-License-Identifier: MIT
/// What loading, namespaces and tags add to a hit, on keys few enough for the processor's caches, so that instructions show; and what invalidations and walks
/// of a full segment cost.
#include <benchmark/benchmark.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "carafe/carafe.h"
#include "support/report.h"
#include "support/settings.h"
#include "support/workload.h"

namespace carafe::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kFewKeys = 1000;

std::string key_text(std::uint32_t index) {
  std::string key(kKeyBytes, '\0');
  write_key(index, key.data());
  return key;
}

/// A cache with `items` items, as `put` stores them.
Cache filled(std::uint32_t items, const std::function<Status(Cache&, std::string_view, std::string_view)>& put) {
  Options options;
  options.capacity_bytes = (std::size_t{16} << 20) + std::size_t{items} * 260;
  Cache cache = Cache::create_anonymous(options);
  const std::string value(kUsualValueBytes, 'v');
  for (std::uint32_t i = 0; i < items; ++i)
    if (put(cache, key_text(i), value) != Status::kOk) std::abort();
  return cache;
}

/// One hit of each of few keys in turn. `hit` answers the bytes that it got.
template <typename Hit>
void run_hits(benchmark::State& state, Hit&& hit) {
  std::vector<std::string> keys;
  for (std::uint32_t i = 0; i < kFewKeys; ++i) keys.push_back(key_text(i));
  std::uint32_t next = 0;
  std::uint64_t wrong = 0;
  for (auto _ : state) {
    wrong += hit(keys[next]) != kUsualValueBytes ? 1 : 0;
    next = next + 1 == kFewKeys ? 0 : next + 1;
  }
  if (wrong != 0) state.SkipWithError("not every get was a hit");
}

Status put_plain(Cache& cache, std::string_view key, std::string_view value) { return cache.set(key, value); }
Status put_tagged(Cache& cache, std::string_view key, std::string_view value) {
  return cache.set(key, value, {.tags = {"product", "price"}});
}

void hit_get(benchmark::State& state) {
  Cache cache = filled(kFewKeys, put_plain);
  run_hits(state, [&](const std::string& key) { return cache.get(key).value_or("").size(); });
}
void hit_get_reused(benchmark::State& state) {
  Cache cache = filled(kFewKeys, put_plain);
  std::string reused;
  run_hits(state, [&](const std::string& key) { return cache.get(key, reused) == Status::kOk ? reused.size() : 0; });
}
void hit_get_or_load(benchmark::State& state) {
  Cache cache = filled(kFewKeys, put_plain);
  const LoadOptions options{.ttl = 60s};
  run_hits(state, [&](const std::string& key) {
    return cache
        .get_or_load(
            key, [] { return std::string(); }, options)
        .size();
  });
}
void hit_tagged(benchmark::State& state) {
  Cache cache = filled(kFewKeys, put_tagged);
  std::string reused;
  run_hits(state, [&](const std::string& key) { return cache.get(key, reused) == Status::kOk ? reused.size() : 0; });
}
void hit_in_namespace(benchmark::State& state) {
  Cache cache = filled(kFewKeys, [](Cache& c, std::string_view key, std::string_view value) { return c.in("users").set(key, value); });
  Namespace users = cache.in("users");
  std::string reused;
  run_hits(state, [&](const std::string& key) { return users.get(key, reused) == Status::kOk ? reused.size() : 0; });
}

void invalidate_a_tag(benchmark::State& state) {
  Cache cache = filled(item_count(), put_tagged);
  for (auto _ : state)
    if (cache.invalidate_tag("price") != Status::kOk) state.SkipWithError("refused");
  if (cache.contains(key_text(0))) state.SkipWithError("it is there still");
}
void clear_a_namespace(benchmark::State& state) {
  Cache cache = filled(item_count(), [](Cache& c, std::string_view key, std::string_view value) { return c.in("users").set(key, value); });
  Namespace users = cache.in("users");
  for (auto _ : state) users.clear();
  if (users.contains(key_text(0))) state.SkipWithError("it is there still");
}

/// Per key walked.
void walk(benchmark::State& state, const char* what) {
  Cache cache = filled(item_count(), put_plain);
  const bool glob = std::string_view(what) == "erase_matching";
  for (auto _ : state)
    if ((glob ? cache.erase_matching("nobody*:here") : cache.erase_prefix("nobody")) != 0) state.SkipWithError("that was somebody's");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * item_count());
}

void add_all() {
  const std::uint32_t items = item_count();
  const auto add = [](const std::string& name, std::uint32_t count, auto run) {
    benchmark::RegisterBenchmark(full_name(name, count, kUsualValueBytes, "carafe").c_str(), run);
  };
  add("BM_Load/hit/get", kFewKeys, hit_get);
  add("BM_Load/hit/get_or_load", kFewKeys, hit_get_or_load);
  add("BM_Load/hit/reused", kFewKeys, hit_get_reused);
  add("BM_Load/hit/reused,two_tags", kFewKeys, hit_tagged);
  add("BM_Load/hit/reused,namespace", kFewKeys, hit_in_namespace);
  add("BM_Load/invalidate_tag", items, invalidate_a_tag);
  add("BM_Load/clear_namespace", items, clear_a_namespace);
  add("BM_Load/walk/erase_prefix", items, [](benchmark::State& state) { walk(state, "erase_prefix"); });
  add("BM_Load/walk/erase_matching", items, [](benchmark::State& state) { walk(state, "erase_matching"); });
}

}  // namespace
}  // namespace carafe::bench

int main(int argc, char** argv) { return carafe::bench::run_pinned(argc, argv, &carafe::bench::add_all); }
