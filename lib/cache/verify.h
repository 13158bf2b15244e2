// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"
#include "carafe/stats.h"

namespace carafe {

/// Walks pages, tables and items and checks the invariants of docs/design.md:
///   I1  every entry refers to a chunk that is linked to that very stripe and tag, whose key hashes there; no chunk has two entries
///   I2  what is linked without an entry is left over from a crash, a clear or an operation under way: counted, no problem
///   I3  every claim and every lock names a worker that existed
///   I4  every table is a linked chunk of an index class, and no other stripe's
///   I5  a chain's parts add up to its value, and belong to it
/// Beside running workers: what looks wrong is looked at again, and reported only if it stays so while nothing around it changes.
[[nodiscard]] VerifyReport verify_segment(const Engine& engine);

}  // namespace carafe
