// SPDX-License-Identifier: MIT
/// Names that somebody else took first, and a kernel that distrusts open(O_CREAT). tests/api/open_test.cc has what our own user may have left
/// under a name.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "carafe/carafe.h"
#include "company/faults.h"
#include "company/inmate.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

constexpr uid_t kSquatter = 65534;
constexpr uid_t kVictim = 65533;

void become(uid_t user) {
  CHILD_REQUIRE(::setgroups(0, nullptr) == 0);
  CHILD_REQUIRE(::setgid(user) == 0);
  CHILD_REQUIRE(::setuid(user) == 0);
}

class NamesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two other users";
  }
  void as_squatter(const std::function<void()>& body) {
    Child child = Child::fork([&] {
      become(kSquatter);
      ::umask(0);
      body();
      return 0;
    });
    ASSERT_EQ(child.wait(), 0);
  }
  void make_file(const std::string& content, mode_t mode) const {
    const int fd = ::open(name_.path().c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
    CHILD_REQUIRE(fd >= 0 && ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  }

  ScratchName name_{"names"};
};

/// Whatever another user put under the name: the victim, another user or root, gets an error at once which says what is the matter; uses
/// nothing of it, changes nothing of it, and is not lured elsewhere.
TEST_F(NamesTest, ANameThatAnotherUserTookIsRefusedAndNotTouched) {
  const ScratchName bait("bait");  // a segment of the victim's own, to be lured away from
  struct Squat {
    const char* what;
    std::function<void()> make;
    bool seen_as_foreign;  // refused for its owner, else because it cannot be a segment or the kernel keeps us out
  };
  const std::vector<Squat> squats = {
      {"an open segment",
       [this] {
         { Cache cache = Cache::create(name_, with_capacity(kMiB)); }
         CHILD_REQUIRE(::chmod(name_.path().c_str(), 0666) == 0);
       },
       true},
      {"a closed segment", [this] { Cache cache = Cache::create(name_, with_capacity(kMiB)); }, false},
      {"an open file of zeros", [this] { make_file(std::string(kMiB, '\0'), 0666); }, true},
      {"an open, empty file", [this] { make_file("", 0666); }, true},
      {"a FIFO", [this] { CHILD_REQUIRE(::mkfifo(name_.path().c_str(), 0666) == 0); }, false},
      {"a folder", [this] { CHILD_REQUIRE(::mkdir(name_.path().c_str(), 0777) == 0); }, false},
      {"a link to our own", [&] { CHILD_REQUIRE(::symlink(bait.path().c_str(), name_.path().c_str()) == 0); }, false},
      {"a link to nothing", [&] { CHILD_REQUIRE(::symlink("/dev/shm/carafe.test.nothing", name_.path().c_str()) == 0); }, false},
      {"a link to a device", [&] { CHILD_REQUIRE(::symlink("/dev/zero", name_.path().c_str()) == 0); }, false},
  };
  for (const Squat& squat : squats) {
    for (const uid_t victim : {kVictim, uid_t{0}}) {
      SCOPED_TRACE(std::string(squat.what) + ", found by uid " + std::to_string(victim));
      as_squatter(squat.make);
      struct stat before {};
      ASSERT_EQ(::lstat(name_.path().c_str(), &before), 0);
      const std::string content = S_ISREG(before.st_mode) ? read_file(name_.path()) : "";
      Child child = Child::fork([&] {
        if (victim != 0) become(victim);
        Cache own = Cache::create(bait, with_capacity(kMiB));
        if (own.set("key", "the victim's") != Status::kOk) return 1;
        const auto refused = [&](const char* verb, const std::function<void()>& open) {
          const auto start = std::chrono::steady_clock::now();
          try {
            open();
            ADD_FAILURE() << verb << " succeeded";
          } catch (const Error& error) {
            const Status status = error.status();
            EXPECT_TRUE(status == Status::kNotTrusted || status == Status::kNotASegment || status == Status::kNoPermission ||
                        status == Status::kSegmentExists)
                << verb << ": " << to_string(status);
            if (squat.seen_as_foreign && verb == std::string("open")) {
              EXPECT_EQ(status, Status::kNotTrusted);
              EXPECT_NE(std::string(error.what()).find(std::to_string(kSquatter)), std::string::npos)
                  << "does not say who: " << error.what();
            }
            EXPECT_NE(std::string(error.what()).find(name_.str()), std::string::npos) << error.what();
            EXPECT_NE(std::string(error.what()).find_first_of(";,"), std::string::npos) << "names no remedy: " << error.what();
          }
          EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2)) << verb << " waited";
        };
        refused("create", [&] { static_cast<void>(Cache::create(name_, with_capacity(kMiB))); });
        refused("open", [&] { Cache::open(name_); });
        refused("open_or_create", [&] { static_cast<void>(Cache::open_or_create(name_, with_capacity(kMiB))); });
        if (victim != 0) refused("remove", [&] { Cache::remove(name_); });
        EXPECT_EQ(own.get("key"), "the victim's");
        return verdict();
      });
      EXPECT_EQ(child.wait(), 0);
      struct stat after {};
      ASSERT_EQ(::lstat(name_.path().c_str(), &after), 0) << "it is gone";
      EXPECT_EQ(after.st_ino, before.st_ino);
      EXPECT_EQ(after.st_mode, before.st_mode);
      EXPECT_EQ(after.st_uid, kSquatter);
      if (S_ISREG(before.st_mode)) {
        EXPECT_TRUE(read_file(name_.path()) == content) << "it was written to";
      }
      S_ISDIR(before.st_mode) ? ::rmdir(name_.path().c_str()) : ::unlink(name_.path().c_str());
      ::unlink(bait.path().c_str());
    }
  }
}

