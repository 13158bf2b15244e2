// SPDX-License-Identifier: MIT
// What happened:  in segments of up to 16 MiB items of less than about 80 bytes were evicted while up to half of all pages were never used: a
//                 stripe's table could not be larger than the largest chunk (8 KiB there, 127 buckets, some 800 items).
// Found by:       the test of the shrinking index, by accident.
// Mended:         a table may fill a page, and the smallest segment has twice as many stripes.
#include <gtest/gtest.h>

#include "issues/moment.h"
#include "support/values.h"

namespace carafe::test {
namespace {

TEST(Issues, NothingIsEvictedWhileThereAreUnusedPages) {
  Stage stage;
  for (std::uint64_t keys = 0; stage.cache().stats().pages_free != 0; ++keys) {
    stage.put(numbered_key("key", keys), "v");
    ASSERT_EQ(stage.cache().stats().evictions, 0U) << keys << " keys; pages never used: " << stage.cache().stats().pages_free;
  }
}

}  // namespace
}  // namespace carafe::test
