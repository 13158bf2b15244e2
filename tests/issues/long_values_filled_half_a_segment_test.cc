// SPDX-License-Identifier: MIT
// What happened:  the last chunk of each long value was of a class of its own, for which nothing but other long values could give room: a
//                 segment of large values was less than half used.
// Found by:       a test of what fits.
// Mended:         all chunks of a chain are of one class (Writer::draft_chain).
#include <gtest/gtest.h>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, AllChunksOfALongValueAreOfOneClass) {
  Stage stage;
  stage.put("key", text('v', 20'000));
  int classes = 0;
  for (const SlabStats& slab : stage.cache().slabs()) classes += !slab.is_index && slab.used != 0 ? 1 : 0;
  EXPECT_EQ(classes, 1);
}

}  // namespace
}  // namespace carafe::test
