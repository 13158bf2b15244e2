// SPDX-License-Identifier: MIT
// What happened:  sets failed though everything could be evicted: all newcomers had been used and joined the main part, and on them the hand had
//                 spent the patience that it needed for the main part.
// Found by:       a test of the duel.
// Mended:         the main hand has patience of its own (Hands::claim).
#include <gtest/gtest.h>

#include "issues/moment.h"
#include "support/values.h"

namespace carafe::test {
namespace {

TEST(Issues, ASetSucceedsWhereAllNewcomersHaveBeenUsed) {
  Stage stage;
  std::uint64_t keys = 0;  // all of one size: no other class has a page to give
  while (stage.cache().stats().evictions == 0) stage.put(numbered_key("key", keys++), text('v', 50));
  for (std::uint64_t i = 0; i < keys; ++i) static_cast<void>(stage.cache().get(numbered_key("key", i)));
  for (std::uint64_t i = 0; i < 1'000; ++i) ASSERT_EQ(stage.cache().set(numbered_key("new", i), text('n', 50)), Status::kOk) << i;
}

}  // namespace
}  // namespace carafe::test
