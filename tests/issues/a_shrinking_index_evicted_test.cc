// SPDX-License-Identifier: MIT
// What happened:  a table that had become too large was replaced by a smaller one at any price, and the page for that was taken from items.
// Found by:       review.
// Mended:         what would only be nicer evicts nothing (replace_table, Urgency::kNicer).
#include <gtest/gtest.h>

#include "issues/moment.h"
#include "support/values.h"

namespace carafe::test {
namespace {

TEST(Issues, AShrinkingIndexEvictsNothing) {
  Stage stage;
  Cache& cache = stage.cache();
  const auto key = [](std::uint64_t i) { return numbered_key("key", i); };
  std::uint64_t keys = 0;
  while (cache.stats().pages_free != 0 && cache.stats().evictions == 0) stage.put(key(keys++), text('v', 100));
  for (std::uint64_t i = 0; i < keys; ++i)
    if (i % 4 != 0) static_cast<void>(cache.erase(key(i)));
  const Stats before = cache.stats();
  for (std::uint64_t i = 0; i < keys; i += 4) stage.put(key(i), text('a', 100));
  EXPECT_EQ(cache.stats().evictions, before.evictions);
}

}  // namespace
}  // namespace carafe::test
