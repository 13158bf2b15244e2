// SPDX-License-Identifier: MIT
// What happened:  verify called an item that stands in both its buckets damage, though a dead worker still had the stripe's lock and whoever
//                 takes that over removes one of the two.
// Found by:       kills at each instruction.
// Mended:         twins are a problem only where the lock is free (Verifier::check_entry).
#include <gtest/gtest.h>

#include "issues/displacing.h"

namespace carafe::test {
namespace {

TEST(Issues, TwinsThatADeadHolderLeftAreNoDamage) {
  Stage stage;
  prepare_displacement(stage);
  kill_at(stage, "displace: copied", &displace);
  for (const std::string& problem : stage.cache().verify().problems) ADD_FAILURE() << problem;
}

}  // namespace
}  // namespace carafe::test
