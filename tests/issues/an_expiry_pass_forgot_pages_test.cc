// SPDX-License-Identifier: MIT
// What happened:  the search for expired items began a new pass whenever it went on at the first page, and forgot what the old one had to tell of
//                 the others: live items were evicted beside expired ones.
// Found by:       a property test of expiry.
// Mended:         a pass ends when it wraps (Allocator::claim_expired).
#include <gtest/gtest.h>

#include <string>

#include "issues/moment.h"

namespace carafe::test {
namespace {

using std::chrono::milliseconds;

TEST(Issues, NothingAliveIsEvictedWhileSomethingHasExpired) {
  Stage stage;
  int keys = 0;
  for (; stage.cache().stats().pages_free != 0; ++keys)
    stage.put("old" + std::to_string(keys), text('o', 1'000), keys % 2 == 0 ? milliseconds(1'000) : kForever);
  Stage::advance(milliseconds(2'000));
  for (int i = 0; i < keys / 4; ++i) stage.put("new" + std::to_string(i), text('n', 1'000));
  EXPECT_LT(stage.cache().stats().evictions, 20U) << "a growing index may have needed a page or two";
}

}  // namespace
}  // namespace carafe::test
