// SPDX-License-Identifier: MIT
/// A child is killed at every CARAFE_STEP of every operation; then everything is looked at from another process.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "crash/harness.h"
#include "crash/scenarios.h"
#include "support/scratch.h"

namespace carafe::test {
namespace {

class EveryStep : public ::testing::TestWithParam<Scenario> {
 protected:
  static void TearDownTestSuite() { Trial::print_totals("steps"); }
};

TEST_P(EveryStep, LeavesEverythingInOrder) { Trial(GetParam(), Trial::By::kSteps).run(); }

INSTANTIATE_TEST_SUITE_P(Crash, EveryStep, ::testing::ValuesIn(scenarios()), &name_of_scenario);

/// A step that no scenario comes to is a promise that nobody checks. With a parameter only so that it comes after the scenarios: GoogleTest
/// runs a plain TEST before all of them.
class Steps : public ::testing::TestWithParam<int> {};

TEST_P(Steps, EveryStepOfTheLibraryHasAScenario) {
  if (Trial::grand_total().scenarios < scenarios().size()) GTEST_SKIP() << "not all scenarios were run";
  std::set<std::string> missing;
  const std::regex step("CARAFE_STEP\\(\"([^\"]+)\"\\)");
  for (const auto& file : std::filesystem::recursive_directory_iterator(CARAFE_SOURCE_DIR "/lib")) {
    if (file.path().extension() != ".cc") continue;
    const std::string source = read_file(file.path());
    for (std::sregex_iterator found(source.begin(), source.end(), step); found != std::sregex_iterator(); ++found)
      if (!Trial::steps_seen().contains((*found)[1])) missing.insert((*found)[1]);
  }
  for (const std::string& name : missing) ADD_FAILURE() << "no scenario is killed at \"" << name << "\"";
}

INSTANTIATE_TEST_SUITE_P(Crash, Steps, ::testing::Values(0));

}  // namespace
}  // namespace carafe::test
