// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "policies/all.h"
#include "simulate.h"
#include "trace.h"

namespace carafe::replay {

/// For each request the position of the next get of its key that a kept item would serve; kNever when there is none: no more requests, or
/// a set or delete comes first.
using NextUse = std::vector<std::uint32_t>;
inline constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();
[[nodiscard]] NextUse next_uses(const Trace& trace);

/// Items of one size: Belady's MIN, which pushes out what is used again last. Exact where nothing expires. `next_use` has to outlive it.
[[nodiscard]] std::unique_ptr<Policy> make_optimum(const Room& room, const NextUse& next_use);

/// Items of many sizes: no algorithm of use finds the optimum, so this is a bound on it, PFOO-L of Berger et al. (SIGMETRICS '18): each
/// interval from one use to the next costs its length times the bytes; the cheapest intervals hit that together stay within the room
/// times the length of the trace. No policy has more hits than this answers.
[[nodiscard]] std::uint64_t most_hits_possible(const Trace& trace, const NextUse& next_use, Charge capacity, const Charging& charging);

}  // namespace carafe::replay
