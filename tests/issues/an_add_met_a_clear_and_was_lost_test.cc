// SPDX-License-Identifier: MIT
// What happened:  an add that met a clear said kOk and had stored nothing, so another add said kOk too.
// Found by:       review.
// Mended:         such an add begins anew (Writer::store).
#include <gtest/gtest.h>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, AnAddThatMeetsAClearIsDoneAfterIt) {
  Stage stage;
  const AtStep clear("claim: claimed", [&] { stage.cache().clear(); });
  EXPECT_EQ(stage.cache().add("key", "mine"), Status::kOk);
  EXPECT_EQ(stage.cache().add("key", "another's"), Status::kExists);
}

}  // namespace
}  // namespace carafe::test
