// SPDX-License-Identifier: MIT
// What happened:  a member of the group retired a segment and only then learned that he may not unlink it: nobody could use it, nor make another.
// Found by:       review.
// Mended:         whose file it is is asked first (remove_segment).
#include <grp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/scratch.h"

namespace carafe::test {
namespace {

TEST(Issues, NobodyRetiresWhatHeCannotUnlink) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  constexpr gid_t kGroup = 65533;
  const ScratchName name("issues");
  Options options = with_capacity(kMiB);
  options.mode = 0660;
  options.group = std::to_string(kGroup);
  Cache cache = Cache::create(name, options);
  Child member = Child::fork([&] {
    CHILD_REQUIRE(::setgroups(0, nullptr) == 0 && ::setgid(kGroup) == 0 && ::setuid(kGroup) == 0);
    CHILD_REQUIRE(Cache::open(name, options).set("key", "value") == Status::kOk);
    try {
      Cache::remove(name, options);
    } catch (const Error& error) {
      return error.status() == Status::kNoPermission ? 0 : 2;
    }
    return 1;
  });
  EXPECT_EQ(member.wait(), 0);
  EXPECT_EQ(cache.get("key"), "value");
}

}  // namespace
}  // namespace carafe::test
