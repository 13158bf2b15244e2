// SPDX-License-Identifier: MIT
// What happened:  a class into which only new keys came never received a page: each eviction ended where it had found its victim, and the end of
//                 the page, where the hand asks for more, was skipped.
// Found by:       review.
// Mended:         the next call sees that the hand stands at a page's end (Hands::go_round_main).
#include <gtest/gtest.h>

#include <string>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, AClassOfNewKeysReceivesPages) {
  Options options = with_capacity(kMiB);
  options.eviction = Eviction::kClock;
  Stage stage(Stage::Kind::kNamed, options);
  stage.fill(1'000);
  for (int i = 0; i < 3'000; ++i) {
    Stage::advance(std::chrono::milliseconds(1));
    stage.put("new" + std::to_string(i), text('n', 200));
  }
  EXPECT_GT(stage.cache().stats().pages_moved, 10U);
}

}  // namespace
}  // namespace carafe::test
