// SPDX-License-Identifier: MIT
/// A child is killed after every instruction of every operation; then everything is looked at from another process. The short run kills
/// after every instruction of a few operations, and of the others after each that stores or calls the system and some hundred more;
/// CARAFE_CRASH_FULL=1 leaves out none.
#include <gtest/gtest.h>

#include "crash/harness.h"
#include "crash/scenarios.h"

namespace carafe::test {
namespace {

class EveryInstruction : public ::testing::TestWithParam<Scenario> {
 protected:
  static void TearDownTestSuite() { Trial::print_totals("instructions"); }
};

TEST_P(EveryInstruction, LeavesEverythingInOrder) {
  if (!CARAFE_CAN_STEP) GTEST_SKIP() << "needs x86-64, and no sanitizer";
  Trial(GetParam(), Trial::By::kInstructions).run();
}

INSTANTIATE_TEST_SUITE_P(Crash, EveryInstruction, ::testing::ValuesIn(scenarios()), &name_of_scenario);

}  // namespace
}  // namespace carafe::test
