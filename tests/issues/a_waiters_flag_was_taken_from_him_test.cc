// SPDX-License-Identifier: MIT
// What happened:  who told that a lease had gone took the flag of those who wait after letting the lock go; so also that of one who had come since,
//                 who then waited for the next lease and was not woken when that was filled: he slept until his next look, 20 ms at most.
// Found by:       a model (FLAG_TAKEN_AFTER_UNLOCK of tests/model/lease.pml).
// Mended:         it is taken under the lock, before the sequence goes up (StripeGuard::unlock_and_wake).
#include <gtest/gtest.h>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, WhoBeginsToWaitOnceALeaseHasGoneIsWokenByTheNextOne) {
  Stage stage;
  LoadTicket ticket = stage.cache().try_load("key");
  ASSERT_TRUE(ticket.owns_lease());
  Atomic<std::uint32_t>& waiters = stage.view().stripe(stage.stripe_of("key")).lease_waiters;
  const AtStep begin_to_wait("lease: told", [&] { waiters.store(1, kRelaxed); });
  EXPECT_EQ(ticket.fill("value"), Status::kOk);
  EXPECT_EQ(waiters.load(kRelaxed), 1U);
}

}  // namespace
}  // namespace carafe::test