/// With fs.protected_regular at 1 or 2 the kernel answers EACCES, to root too, when O_CREAT meets a file of another's in a sticky folder. The
/// setting is the whole machine's, so it is not changed here; but a filter that answers EACCES to *every* O_CREAT without O_TMPFILE is
/// stricter than both. (What the setting is on this machine, all other tests of this folder run under.)
TEST_F(NamesTest, NothingIsEverOpenedWithTheFlagThatProtectedRegularRefuses) {
#if CARAFE_CAN_INJECT
  Child child = Child::fork([this] {
    const auto field = [](std::size_t offset) {
      return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
    };
    const std::uint32_t tmpfile = O_TMPFILE & ~O_DIRECTORY;
    sock_filter program[] = {
        field(offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_creat, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        field(offsetof(seccomp_data, args) + 16),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, tmpfile, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
    };
    const sock_fprog filter{sizeof program / sizeof *program, program};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
      return forbidden(std::string("no seccomp filter here: ") + std::strerror(errno));
    EXPECT_EQ(::open("/dev/shm/carafe.test.created", O_CREAT | O_RDWR, 0600), -1) << "the filter does not work";
    Cache made = Cache::create(name_, with_capacity(kMiB));
    EXPECT_EQ(workout(made, "made", 10), "");
    Cache again = Cache::open_or_create(name_, with_capacity(kMiB));
    EXPECT_EQ(workout(again, "again", 10), "");
    Child worker = Child::fork([&] { return workout(made, "worker", 10).empty() ? 0 : 1; });
    EXPECT_EQ(worker.wait(), 0);
    EXPECT_EQ(::chown(name_.path().c_str(), kSquatter, static_cast<gid_t>(-1)), 0);
    Options trusting;
    trusting.trusted_uid = kSquatter;
    Cache foreign = Cache::open_or_create(name_, trusting);
    EXPECT_EQ(foreign.set("key", "value"), Status::kOk);
    EXPECT_TRUE(Cache::remove(name_, trusting));
    Cache anonymous = Cache::create_anonymous(with_capacity(kMiB));
    EXPECT_EQ(workout(anonymous, "anonymous", 10), "");
    return verdict();
  });
  CARAFE_EXPECT_FINE(child);
#else
  GTEST_SKIP() << "only on x86-64, and without sanitizers";
#endif
}

/// Workers with different umasks make and remake one segment: its mode is what the options say.
TEST_F(NamesTest, WhateverTheUmaskOfWhoeverMakesItTheOthersGetIn) {
  for (const unsigned mode : {0600U, 0660U}) {
    Options options = with_capacity(kMiB);
    options.mode = mode;
    for (const mode_t mask : {mode_t{0}, mode_t{077}, mode_t{0777}}) {
      SCOPED_TRACE(mask);
      Child maker = Child::fork([&] {
        become(kVictim);
        ::umask(mask);
        Cache cache = Cache::open_or_create(name_, options);
        EXPECT_EQ(cache.set("mask", std::to_string(mask)), Status::kOk);
        return verdict();
      });
      EXPECT_EQ(maker.wait(), 0);
      struct stat found {};
      ASSERT_EQ(::stat(name_.path().c_str(), &found), 0);
      EXPECT_EQ(found.st_mode & 07777, mode);
      Child user = Child::fork([&] {
        become(kVictim);
        ::umask(022);
        Cache cache = Cache::open(name_, options);
        EXPECT_EQ(cache.get("mask"), std::to_string(mask));
        EXPECT_TRUE(Cache::remove(name_, options));
        return verdict();
      });
      EXPECT_EQ(user.wait(), 0);
    }
  }
}

}  // namespace
}  // namespace carafe::test
