// SPDX-License-Identifier: MIT
/// Too little room, and shared memory that is mounted strangely. Each test mounts its own /dev/shm where nobody else sees it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "carafe/carafe.h"
#include "company/footprint.h"
#include "company/inmate.h"
#include "company/memory_cgroup.h"
#include "support/access_control.h"
#include "support/capacity.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

constexpr const char* kShm = "/dev/shm";

std::uint64_t free_bytes() {
  struct statvfs fs {};
  return ::statvfs(kShm, &fs) == 0 ? std::uint64_t{fs.f_bavail} * fs.f_frsize : 0;
}

/// Fills /dev/shm but for `rest` bytes; the file is called "ballast".
void fill_but(std::uint64_t rest) {
  const int fd = ::open("/dev/shm/ballast", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::posix_fallocate(fd, 0, static_cast<off_t>(free_bytes() - rest)), 0);
  ::close(fd);
  ASSERT_EQ(free_bytes(), rest);
}

void expect_refused(Status expected, std::string_view name, std::uint64_t bytes, const std::function<Cache()>& create) {
  const std::uint64_t free_before = free_bytes();
  const Footprint before = Footprint::take("carafe");
  try {
    static_cast<void>(create());
    ADD_FAILURE() << "it was created";
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_EQ(error.status(), expected) << what;
    EXPECT_NE(what.find(name), std::string::npos) << "does not name the segment: " << what;
    EXPECT_NE(what.find(std::to_string(bytes)), std::string::npos) << "does not name the number: " << what;
    EXPECT_NE(what.find("; "), std::string::npos) << "names no remedy: " << what;
  }
  EXPECT_EQ(Footprint::take("carafe").beyond(before), "") << "left behind";
  EXPECT_EQ(free_bytes(), free_before) << "room was left taken";
}

class SpaceTest : public ::testing::Test {
 protected:
  /// Runs `body` in a child that has a /dev/shm of its own, with these mount options.
  static Child with_shm(const std::string& options, unsigned long flags, const std::function<void()>& body) {
    return Child::fork([&] {
      std::string why = leave_mounts();
      if (why.empty()) why = mount_memory(kShm, options, flags);
      if (!why.empty()) return forbidden(why);
      body();
      return verdict();
    });
  }

  ScratchName name_{"space"};
};

TEST_F(SpaceTest, AFullDevShmIsAnErrorAtOnceAndLeavesNothingBehind) {
  Child child = with_shm("size=8m", MS_NOSUID | MS_NODEV, [this] {
    fill_but(2 * kMiB - 4096);
    expect_refused(Status::kOutOfMemory, name_.str(), 2 * kMiB, [&] { return Cache::create(name_, with_capacity(2 * kMiB)); });
    expect_refused(Status::kOutOfMemory, name_.str(), 2 * kMiB, [&] { return Cache::open_or_create(name_, with_capacity(2 * kMiB)); });
    Cache anonymous = Cache::create_anonymous(with_capacity(2 * kMiB));  // has no part in it
    EXPECT_EQ(workout(anonymous, "anonymous", 50), "");
    ASSERT_EQ(::unlink("/dev/shm/ballast"), 0);
    Cache cache = Cache::create(name_, with_capacity(2 * kMiB));  // as soon as there is room
    EXPECT_EQ(workout(cache, "named", 50), "");
  });
  CARAFE_EXPECT_FINE(child);
}

