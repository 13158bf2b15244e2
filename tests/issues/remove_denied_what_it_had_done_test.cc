// SPDX-License-Identifier: MIT
// What happened:  remove said that there had been nothing when somebody else, who came across the retired segment, was faster to unlink it.
// Found by:       review.
// Mended:         who retired it has removed it, whoever unlinks (remove_segment).
#include <gtest/gtest.h>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, WhoRetiredASegmentHasRemovedIt) {
  const ScratchName name("issues");
  { const Cache made = Cache::create(name, with_capacity(kMiB)); }
  const AtStep other("remove: retired", [&] { EXPECT_THROW(Cache::open(name), Error); });
  EXPECT_TRUE(Cache::remove(name));
}

}  // namespace
}  // namespace carafe::test
