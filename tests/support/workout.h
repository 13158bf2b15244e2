// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "carafe/cache.h"

namespace carafe::test {

/// Repeats an operation while it says kBusy (a lock's holder lost its processor for long), at most 10 s.
[[nodiscard]] Status insist(const std::function<Status()>& operation);

/// Uses every verb `rounds` times on keys that begin with `tag`, and checks each answer; nobody else may use these keys, and the
/// cache has to have room for 20 small items of ours. What was wrong is said in the answer; empty when nothing was.
[[nodiscard]] std::string workout(Cache& cache, const std::string& tag, std::uint64_t rounds);

}  // namespace carafe::test
