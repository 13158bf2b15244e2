// SPDX-License-Identifier: MIT
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/values.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

constexpr uid_t kNobody = 65534;

struct Board {
  Meeting meeting;
  std::atomic<std::uint64_t> done;
};

void become_nobody() {
  CHILD_REQUIRE(::setgroups(0, nullptr) == 0);
  CHILD_REQUIRE(::setgid(kNobody) == 0);
  CHILD_REQUIRE(::setuid(kNobody) == 0);
  CHILD_REQUIRE(::geteuid() == kNobody);
}

int report(const std::string& wrong) {
  if (!wrong.empty()) std::fprintf(stderr, "worker %d: %s\n", static_cast<int>(::getpid()), wrong.c_str());
  return wrong.empty() ? 0 : 1;
}

/// A master that runs as root, and workers that drop to another user after the fork, as Apache, nginx and PHP-FPM do.
class PrivilegesProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    char path[] = "/tmp/carafe-empty-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    empty_directory_ = path;
    ASSERT_EQ(::chmod(path, 0755), 0);
  }
  void TearDown() override {
    if (!empty_directory_.empty()) ::rmdir(empty_directory_.c_str());
  }
  void enter_empty_chroot() const { CHILD_REQUIRE(::chroot(empty_directory_.c_str()) == 0 && ::chdir("/") == 0); }

  std::uint64_t alive(const Cache& cache) {
    std::uint64_t count = 0;
    for (const WorkerStats& worker : cache.workers()) count += worker.alive ? 1 : 0;
    return count;
  }
  Cache make(bool named) {
    return named ? Cache::create(name_, with_capacity(2 * kMiB)) : Cache::create_anonymous(with_capacity(2 * kMiB));
  }

  ScratchName name_{"privileges"};
  SharedMemory memory_{sizeof(Board)};
  Board& board_ = memory_.as<Board>();
  std::string empty_directory_;
};

