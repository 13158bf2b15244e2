// SPDX-License-Identifier: MIT
// What happened:  expired items of another size gave no room: a set evicted live ones instead.
// Found by:       review.
// Mended:         a page in which all has expired is moved to the class in need (Allocator::claim_expired).
#include <gtest/gtest.h>

#include <string>

#include "issues/moment.h"

namespace carafe::test {
namespace {

using std::chrono::milliseconds;

TEST(Issues, WhatExpiredGivesRoomToOtherSizes) {
  Stage stage;
  stage.put("live", text('l', 200));
  for (int i = 0; stage.cache().stats().pages_free != 0; ++i) stage.put("old" + std::to_string(i), text('o', 1'000), milliseconds(1'000));
  Stage::advance(milliseconds(2'000));
  for (int i = 0; i < 1'000; ++i) stage.put("new" + std::to_string(i), text('n', 200));
  EXPECT_LT(stage.cache().stats().evictions, 20U) << "a growing index may have needed a page";
}

}  // namespace
}  // namespace carafe::test
