// SPDX-License-Identifier: MIT
// What happened:  a freed chunk was told to the process's own hints, not to the page's bitmap: with the process it was forgotten, and workers
//                 that live for a moment used up all pages of a segment that was nearly empty.
// Found by:       the storm.
// Mended:         the bitmap is told of each free chunk (Slabs::release).
#include <gtest/gtest.h>

#include <optional>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, WhatOneWorkerFreedAnotherOneFinds) {
  Stage stage;
  stage.put("key", text('v', 100));
  { ASSERT_EQ(Cache::open(stage.name()).erase("key"), Status::kOk); }
  const Peer next(stage.name());
  const Claim claim = next.slabs.claim_free(next.classes.item_class(111), Standing::kMain, next.me);
  ASSERT_TRUE(claim);
  EXPECT_EQ(SideWord::generation(claim.word), 2U) << "not the chunk that was freed";
}

}  // namespace
}  // namespace carafe::test
