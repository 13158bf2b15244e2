// SPDX-License-Identifier: MIT
// What happened:  create that could not register in what it had made threw, and left the segment behind. What it said to do about it was
//                 wrong, too ("is /proc mounted?").
// Found by:       injected failures of system calls.
// Mended:         it takes back what it has published (Cache::create); the remedy follows from the errno (failed_call).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/scratch.h"

namespace carafe::test {
namespace {

TEST(Issues, CreateThatCannotRegisterLeavesNothingBehind) {
  const ScratchName name("issues");
  Child child = Child::fork([&] {
    // One descriptor more: enough for the segment's file, not for opening it again.
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHILD_REQUIRE(next >= 0 && ::close(next) == 0);
    rlimit limit{};
    CHILD_REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = static_cast<rlim_t>(next) + 1;
    CHILD_REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    try {
      const Cache made = Cache::create(name, with_capacity(kMiB));
    } catch (const Error& error) {
      CHILD_REQUIRE(error.status() == Status::kNoWorkerSlot);
      CHILD_REQUIRE(std::string_view(error.what()).find("ulimit -n") != std::string_view::npos);
      return 0;
    }
    return 1;
  });
  EXPECT_EQ(child.wait(), 0);
  EXPECT_NE(::access(name.path().c_str(), F_OK), 0) << "left behind";
}

}  // namespace
}  // namespace carafe::test