TEST_F(PrivilegesProcessTest, AWorkerThatDropsItsPrivilegesGoesOnReadingAndWriting) {
  for (const bool named : {true, false}) {
    for (const bool used_before : {true, false}) {
      for (const bool chrooted : {true, false}) {
        SCOPED_TRACE(std::string(named ? "named" : "anonymous") + (used_before ? ", used before the fork" : "") +
                     (chrooted ? ", chrooted" : ""));
        Cache cache = make(named);
        if (used_before) {
          ASSERT_EQ(cache.set("master", "value"), Status::kOk);
        }
        Child worker = Child::fork([&] {
          if (chrooted) enter_empty_chroot();
          become_nobody();
          CHILD_REQUIRE(board_.meeting.meet(2));
          const int status = report(workout(cache, "worker", 2'000));
          CHILD_REQUIRE(insist([&] { return cache.set("from the worker", "hello"); }) == Status::kOk);
          CHILD_REQUIRE(board_.meeting.meet(2));
          CHILD_REQUIRE(board_.meeting.meet(2));
          CHILD_REQUIRE(cache.get("from the master") == "hello");
          CHILD_REQUIRE(cache.verify().ok);
          return status;
        });
        ASSERT_TRUE(board_.meeting.meet(2));
        EXPECT_EQ(workout(cache, "parent", 2'000), "");
        ASSERT_TRUE(board_.meeting.meet(2));
        EXPECT_EQ(cache.get("from the worker"), "hello");
        EXPECT_EQ(insist([&] { return cache.set("from the master", "hello"); }), Status::kOk);
        EXPECT_EQ(alive(cache), 2U) << "the worker has to have a slot of its own";
        ASSERT_TRUE(board_.meeting.meet(2));
        EXPECT_EQ(worker.wait(), 0);
        EXPECT_EQ(alive(cache), 1U);
        if (named) {
          ASSERT_TRUE(Cache::remove(name_));
        }
      }
    }
  }
}

TEST_F(PrivilegesProcessTest, WorkersWithoutPrivilegesAreProvenDeadWhenTheyAreKilled) {
  for (const bool named : {true, false}) {
    Cache cache = make(named);
    ASSERT_EQ(cache.set("count", "0"), Status::kOk);
    for (int i = 0; i < 60; ++i) {
      const std::uint64_t before = board_.done.load();
      Child worker = Child::fork([&] {
        enter_empty_chroot();
        become_nobody();
        for (;;) {
          CHILD_REQUIRE(insist([&] { return cache.increment("count", 1).status; }) == Status::kOk);
          board_.done.fetch_add(1);
        }
        return 0;
      });
      ASSERT_TRUE(eventually(10s, [&] { return board_.done.load() > before + 20; }));
      worker.kill();
      const auto start = std::chrono::steady_clock::now();
      ASSERT_EQ(cache.increment("count", 1).status, Status::kOk) << "after kill " << i;
      ASSERT_LT(std::chrono::steady_clock::now() - start, 500ms);
      ASSERT_EQ(alive(cache), 1U);
    }
    if (named) {
      ASSERT_TRUE(Cache::remove(name_));
    }
  }
}

TEST_F(PrivilegesProcessTest, AWorkerWithoutPrivilegesTakesOverFromAKilledOne) {
  for (const bool named : {true, false}) {
    SCOPED_TRACE(named ? "named" : "anonymous");
    Cache cache = make(named);
    ASSERT_EQ(cache.set("count", "0"), Status::kOk);
    Child survivor = Child::fork([&] {
      enter_empty_chroot();
      become_nobody();
      CHILD_REQUIRE(board_.meeting.meet(2));
      for (int i = 0; i < 30'000; ++i) {
        const auto start = std::chrono::steady_clock::now();
        CHILD_REQUIRE(insist([&] { return cache.increment("count", 1).status; }) == Status::kOk);
        CHILD_REQUIRE(std::chrono::steady_clock::now() - start < 3s);
      }
      return 0;
    });
    ASSERT_TRUE(board_.meeting.meet(2));
    for (int i = 0; i < 40; ++i) {
      Child victim = Child::fork([&] {
        become_nobody();
        for (;;) static_cast<void>(cache.increment("count", 1));
        return 0;
      });
      ::usleep(2'000);
      victim.kill();
    }
    EXPECT_EQ(survivor.wait(), 0);
    if (named) {
      ASSERT_TRUE(Cache::remove(name_));
    }
  }
}

TEST_F(PrivilegesProcessTest, AWorkerThatMayNotOpenTheNewSegmentMissesAndSaysWhy) {
  std::optional<Cache> cache = make(true);
  ASSERT_EQ(cache->set("key", "old"), Status::kOk);
  Child worker = Child::fork([&] {
    become_nobody();
    CHILD_REQUIRE(cache->get("key") == "old");
    CHILD_REQUIRE(board_.meeting.meet(2));
    CHILD_REQUIRE(board_.meeting.meet(2));
    CHILD_REQUIRE(!cache->get("key"));
    CHILD_REQUIRE(eventually(1500ms, [&] { return cache->set("key", "lost") == Status::kCannotReopen; }));
    CHILD_REQUIRE(!cache->get("key"));
    CHILD_REQUIRE(cache->stats().cannot_reopen > 0);
    return 0;
  });
  ASSERT_TRUE(board_.meeting.meet(2));
  ASSERT_TRUE(Cache::remove(name_));
  Cache fresh = make(true);
  ASSERT_EQ(fresh.set("key", "new"), Status::kOk);
  ASSERT_TRUE(board_.meeting.meet(2));
  EXPECT_EQ(worker.wait(), 0);
  EXPECT_EQ(fresh.get("key"), "new");
}

TEST_F(PrivilegesProcessTest, AGroupAndMode0660LetTheWorkerFollowTheName) {
  Options options = with_capacity(2 * kMiB);
  options.mode = 0660;
  options.group = std::to_string(kNobody);
  Cache cache = Cache::create(name_, options);
  ASSERT_EQ(cache.set("key", "old"), Status::kOk);
  Child worker = Child::fork([&] {
    become_nobody();
    CHILD_REQUIRE(cache.get("key") == "old");
    CHILD_REQUIRE(board_.meeting.meet(2));
    CHILD_REQUIRE(board_.meeting.meet(2));
    CHILD_REQUIRE(eventually(1500ms, [&] { return cache.get("key") == "new"; }));
    CHILD_REQUIRE(insist([&] { return cache.set("from the worker", "hello"); }) == Status::kOk);
    return report(workout(cache, "worker", 500));
  });
  ASSERT_TRUE(board_.meeting.meet(2));
  ASSERT_TRUE(Cache::remove(name_, options));
  Cache fresh = Cache::create(name_, options);
  ASSERT_EQ(fresh.set("key", "new"), Status::kOk);
  ASSERT_TRUE(board_.meeting.meet(2));
  EXPECT_EQ(worker.wait(), 0);
  EXPECT_EQ(fresh.get("from the worker"), "hello");
}

TEST_F(PrivilegesProcessTest, AWorkerOfAnotherUserOpensByNameWhenTheGroupLetsIt) {
  Options options = with_capacity(kMiB);
  options.mode = 0660;
  options.group = std::to_string(kNobody);
  Cache cache = Cache::create(name_, options);
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  Child worker = Child::fork([&] {
    become_nobody();
    Cache own = Cache::open(name_, options);
    CHILD_REQUIRE(own.get("key") == "value");
    return report(workout(own, "worker", 500));
  });
  EXPECT_EQ(worker.wait(), 0);
}

}  // namespace
}  // namespace carafe::test
