// SPDX-License-Identifier: MIT
#include "support/capacity.h"

#include <algorithm>
#include <string>

#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {

Filled fill_uniformly(Cache& cache, std::size_t key_bytes, std::size_t value_bytes) {
  const std::uint64_t count = 3 * cache.info().capacity_bytes / 2 / (key_bytes + value_bytes + 16) + 16;
  const std::string value(value_bytes, 'v');
  Filled filled;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (cache.set(numbered_key("f", i, key_bytes), value) != Status::kOk) ++filled.failed;
  }
  cache.for_each([&filled, value_bytes](std::string_view key, std::string_view found) {
    if (key.substr(0, 2) == "f-" && found.size() == value_bytes) ++filled.items;
  });
  return filled;
}

Filled fill_fresh(std::size_t capacity_bytes, std::size_t key_bytes, std::size_t value_bytes) {
  // A small segment has a page more or less for its items as its seed decides, and one is up to a hundredth of it.
  const std::uint64_t rounds = std::clamp<std::uint64_t>((std::uint64_t{16} << 20) / capacity_bytes, 1, 9);
  Filled all;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    Cache cache = Cache::create_anonymous(with_capacity(capacity_bytes));
    const Filled one = fill_uniformly(cache, key_bytes, value_bytes);
    all.items += one.items;
    all.failed += one.failed;
  }
  all.items /= rounds;
  return all;
}

}  // namespace carafe::test
