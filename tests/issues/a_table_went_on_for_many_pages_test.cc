// SPDX-License-Identifier: MIT
// What happened:  a directory word could name a table that goes on for many pages: harmless, but following it took long.
// Found by:       fuzzing (damaged images, and a limit on time).
// Mended:         a table that leaves its page is none (View::table).
#include <gtest/gtest.h>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, ATableThatLeavesItsPageIsNone) {
  const Stage stage;
  const View& view = stage.view();
  const auto buckets = static_cast<std::uint32_t>(view.geometry().page_bytes / sizeof(Bucket));
  EXPECT_NE(view.table(DirectoryWord::make(view.page_offset(1), buckets, 0)), nullptr);
  EXPECT_EQ(view.table(DirectoryWord::make(view.page_offset(1), buckets + 1, 0)), nullptr);
  EXPECT_EQ(view.table(DirectoryWord::make(view.page_offset(1) + sizeof(Bucket), buckets, 0)), nullptr);
}

}  // namespace
}  // namespace carafe::test
