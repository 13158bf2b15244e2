// SPDX-License-Identifier: MIT
// What happened:  a worker whose descriptors had been closed behind its back (closefrom) could prove no death: a dead one's locks stayed for ever.
// Found by:       review.
// Mended:         the file is opened again by its name for that moment (Liveness::is_byte_free).
#include <gtest/gtest.h>
#include <unistd.h>

#include "issues/moment.h"
#include "lock/owner_lock.h"
#include "support/child.h"

namespace carafe::test {
namespace {

TEST(Issues, AWorkerWithoutDescriptorsTakesOverFromTheDead) {
  const ScratchName name("issues");
  const Cache cache = Cache::create(name, with_capacity(kMiB));
  Peer peer(name);
  auto& lock = peer.view.stripe(0).lock;
  Child owner = Child::fork([&] { return OwnerLock::try_lock(lock, peer.worker()) == LockResult::kLocked ? 0 : 1; });
  ASSERT_EQ(owner.wait(), 0);
  ::close(peer.segment.fd.get());
  EXPECT_EQ(OwnerLock::try_lock(lock, peer.me), LockResult::kTakenOver);
}

}  // namespace
}  // namespace carafe::test
