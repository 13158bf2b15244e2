// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/weak/machine.h"
#include "model/weak/world.h"

namespace carafe::weak {

/// A few threads with an operation or two each, and what must be true whatever happens between them.
struct Scenario {
  std::string name;
  std::function<void(World&)> prepare;              // at rest
  std::function<std::vector<Body>(World&)> bodies;  // the threads
  std::function<std::string(const World&)> judge;   // what is wrong with World::gots; empty: nothing
  int preemptions = 2;
  ReadTries tries = {};
  bool long_one = false;  // left out where CARAFE_TEST_SHORT is set
};

[[nodiscard]] const std::vector<Scenario>& scenarios();

/// Explores one, with these accesses weakened. CARAFE_WEAK_PREEMPTIONS (environment) overrides how many preemptions there may be.
[[nodiscard]] Verdict explore(const Scenario& scenario, const std::vector<Rule>& rules = {}, std::uint64_t most_executions = 20'000'000);

}  // namespace carafe::weak
