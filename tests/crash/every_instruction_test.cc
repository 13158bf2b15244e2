// SPDX-License-Identifier: MIT
/// A child is killed after every instruction of every operation; then everything is looked at from another process.
#include <gtest/gtest.h>

#include "crash/harness.h"
#include "crash/scenarios.h"

namespace carafe::test {
namespace {

class EveryInstruction : public ::testing::TestWithParam<Scenario> {};

TEST_P(EveryInstruction, LeavesEverythingInOrder) { Trial(GetParam(), Trial::By::kInstructions).run(); }

std::string name_of(const ::testing::TestParamInfo<Scenario>& info) {
  std::string name;
  for (const char* c = info.param.name; *c != '\0'; ++c)
    if (std::isalnum(static_cast<unsigned char>(*c)) != 0)
      name += *c;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Crash, EveryInstruction, ::testing::ValuesIn(scenarios()), name_of);

}  // namespace
}  // namespace carafe::test
