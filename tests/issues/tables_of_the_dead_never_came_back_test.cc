// SPDX-License-Identifier: MIT
// What happened:  a chunk claimed for a table by a worker who died was never given back, nor an index page with nothing else in it.
// Found by:       kills at each instruction.
// Mended:         where pages run short, those of the index are looked through by their side words (PageMover::reclaim_index_pages).
#include <gtest/gtest.h>

#include "crash/anatomy.h"
#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, TablesOfTheDeadAreGivenBack) {
  Stage stage;
  kill_at(stage, "rebuild: filled", [](Stage& s) { return s.cache().set("key", "value") == Status::kOk; });
  stage.fill(2'500);
  Stage::advance(std::chrono::seconds(2));
  for (int i = 0; i < 1'000; ++i) stage.put("more" + std::to_string(i), text('m', 2'500));
  const SizeClasses classes(stage.view().geometry().page_bytes);
  const Anatomy anatomy = Anatomy::of(stage.view());
  for (std::uint32_t i = classes.item_count(); i < classes.count(); ++i) EXPECT_EQ(anatomy.debris[i], 0U) << "class " << i;
}

}  // namespace
}  // namespace carafe::test
