// SPDX-License-Identifier: MIT
/// Two processes, stepped: one runs to an instruction and stops, the other carries out a whole operation, the first one goes on; for every
/// instruction at which that can make a difference. Then with two switches. Whatever no order of the operations explains is a failure.
/// README.md tells how to run all of it, and how to add a duel.
#include <gtest/gtest.h>

#include <cstdio>

#include "step/lease_duels.h"
#include "step/namespace_duels.h"
#include "step/reading_duels.h"
#include "step/tag_duels.h"
#include "step/trial.h"

namespace carafe::test {
namespace {

class EverySwitch : public ::testing::TestWithParam<Duel> {
#if CARAFE_CAN_STEP
 protected:
  static void TearDownTestSuite() {
    const Trial::Totals& all = Trial::grand_total();
    std::printf("in all: %llu duels, %llu schedules, %llu ends, %llu violations\n", static_cast<unsigned long long>(all.duels),
                static_cast<unsigned long long>(all.schedules), static_cast<unsigned long long>(all.ends),
                static_cast<unsigned long long>(all.violations));
  }
#endif
};

TEST_P(EverySwitch, IsExplainedBySomeOrder) {
#if CARAFE_CAN_STEP
  Trial(GetParam()).run();
#else
  GTEST_SKIP() << "needs x86-64, and no sanitizer";
#endif
}

INSTANTIATE_TEST_SUITE_P(Step, EverySwitch, ::testing::ValuesIn(duels()), &name_of_duel);
INSTANTIATE_TEST_SUITE_P(StepLeases, EverySwitch, ::testing::ValuesIn(lease_duels()), &name_of_duel);
INSTANTIATE_TEST_SUITE_P(StepTags, EverySwitch, ::testing::ValuesIn(tag_duels()), &name_of_duel);
INSTANTIATE_TEST_SUITE_P(StepNamespaces, EverySwitch, ::testing::ValuesIn(namespace_duels()), &name_of_duel);
INSTANTIATE_TEST_SUITE_P(StepVersions, EverySwitch, ::testing::ValuesIn(version_duels()), &name_of_duel);
INSTANTIATE_TEST_SUITE_P(StepViews, EverySwitch, ::testing::ValuesIn(view_duels()), &name_of_duel);

}  // namespace
}  // namespace carafe::test
