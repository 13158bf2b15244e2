// SPDX-License-Identifier: MIT
// What happened:  verify, and so carafe verify, called every item of a namespace damage: "refers to an item whose key belongs elsewhere".
// Found by:       a test of the inspector.
// Mended:         the place of a key is that of its namespace's number, too (Key::hash_of in Verifier::check_entry).
#include <gtest/gtest.h>

#include "carafe/carafe.h"

namespace carafe::test {
namespace {

TEST(Issues, KeysOfNamespacesAreNoDamage) {
  Cache cache = Cache::create_anonymous({.capacity_bytes = std::size_t{4} << 20});
  ASSERT_EQ(cache.in("products").set("key", "value"), Status::kOk);
  ASSERT_EQ(cache.in("products", {.release = "v1"}).set("key", "value"), Status::kOk);
  const VerifyReport report = cache.verify();
  EXPECT_EQ(report.items, 2u);
  for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
}

}  // namespace
}  // namespace carafe::test
