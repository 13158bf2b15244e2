// SPDX-License-Identifier: MIT
// What happened:  a worker died when it had put a page back into the pool and not counted it yet: the page was never seen again.
// Found by:       kills at each instruction.
// Mended:         where pages run short they are counted anew (Slabs::recount_pages).
#include <gtest/gtest.h>

#include <string>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, APageOfThePoolThatNobodyCountedIsFound) {
  Stage stage;
  stage.fill(2'500);
  kill_at(stage, "page: back in the pool", [](Stage& s) {
    for (int i = 0; i < 100; ++i) s.put("small" + std::to_string(i), text('s', 100));
    return true;
  });
  Stage::advance(std::chrono::seconds(2));
  for (int i = 0; i < 1'000; ++i) stage.put("more" + std::to_string(i), text('m', 2'500));
  for (std::uint64_t page = 0; page < stage.view().geometry().page_count; ++page)
    EXPECT_NE(stage.view().page_class(page).load(kRelaxed), kNoClass) << "page " << page;
}

}  // namespace
}  // namespace carafe::test
