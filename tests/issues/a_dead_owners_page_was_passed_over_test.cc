// SPDX-License-Identifier: MIT
// What happened:  a page whose owner had died was refused seven times of eight, so a page of the pool was passed over, and counted out of the pool.
// Found by:       kills at each instruction.
// Mended:         each refusal asks whether the owner is dead (Slabs::lock_page).
#include <gtest/gtest.h>

#include "issues/moment.h"
#include "support/child.h"

namespace carafe::test {
namespace {

TEST(Issues, APageOfADeadOwnerIsHadAtTheFirstTry) {
  const ScratchName name("issues");
  const Cache cache = Cache::create(name, with_capacity(kMiB));
  Peer peer(name);
  Child owner = Child::fork([&] { return peer.slabs.lock_page(0, peer.worker()) ? 0 : 1; });
  ASSERT_EQ(owner.wait(), 0);
  EXPECT_TRUE(peer.slabs.adopt_page(0, peer.classes.item_class(100), peer.me));
}

}  // namespace
}  // namespace carafe::test
