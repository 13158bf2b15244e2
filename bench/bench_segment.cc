// SPDX-License-Identifier: MIT
/// What a segment costs as a whole: to make, to attach to, to clear, to take stock of. `CARAFE_BENCH_SEGMENT_MIB` (default 256) says how large.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "carafe/carafe.h"
#include "support/report.h"
#include "support/settings.h"
#include "support/workload.h"

namespace carafe::bench {
namespace {

std::size_t capacity() {
  const char* text = std::getenv("CARAFE_BENCH_SEGMENT_MIB");
  return (text == nullptr ? std::size_t{256} : std::strtoull(text, nullptr, 10)) << 20;
}

/// A named segment that goes when this does.
class Segment {
 public:
  Segment() {
    Options options;
    options.capacity_bytes = capacity();
    cache_.emplace(Cache::create(name_, options));
  }
  ~Segment() { Cache::remove(name_); }
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  Cache& cache() noexcept { return *cache_; }

 private:
  const std::string name_ = "bench-segment-" + std::to_string(::getpid());
  std::optional<Cache> cache_;
};

/// A tenth of it full, so that there is something to forget and to count.
void fill(Cache& cache) {
  const std::string value(kUsualValueBytes, 'v');
  char key[kKeyBytes];
  for (std::uint32_t i = 0; i < capacity() / 1600; ++i) {
    write_key(i, key);
    static_cast<void>(cache.set({key, kKeyBytes}, value));
  }
}

/// Nearly all of it is the kernel's: the reservation of every page.
void create(benchmark::State& state) {
  for (auto _ : state) Segment().cache();
}

void attach(benchmark::State& state) {
  Segment segment;
  for (auto _ : state) benchmark::DoNotOptimize(Cache::open(segment.name()));
}

void clear(benchmark::State& state) {
  Segment segment;
  fill(segment.cache());
  for (auto _ : state) segment.cache().clear();
}

void stats(benchmark::State& state) {
  Segment segment;
  fill(segment.cache());
  for (auto _ : state) benchmark::DoNotOptimize(segment.cache().stats().hits);
}

void add_all() {
  const auto add = [](const std::string& name, auto run) {
    return benchmark::RegisterBenchmark(("BM_Segment/" + name + "/mib:" + std::to_string(capacity() >> 20)).c_str(), run);
  };
  add("create_and_remove", create)->Iterations(3)->Unit(benchmark::kMillisecond);
  add("attach_and_close", attach)->Unit(benchmark::kMicrosecond);
  add("clear", clear);
  add("stats", stats)->Unit(benchmark::kMicrosecond);
}

}  // namespace
}  // namespace carafe::bench

int main(int argc, char** argv) { return carafe::bench::run_pinned(argc, argv, &carafe::bench::add_all); }
