// SPDX-License-Identifier: MIT
// What happened:  a displacement cut short after the old entry was cleared leaves a version that did not go up. A reader who took what he saw in one
//                 bucket before, and in the other after the next writer's changes, for one state, missed an item that was there throughout.
// Found by:       a model (displace.pml, NO_RAISE_AT_TAKE_OVER).
// Mended:         whoever takes a stripe over raises all versions of its table first (recount_locked).
#include <gtest/gtest.h>

#include <vector>

#include "cache/stripe_guard.h"
#include "index/table.h"
#include "issues/displacing.h"

namespace carafe::test {
namespace {

TEST(Issues, WhoTakesAStripeOverRaisesAllItsVersionsFirst) {
  Stage stage;
  prepare_displacement(stage);
  kill_at(stage, "displace: old one cleared", &displace);
  const std::uint32_t stripe = stage.stripe_of(stage.key);
  const Table table = Table::of(stage.view(), stripe);
  std::vector<std::uint64_t> before;
  for (std::uint32_t i = 0; i < table.count; ++i) before.push_back(table.buckets[i].version.load(kRelaxed));
  Peer peer(stage.name());
  const AtStep look("take over: versions raised", [&] {
    for (std::uint32_t i = 0; i < table.count; ++i) EXPECT_GT(table.buckets[i].version.load(kRelaxed), before[i]) << "bucket " << i;
  });
  EXPECT_TRUE(StripeGuard::attempt(peer, peer.me, stripe));
}

}  // namespace
}  // namespace carafe::test
