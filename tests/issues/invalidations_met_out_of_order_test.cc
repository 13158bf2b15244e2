// SPDX-License-Identifier: MIT
// Two invalidate at once, and who took the smaller number writes it down last: what was stored between the two must stay gone.
#include <gtest/gtest.h>

#include "carafe/carafe.h"
#include "issues/moment.h"
#include "support/scratch.h"

namespace carafe::test {
namespace {

TEST(InvalidationsOutOfOrder, TheGreaterNumberOfATagStays) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  {
    const AtStep between("invalidate: begun", [&] {
      EXPECT_EQ(cache.set("key", "value", {.tags = {"tag"}}), Status::kOk);
      EXPECT_EQ(cache.invalidate_tag("tag"), Status::kOk);
      EXPECT_FALSE(cache.contains("key"));
    });
    EXPECT_EQ(cache.invalidate_tag("tag"), Status::kOk);
  }
  EXPECT_FALSE(cache.contains("key"));
}

TEST(InvalidationsOutOfOrder, TheGreaterNumberOfANamespaceStays) {
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  Namespace space = cache.in("space");
  {
    const AtStep between("invalidate: begun", [&] {
      EXPECT_EQ(space.set("key", "value"), Status::kOk);
      space.clear();
      EXPECT_FALSE(space.contains("key"));
    });
    space.clear();
  }
  EXPECT_FALSE(space.contains("key"));
}

}  // namespace
}  // namespace carafe::test
