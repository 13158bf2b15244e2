// SPDX-License-Identifier: MIT
/// Descriptors closed behind our back, and their numbers given to files that somebody loves. tests/process/fork_test.cc has workers that go
/// on, and take over from the dead, after closefrom(3); here it is about the others' files.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "carafe/carafe.h"
#include "company/inmate.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

/// A file of the application's, with a classic lock on it: closing any descriptor of the file in this process would lose that.
class LovedFile {
 public:
  explicit LovedFile(const std::string& content) {
    char path[] = "/tmp/carafe-loved-XXXXXX";
    const int fd = ::mkstemp(path);
    CHILD_REQUIRE(fd >= 0 && ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    ::close(fd);
    path_ = path;
    content_ = content;
  }
  ~LovedFile() { ::unlink(path_.c_str()); }
  LovedFile(const LovedFile&) = delete;
  LovedFile& operator=(const LovedFile&) = delete;

  int open_locked() {
    const int fd = ::open(path_.c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    CHILD_REQUIRE(fd >= 0 && ::fcntl(fd, F_SETLK, &lock) == 0);
    fds_.push_back(fd);
    return fd;
  }
  /// What was done to it; empty when nothing was.
  [[nodiscard]] std::string damage() const {
    struct stat ours {};
    if (::stat(path_.c_str(), &ours) != 0) return "gone";
    for (const int fd : fds_) {
      struct stat found {};
      if (::fstat(fd, &found) != 0 || found.st_ino != ours.st_ino) return "descriptor " + std::to_string(fd) + " was closed";
      if (::lseek(fd, 0, SEEK_CUR) != 0) return "descriptor " + std::to_string(fd) + " was read or written";
    }
    std::string content(content_.size() + 1, '\0');  // through a descriptor that stays open: closing a new one would lose the lock
    const ssize_t got = ::pread(fds_.at(0), content.data(), content.size(), 0);
    if (got != static_cast<ssize_t>(content_.size()) || content.substr(0, content_.size()) != content_) return "it was written to";
    // A classic lock is seen by others only.
    Child other = Child::fork([this] {
      struct flock lock {};
      lock.l_type = F_WRLCK;
      const int fd = ::open(path_.c_str(), O_RDWR);
      return ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK ? 0 : 1;
    });
    return other.wait() == 0 ? "" : "its lock was lost";
  }

 private:
  std::string path_;
  std::string content_;
  std::vector<int> fds_;
};

class DescriptorsTest : public ::testing::TestWithParam<bool> {
 protected:
  ScratchName name_{"descriptors"};
};

TEST_P(DescriptorsTest, NothingIsDoneToAForeignFileThatGotOurNumber) {
  Child child = Child::fork([this] {
    LovedFile loved("the application's data");
    std::optional<Cache> cache = GetParam() ? Cache::create(name_, with_capacity(kMiB)) : Cache::create_anonymous(with_capacity(kMiB));
    CHILD_REQUIRE(cache->set("key", "value") == Status::kOk);
    ::closefrom(3);
    while (loved.open_locked() < 20) {
    }
    EXPECT_EQ(workout(*cache, "after", 200), "");
    EXPECT_EQ(loved.damage(), "") << "after use";
    static_cast<void>(cache->stats());
    static_cast<void>(cache->workers());
    static_cast<void>(cache->slabs());
    EXPECT_TRUE(cache->verify().ok);
    ::usleep(900'000);  // past two looks for the name
    EXPECT_EQ(workout(*cache, "later", 200), "");
    EXPECT_EQ(loved.damage(), "") << "after looking around";
    Child worker = Child::fork([&] {  // registers, if it can, by name
      static_cast<void>(cache->set("worker", "value"));
      cache.reset();
      return 0;
    });
    EXPECT_EQ(worker.wait(), 0);
    if (GetParam()) {
      EXPECT_TRUE(Cache::remove(name_));
      EXPECT_EQ(cache->set("key", "value"), Status::kRetired);
      const Cache next = Cache::create(name_, with_capacity(kMiB));
      EXPECT_TRUE(eventually(std::chrono::seconds(2), [&] { return cache->set("key", "new") == Status::kOk; }));
      EXPECT_EQ(loved.damage(), "") << "after following the name";
    }
    cache.reset();
    EXPECT_EQ(loved.damage(), "") << "after closing";
    return verdict();
  });
  CARAFE_EXPECT_FINE(child);
}

/// The number goes to another segment, or to another handle of the same: neither is mixed up.
TEST_P(DescriptorsTest, AnotherSegmentThatGotOurNumberIsNotMixedUp) {
  Child child = Child::fork([this] {
    const ScratchName other_name("other");
    std::optional<Cache> cache = GetParam() ? Cache::create(name_, with_capacity(kMiB)) : Cache::create_anonymous(with_capacity(kMiB));
    CHILD_REQUIRE(cache->set("key", "ours") == Status::kOk);
    ::closefrom(3);
    Cache other = Cache::create(other_name, with_capacity(2 * kMiB));
    CHILD_REQUIRE(other.set("key", "theirs") == Status::kOk);
    EXPECT_EQ(cache->get("key"), "ours");
    EXPECT_EQ(workout(*cache, "one", 100), "");
    EXPECT_EQ(workout(other, "other", 100), "");
    EXPECT_EQ(cache->get("key"), "ours");
    EXPECT_EQ(cache->info().capacity_bytes, kMiB);
    std::uint64_t alive = 0;
    for (const WorkerStats& each : other.workers()) alive += each.alive ? 1 : 0;
    EXPECT_EQ(alive, 1U);
    std::optional<Cache> second;
    if (GetParam()) second = Cache::open(name_);
    cache.reset();  // may not take the other's descriptor along
    EXPECT_EQ(workout(other, "other", 100), "");
    Child worker = Child::fork([&] { return workout(other, "worker", 50).empty() ? 0 : 1; });
    EXPECT_EQ(worker.wait(), 0);
    if (second) {
      EXPECT_EQ(second->get("key"), "ours");
      EXPECT_EQ(workout(*second, "second", 50), "");
    }
    EXPECT_TRUE(Cache::remove(other_name));
    return verdict();
  });
  CARAFE_EXPECT_FINE(child);
}

INSTANTIATE_TEST_SUITE_P(Segments, DescriptorsTest, ::testing::Bool(),
                         [](const auto& named) { return std::string(named.param ? "Named" : "Anonymous"); });

}  // namespace
}  // namespace carafe::test
