// SPDX-License-Identifier: MIT
#include "slab/slabs.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "support/small_engine.h"

namespace carafe {
namespace {

class SlabsTest : public testing::Test {
 protected:
  Claim claim_free(std::uint32_t size_class) {
    if (Claim claim = engine_.slabs.claim_free(size_class, Standing::kMain, me_)) return claim;
    if (!engine_.slabs.take_pool_page(size_class, me_)) return {};
    return engine_.slabs.claim_free(size_class, Standing::kMain, me_);
  }

  Engine engine_ = test::small_engine();
  const Worker me_ = engine_.worker();
  const Slabs& slabs_ = engine_.slabs;
  const std::uint32_t class_ = engine_.classes.item_class(100);
};

TEST_F(SlabsTest, ClaimedChunksAreDistinctAndNameTheirClaimant) {
  std::set<std::uint64_t> offsets;
  for (int i = 0; i < 500; ++i) {
    const Claim claim = claim_free(class_);
    ASSERT_TRUE(claim);
    EXPECT_TRUE(offsets.insert(claim.chunk.offset).second);
    EXPECT_EQ(SideWord::state(claim.word), SideWord::kClaimed);
    EXPECT_EQ(SideWord::claimant(claim.word).slot, me_.id.slot);
    Chunk located;
    ASSERT_TRUE(slabs_.locate(claim.chunk.offset, located));
    EXPECT_EQ(located.page, claim.chunk.page);
    EXPECT_EQ(located.index, claim.chunk.index);
  }
}

TEST_F(SlabsTest, OffsetsThatStartNoChunkAreRefused) {
  const Claim claim = claim_free(class_);
  ASSERT_TRUE(claim);
  Chunk chunk;
  for (std::uint64_t wrong : {claim.chunk.offset + 8, std::uint64_t{0}, std::uint64_t{1} << 20, ~std::uint64_t{7},
                              engine_.view.page_offset(claim.chunk.page), claim.chunk.offset + 4})
    EXPECT_FALSE(slabs_.locate(wrong, chunk)) << wrong;
}

TEST_F(SlabsTest, AFreedChunkIsReusedBeforeANewPageWithAHigherGeneration) {
  const Claim first = claim_free(class_);
  const std::uint64_t pool = engine_.view.header().free_pages.load();
  slabs_.release(first.chunk, first.word);
  const Claim again = slabs_.claim_hinted(class_, Standing::kMain, me_);
  ASSERT_TRUE(again);
  EXPECT_EQ(again.chunk.offset, first.chunk.offset);
  EXPECT_EQ(SideWord::generation(again.word), SideWord::generation(first.word) + 1);
  EXPECT_EQ(engine_.view.header().free_pages.load(), pool);
}

TEST_F(SlabsTest, EveryFreedChunkIsFoundAgain) {
  std::vector<Claim> claims;
  while (Claim claim = claim_free(class_)) claims.push_back(claim);  // the whole pool
  for (const Claim& claim : claims) slabs_.release(claim.chunk, claim.word);
  std::size_t found = 0;
  for (;;) {
    if (slabs_.claim_hinted(class_, Standing::kMain, me_) || slabs_.claim_free(class_, Standing::kMain, me_)) {
      ++found;
    } else {
      break;
    }
  }
  EXPECT_EQ(found, claims.size());
}

TEST_F(SlabsTest, AnEmptyPageGoesBackToThePoolAndItsGenerationsGoOn) {
  const std::uint32_t index_class = engine_.classes.index_class(4);
  const Claim claim = claim_free(index_class);
  ASSERT_TRUE(claim);
  slabs_.release_page_if_empty(claim.chunk.page, me_);
  EXPECT_EQ(slabs_.page_class(claim.chunk.page), index_class) << "a page with a claimed chunk is not empty";
  slabs_.release(claim.chunk, claim.word);
  slabs_.release_page_if_empty(claim.chunk.page, me_);
  EXPECT_EQ(slabs_.page_class(claim.chunk.page), kNoClass);
  ASSERT_TRUE(slabs_.adopt_page(claim.chunk.page, index_class, me_));
  EXPECT_GE(SideWord::generation(slabs_.side(claim.chunk).load()), SideWord::generation(claim.word));
}

TEST_F(SlabsTest, ALockedPageYieldsNothing) {
  const Claim claim = claim_free(class_);
  slabs_.release(claim.chunk, claim.word);
  ASSERT_TRUE(slabs_.lock_page(claim.chunk.page, me_));
  EXPECT_FALSE(slabs_.claim_hinted(class_, Standing::kMain, me_));
  slabs_.unlock_page(claim.chunk.page);
}

TEST_F(SlabsTest, CountsLeftWrongAreCountedAnew) {
  ASSERT_TRUE(claim_free(class_));
  engine_.view.size_class(class_).page_count.store(77);
  engine_.view.header().free_pages.store(3);
  slabs_.recount_pages();
  EXPECT_EQ(engine_.view.size_class(class_).page_count.load(), 1U);
  EXPECT_EQ(engine_.view.header().free_pages.load(), engine_.view.geometry().page_count - 1);
}

}  // namespace
}  // namespace carafe
