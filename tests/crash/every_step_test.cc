// SPDX-License-Identifier: MIT
/// A child is killed at every CARAFE_STEP of every operation; then everything is looked at from another process.
#include <gtest/gtest.h>

#include "crash/harness.h"
#include "crash/scenarios.h"

namespace carafe::test {
namespace {

class EveryStep : public ::testing::TestWithParam<Scenario> {};

TEST_P(EveryStep, LeavesEverythingInOrder) { Trial(GetParam(), Trial::By::kSteps).run(); }

std::string name_of(const ::testing::TestParamInfo<Scenario>& info) {
  std::string name;
  for (const char* c = info.param.name; *c != '\0'; ++c)
    if (std::isalnum(static_cast<unsigned char>(*c)) != 0)
      name += *c;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Crash, EveryStep, ::testing::ValuesIn(scenarios()), name_of);

}  // namespace
}  // namespace carafe::test
