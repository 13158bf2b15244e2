// SPDX-License-Identifier: MIT
// What happened:  a page in which a stopped worker has an item was half emptied before that was noticed: evictions for nothing.
// Found by:       stepping (a writer held at an instruction).
// Mended:         all chunks are looked at before the first one is taken (PageMover::empty_page_locked).
#include <gtest/gtest.h>

#include "cache/page_mover.h"
#include "issues/moment.h"
#include "lock/owner_lock.h"

namespace carafe::test {
namespace {

TEST(Issues, APageThatCannotBeEmptiedIsLeftAsItIs) {
  Stage stage;
  stage.fill(1'000);
  Peer mover(stage.name());
  const std::uint32_t size_class = mover.classes.item_class(1'030);
  std::uint32_t page = 0;
  while (mover.slabs.page_class(page) != size_class) ++page;
  // What lies last in the page is the stopped one's.
  const std::uint64_t last = mover.slabs.side(page, mover.classes.shape(size_class).chunks - 1).load(kRelaxed);
  ASSERT_EQ(SideWord::state(last), SideWord::kLinked);
  Peer stopped(stage.name());
  auto& lock = stopped.view.stripe(SideWord::stripe(last)).lock;
  ASSERT_EQ(OwnerLock::try_lock(lock, stopped.me), LockResult::kLocked);
  const std::uint64_t evictions = stage.cache().stats().evictions;
  EXPECT_FALSE(PageMover(mover, mover.me).move(page, size_class, mover.classes.item_class(100)));
  EXPECT_EQ(stage.cache().stats().evictions, evictions);
  OwnerLock::unlock(lock);
  EXPECT_TRUE(PageMover(mover, mover.me).move(page, size_class, mover.classes.item_class(100)));
}

}  // namespace
}  // namespace carafe::test
