// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

#include "policies/policy.h"
#include "trace.h"

namespace carafe::replay {

struct Outcome {
  std::uint64_t gets = 0;
  std::uint64_t hits = 0;
  [[nodiscard]] std::uint64_t misses() const noexcept { return gets - hits; }
  [[nodiscard]] double miss_ratio() const noexcept { return gets == 0 ? 0.0 : static_cast<double>(misses()) / static_cast<double>(gets); }
};

/// How an item is charged.
struct Charging {
  bool by_bytes = false;              ///< Else each item is one.
  Charge overhead = 0;                ///< Bytes added to each value: key, index, links.
  std::optional<Charge> value_bytes;  ///< Of every value, where the trace has no sizes.
  [[nodiscard]] Charge of(const Request& request) const noexcept { return by_bytes ? value_bytes.value_or(request.size) + overhead : 1; }
};

/// Replays the trace through a simulated policy. Items go the moment their time to live is over, and deletes and sets do what they say;
/// a set of a key that is there counts as a use of it.
[[nodiscard]] Outcome simulate(const Trace& trace, Policy& policy, const Charging& charging);

}  // namespace carafe::replay
