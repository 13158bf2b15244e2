// SPDX-License-Identifier: MIT
// What happened:  who was killed while removing a segment left one under the name that served nobody, and that all who opened it got, for ever.
// Found by:       review; since then by kills at each step.
// Mended:         whoever opens a retired segment unlinks it and finds the name free (open_segment).
#include <gtest/gtest.h>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, ANameIsUsableAfterARemovalThatWasCutShort) {
  Stage stage;
  kill_at(stage, "remove: retired", [](Stage& s) { return Cache::remove(s.name()); });
  Cache next = Cache::open_or_create(stage.name(), with_capacity(kMiB));
  EXPECT_EQ(next.set("key", "value"), Status::kOk);
}

}  // namespace
}  // namespace carafe::test
