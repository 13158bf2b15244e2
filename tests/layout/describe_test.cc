// SPDX-License-Identifier: MIT
#include "layout/describe.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace carafe {
namespace {

TEST(DescribeTest, TheLayoutIsTheOneOnRecord) {
  std::ifstream golden(CARAFE_SOURCE_DIR "/tests/layout/layout.golden");
  ASSERT_TRUE(golden) << "tests/layout/layout.golden is missing";
  std::stringstream text;
  text << golden.rdbuf();
  EXPECT_EQ(describe_layout(), text.str())
      << "The layout changed: raise kLayoutVersion, add a Layout entry to CHANGELOG.md, and record it with\n"
         "  carafe layout > tests/layout/layout.golden";
}

}  // namespace
}  // namespace carafe
