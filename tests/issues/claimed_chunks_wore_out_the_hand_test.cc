// SPDX-License-Identifier: MIT
// What happened:  chunks that somebody is writing wore out the hand: a value of more chunks than it looks at for one victim could not be stored.
// Found by:       review.
// Mended:         a claimed chunk costs a sixteenth of the patience (Hands::go_round_main).
#include <gtest/gtest.h>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, AnItemAmongManyClaimedChunksIsFound) {
  Options options = with_capacity(kMiB);
  options.eviction = Eviction::kClock;
  Stage stage(Stage::Kind::kNamed, options);
  Peer writer(stage.name());
  const std::uint32_t size_class = writer.classes.item_class(1'013);
  Claim last;
  std::uint32_t claimed = 0;
  do {
    while (const Claim claim = writer.slabs.claim_free(size_class, Standing::kMain, writer.me)) {
      last = claim;
      ++claimed;
    }
  } while (stage.view().header().free_pages.load(kRelaxed) > 1 && writer.slabs.take_pool_page(size_class, writer.me));  // one for the index
  ASSERT_GT(claimed, 2 * kHandVisits);
  writer.slabs.release(last.chunk, last.word);
  stage.put("one", text('a', 1'000));
  EXPECT_EQ(stage.cache().set("two", text('b', 1'000)), Status::kOk);
  EXPECT_EQ(stage.cache().stats().evictions, 1U);
}

}  // namespace
}  // namespace carafe::test
