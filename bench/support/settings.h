// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

/// What every benchmark here has in common: how many items, which cores, how names are spelt.
namespace carafe::bench {

inline constexpr std::size_t kKeyBytes = 17;
inline constexpr std::size_t kUsualValueBytes = 100;
inline constexpr double kZipfExponent = 0.99;  // as YCSB has it

/// Items in a benchmark of ordinary values: CARAFE_BENCH_ITEMS, else 1,000,000. Range 1,000 to 100,000,000.
inline std::uint32_t item_count() {
  static const std::uint32_t count = []() -> std::uint32_t {
    const char* text = std::getenv("CARAFE_BENCH_ITEMS");
    if (text == nullptr || *text == '\0') return 1'000'000;
    return static_cast<std::uint32_t>(std::clamp(std::strtoul(text, nullptr, 10), 1'000UL, 100'000'000UL));
  }();
  return count;
}

/// Fewer of the large ones: all values together stay below 512 bytes times item_count().
inline std::uint32_t item_count_for(std::size_t value_bytes) {
  const std::uint64_t fit = std::uint64_t{item_count()} * 512 / std::max<std::size_t>(value_bytes, 1);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(fit, 500, item_count()));
}

/// The cores that this process may use, lowest first.
inline std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
    }
  }
  if (cores.empty()) cores.push_back(0);
  return cores;
}

/// Pins the calling thread; a refusal costs accuracy and nothing else.
inline void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) std::perror("sched_setaffinity");
}

/// "BM_Get/hit/uniform" + "/items:1000000/value_bytes:100/store:carafe".
inline std::string full_name(const std::string& what, std::uint32_t items, std::size_t value_bytes, const char* store) {
  return what + "/items:" + std::to_string(items) + "/value_bytes:" + std::to_string(value_bytes) + "/store:" + store;
}

}  // namespace carafe::bench
