// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"

namespace carafe::test {

/// The engine of a new anonymous segment of the smallest size.
[[nodiscard]] inline Engine small_engine(std::uint32_t max_workers = Options{}.max_workers) {
  Options options;
  options.capacity_bytes = std::size_t{1} << 20;
  options.max_workers = max_workers;
  return Engine{create_anonymous_segment(options), 20'000'000};
}

}  // namespace carafe::test