/// Everything was reserved when it was made: a neighbour that fills the file system later costs nobody a SIGBUS.
TEST_F(SpaceTest, ASegmentWorksToItsLastByteWhenDevShmFillsUpAfterwards) {
  Child child = with_shm("size=8m", 0, [this] {
    Cache cache = Cache::create(name_, with_capacity(4 * kMiB));
    fill_but(0);
    const Filled filled = fill_uniformly(cache, 16, 400);
    EXPECT_EQ(filled.failed, 0U);
    EXPECT_GT(filled.items, 4 * kMiB / 500);
    EXPECT_TRUE(cache.set("large", std::string(kMiB / 2, 'x')) == Status::kOk);
    cache.clear();
    EXPECT_EQ(fill_uniformly(cache, 16, 3'000).failed, 0U);
    cache.clear();
    Cache again = Cache::open(name_);  // attaching needs no room either
    EXPECT_EQ(workout(again, "again", 50), "");
    EXPECT_TRUE(Cache::remove(name_));
  });
  CARAFE_EXPECT_FINE(child);
}

TEST_F(SpaceTest, InTheSixtyFourMebibytesThatContainersHave) {
  Child child = with_shm("size=64m", MS_NOSUID | MS_NODEV | MS_NOEXEC, [this] {
    {
      Cache cache = Cache::create(name_);  // the default of 64 MiB just fits into an empty one
      EXPECT_EQ(workout(cache, "default", 50), "");
      expect_refused(Status::kOutOfMemory, "second", kMiB, [] { return Cache::create("second", with_capacity(kMiB)); });
      Cache anonymous = Cache::create_anonymous(with_capacity(96 * kMiB));
      EXPECT_EQ(workout(anonymous, "anonymous", 50), "");
      EXPECT_TRUE(Cache::remove(name_));
    }
    expect_refused(Status::kOutOfMemory, name_.str(), 64 * kMiB + 4096,
                   [this] { return Cache::create(name_, with_capacity(64 * kMiB + 4096)); });
    fill_but(64 * kMiB - 4096);
    expect_refused(Status::kOutOfMemory, name_.str(), 64 * kMiB, [this] { return Cache::create(name_); });
    Cache smaller = Cache::create(name_, with_capacity(32 * kMiB));
    EXPECT_EQ(workout(smaller, "smaller", 50), "");
  });
  CARAFE_EXPECT_FINE(child);
}

TEST_F(SpaceTest, WithoutAFreeInodeNothingIsMade) {
  Child child = with_shm("size=8m,nr_inodes=2", 0, [this] {
    ASSERT_EQ(::mkdir("/dev/shm/last", 0700), 0);
    expect_refused(Status::kOutOfMemory, name_.str(), ENOSPC, [this] { return Cache::create(name_, with_capacity(kMiB)); });
    ASSERT_EQ(::rmdir("/dev/shm/last"), 0);
    EXPECT_EQ(Cache::create(name_, with_capacity(kMiB)).set("key", "value"), Status::kOk);
  });
  CARAFE_EXPECT_FINE(child);
}

TEST_F(SpaceTest, AReadOnlyDevShmIsForLookingOnly) {
  Child child = with_shm("size=8m", 0, [this] {
    { ASSERT_EQ(Cache::create(name_, with_capacity(kMiB)).set("key", "value"), Status::kOk); }
    ASSERT_EQ(::mount("none", kShm, nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    expect_refused(Status::kNoPermission, "other", EROFS, [] { return Cache::create("other", with_capacity(kMiB)); });
    expect_refused(Status::kNoPermission, name_.str(), EROFS, [this] { return Cache::open(name_); });
    expect_refused(Status::kNoPermission, name_.str(), EROFS, [this] { return Cache::open_or_create(name_); });
    EXPECT_THROW(Cache::remove(name_), Error);
    EXPECT_EQ(Cache::open_read_only(name_).get("key"), "value");
  });
  CARAFE_EXPECT_FINE(child);
}

/// A default ACL on the folder would be inherited, and let in whom the mode seems to keep out.
TEST_F(SpaceTest, ADefaultAccessControlListOfTheFolderIsNotInherited) {
  Child child = with_shm("size=8m", 0, [this] {
    if (!let_in(kShm, "system.posix_acl_default", 65534, 7, 7)) return;  // then there are none to inherit
    for (const unsigned mode : {0600U, 0660U}) {
      Options options = with_capacity(kMiB);
      options.mode = mode;
      const Cache made = Cache::create(name_, options);
      EXPECT_LE(::getxattr(name_.path().c_str(), "system.posix_acl_access", nullptr, 0), 0) << "inherited";
      struct stat found {};
      EXPECT_EQ(::stat(name_.path().c_str(), &found), 0);
      EXPECT_EQ(found.st_mode & 0777, mode);
      EXPECT_NO_THROW(Cache::open(name_, options)) << "the next worker refuses what the first one made";
      EXPECT_TRUE(Cache::remove(name_, options));
    }
  });
  CARAFE_EXPECT_FINE(child);
}

/// Without /proc a named segment is found by its name. An anonymous one has none: that is said.
TEST_F(SpaceTest, WithoutProcNamedSegmentsWorkAndAnonymousOnesSayWhatTheyMiss) {
  Child child = with_shm("size=8m", 0, [this] {
    if (::mount("tmpfs", "/proc", "tmpfs", 0, "size=1m") != 0) return;
    Cache cache = Cache::create(name_, with_capacity(kMiB));
    EXPECT_EQ(workout(cache, "creator", 50), "");
    Cache opened = Cache::open(name_);
    EXPECT_EQ(workout(opened, "opener", 50), "");
    Child worker = Child::fork([&] { return workout(cache, "worker", 50).empty() ? 0 : 1; });
    EXPECT_EQ(worker.wait(), 0);
    try {
      static_cast<void>(Cache::create_anonymous(with_capacity(kMiB)));
      ADD_FAILURE() << "made without a way to register";
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::kNoWorkerSlot);
      EXPECT_NE(std::string(error.what()).find("/proc mounted?"), std::string::npos) << error.what();
    }
  });
  CARAFE_EXPECT_FINE(child);
}

/// A limit of the memory cgroup. The kernel would answer the reservation with SIGKILL, so it is asked first.
TEST_F(SpaceTest, ACapacityBeyondTheCgroupsLimitIsRefusedBeforeTheKernelKills) {
  MemoryCgroup group("carafe-test-limit");
  if (!group.made()) GTEST_SKIP() << group.why_not();
  ASSERT_TRUE(group.limit(std::uint64_t{32} << 20));
  Child child = Child::fork([&] {
    if (!group.enter()) return forbidden("may not enter a memory cgroup");
    expect_refused(Status::kOverCgroupLimit, name_.str(), 48 * kMiB, [this] { return Cache::create(name_, with_capacity(48 * kMiB)); });
    expect_refused(Status::kOverCgroupLimit, "anonymous", 48 * kMiB, [] { return Cache::create_anonymous(with_capacity(48 * kMiB)); });
    Cache cache = Cache::create(name_, with_capacity(8 * kMiB));
    EXPECT_EQ(fill_uniformly(cache, 16, 1'000).failed, 0U);
    return verdict();
  });
  CARAFE_EXPECT_FINE(child);
}

/// What a cgroup may look like, of both versions and nested, where no real one can be made: files in their places.
TEST_F(SpaceTest, TheTightestLimitOfAllCgroupsAboveUsCounts) {
  struct Arrangement {
    const char* what;
    std::string groups;                                      // of /proc/self/cgroup
    std::vector<std::pair<std::string, std::string>> files;  // below /sys/fs/cgroup
    bool refused;
  };
  const std::string mib8 = std::to_string(8 * kMiB);
  const std::string mib99 = std::to_string(99 * kMiB);
  const std::vector<Arrangement> arrangements = {
      {"no limit", "0::/a/b\n", {{"a/b/memory.max", "max\n"}, {"a/b/memory.current", "1000\n"}}, false},
      {"no files", "0::/a/b\n", {}, false},
      {"version 2", "0::/a/b\n", {{"a/b/memory.max", mib8}, {"a/b/memory.current", "0"}}, true},
      {"version 2, above", "0::/a/b\n", {{"a/b/memory.max", "max"}, {"a/memory.max", mib8}, {"a/memory.current", "0"}}, true},
      {"version 2, in a namespace", "0::/\n", {{"memory.max", mib8}, {"memory.current", "0"}}, true},
      {"version 2, room taken", "0::/a\n", {{"a/memory.max", mib99}, {"a/memory.current", std::to_string(91 * kMiB)}}, true},
      {"version 2, taken by what can be given back",
       "0::/a\n",
       {{"a/memory.max", mib99},
        {"a/memory.current", std::to_string(91 * kMiB)},
        {"a/memory.stat", "anon 5\ninactive_file " + mib99 + "\n"}},
       false},
      {"version 2, just enough", "0::/a\n", {{"a/memory.max", std::to_string(16 * kMiB)}, {"a/memory.current", "0"}}, false},
      {"version 1", "4:memory:/c\n1:cpu:/\n", {{"memory/c/memory.limit_in_bytes", mib8}, {"memory/c/memory.usage_in_bytes", "0"}}, true},
      {"version 1, in a container",
       "4:memory:/docker/abc\n",
       {{"memory/memory.limit_in_bytes", mib8}, {"memory/memory.usage_in_bytes", "0"}},
       true},
      {"version 1, with another",
       "4:cpu,memory:/c\n0::/\n",
       {{"memory/c/memory.limit_in_bytes", mib8}, {"memory/c/memory.usage_in_bytes", "0"}},
       true},
      {"nonsense", "\n:\n::\nmemory\n9:memory\n", {}, false},
  };
  for (const Arrangement& arrangement : arrangements) {
    SCOPED_TRACE(arrangement.what);
    Child child = with_shm("size=64m", 0, [&] {
      ASSERT_EQ(mount_memory("/sys/fs/cgroup", "size=1m"), "");
      for (const auto& [file, text] : arrangement.files) {
        for (std::size_t at = file.find('/'); at != std::string::npos; at = file.find('/', at + 1))
          ::mkdir(("/sys/fs/cgroup/" + file.substr(0, at)).c_str(), 0755);
        ASSERT_TRUE(write_file("/sys/fs/cgroup/" + file, text));
      }
      ASSERT_TRUE(write_file("/sys/fs/cgroup/groups", arrangement.groups));
      ASSERT_EQ(::mount("/sys/fs/cgroup/groups", ("/proc/" + std::to_string(::getpid()) + "/cgroup").c_str(), nullptr, MS_BIND, nullptr),
                0);
      if (arrangement.refused) {
        expect_refused(Status::kOverCgroupLimit, name_.str(), 16 * kMiB, [this] { return Cache::create(name_, with_capacity(16 * kMiB)); });
      } else {
        EXPECT_NO_THROW(static_cast<void>(Cache::create(name_, with_capacity(16 * kMiB))));
      }
    });
    CARAFE_EXPECT_FINE(child);
  }
}

}  // namespace
}  // namespace carafe::test
