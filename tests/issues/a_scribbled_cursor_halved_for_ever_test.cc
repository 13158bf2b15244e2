// SPDX-License-Identifier: MIT
// What happened:  where the sketch's cursor was about to wrap (damage: it counts from zero), the words to halve were counted to 2^60: a set never came back.
// Found by:       fuzzing (damaged images, the 90,194th of a million).
// Mended:         how many are due follows from the cursor's low bits (Sketch::fade).
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, ACursorAboutToWrapCostsNoSetAnything) {
  Stage stage;
  stage.fill(1'000);
  stage.view().duel().sketch_cursor.store(~std::uint64_t{0} - 64, kRelaxed);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 300; ++i) stage.put("more" + std::to_string(i), text('m', 1'000));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_LT(stage.view().duel().sketch_cursor.load(kRelaxed), std::uint64_t{1} << 32) << "it did not wrap: this tested nothing";
}

}  // namespace
}  // namespace carafe::test
