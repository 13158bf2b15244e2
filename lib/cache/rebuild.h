// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"

namespace carafe {

/// Replaces the table of `stripe`, found as `seen` (a directory word), by one of at least `buckets`; after a clear by an empty one of
/// one bucket. False when there is no room for it or the stripe is locked; true also when somebody else has replaced it first.
/// No lock may be held. Cost: a few microseconds, once per some ten new items of the stripe.
bool rebuild_table(const Engine& engine, const Worker& me, std::uint32_t stripe, std::uint64_t seen, std::uint32_t buckets) noexcept;

/// The same where it only saves memory: nothing is evicted for it and nobody waited for.
void shrink_table(const Engine& engine, const Worker& me, std::uint32_t stripe, std::uint64_t seen, std::uint32_t buckets) noexcept;

}  // namespace carafe
