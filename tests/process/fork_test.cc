// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/values.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

struct Board {
  Meeting meeting;
  std::atomic<std::uint32_t> stop;
  std::atomic<std::uint64_t> begun;
  std::atomic<std::uint64_t> done;
  std::atomic<std::uint32_t> finished;  // 1 + exit status of a process that is nobody's child any more
  std::atomic<std::int64_t> pid;
};

// AddressSanitizer's allocator takes no care of fork: a child of a threaded parent may wait in malloc for a lock nobody holds any more.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAllocatorSurvivesFork = false;
#elif defined(__has_feature)
constexpr bool kAllocatorSurvivesFork = !__has_feature(address_sanitizer);
#else
constexpr bool kAllocatorSurvivesFork = true;
#endif

int report(const std::string& wrong) {
  if (!wrong.empty()) std::fprintf(stderr, "process %d: %s\n", static_cast<int>(::getpid()), wrong.c_str());
  return wrong.empty() ? 0 : 1;
}

/// A handle that was open before the fork, used by parent and child at once. `true`: a named segment, `false`: an anonymous one.
class ForkProcessTest : public ::testing::TestWithParam<bool> {
 protected:
  std::uint64_t alive() {
    std::uint64_t count = 0;
    for (const WorkerStats& worker : cache_.workers()) count += worker.alive ? 1 : 0;
    return count;
  }
  /// Increments a counter until told to stop; each is counted before and after, outside the cache.
  int count_until_stopped() {
    while (board_.stop.load() == 0) {
      board_.begun.fetch_add(1);
      CHILD_REQUIRE(insist([&] { return cache_.increment("count", 1).status; }) == Status::kOk);
      board_.done.fetch_add(1);
    }
    return 0;
  }
  std::uint64_t count() { return std::stoull(cache_.get("count").value_or("0")); }

  ScratchName name_{"fork"};
  Cache cache_ = GetParam() ? Cache::create(name_, with_capacity(4 * kMiB)) : Cache::create_anonymous(with_capacity(4 * kMiB));
  SharedMemory memory_{sizeof(Board)};
  Board& board_ = memory_.as<Board>();
};

TEST_P(ForkProcessTest, ParentAndChildUseTheHandleAtOnce) {
  ASSERT_EQ(cache_.set("before", "the fork"), Status::kOk);
  Child child = Child::fork([this] {
    CHILD_REQUIRE(cache_.get("before") == "the fork");
    CHILD_REQUIRE(board_.meeting.meet(2));
    const int status = report(workout(cache_, "child", 5'000));
    CHILD_REQUIRE(board_.meeting.meet(2));
    CHILD_REQUIRE(board_.meeting.meet(2));
    return status;
  });
  ASSERT_TRUE(board_.meeting.meet(2));
  EXPECT_EQ(workout(cache_, "parent", 5'000), "");
  ASSERT_TRUE(board_.meeting.meet(2));
  EXPECT_EQ(alive(), 2U) << "parent and child have a slot each";
  ASSERT_TRUE(board_.meeting.meet(2));
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(alive(), 1U);
  EXPECT_TRUE(cache_.verify().ok);
}

TEST_P(ForkProcessTest, AHandleThatWasNeverUsedBeforeTheForkWorksInBoth) {
  Child child = Child::fork([this] { return report(workout(cache_, "child", 500)); });
  EXPECT_EQ(workout(cache_, "parent", 500), "");
  EXPECT_EQ(child.wait(), 0);
}

TEST_P(ForkProcessTest, AChildThatClosesItsHandleOrExitsDisturbsNobody) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  for (int i = 0; i < 20; ++i) {
    Child child = Child::fork([&] {
      CHILD_REQUIRE(cache_.get("key") == "value");
      { const Cache closed = std::move(cache_); }
      return 0;
    });
    ASSERT_EQ(child.wait(), 0);
    ASSERT_EQ(cache_.get("key"), "value");
    ASSERT_EQ(workout(cache_, "parent", 20), "");
    ASSERT_EQ(alive(), 1U) << "the child released our slot";
  }
}

TEST_P(ForkProcessTest, AChildMadeByRawCloneHasASlotOfItsOwn) {
  ASSERT_EQ(cache_.set("before", "the clone"), Status::kOk);  // so that our identity is there to be inherited by mistake
  const pid_t pid = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0));
  ASSERT_GE(pid, 0);
  if (pid == 0) {  // no atfork handler ran
    CHILD_REQUIRE(cache_.get("before") == "the clone");
    CHILD_REQUIRE(insist([&] { return cache_.set("first", "set"); }) == Status::kOk);
    CHILD_REQUIRE(board_.meeting.meet(2));
    const int status = report(workout(cache_, "child", 5'000));
    CHILD_REQUIRE(board_.meeting.meet(2));
    CHILD_REQUIRE(board_.meeting.meet(2));
    ::_exit(status);
  }
  ASSERT_TRUE(board_.meeting.meet(2));
  EXPECT_EQ(workout(cache_, "parent", 5'000), "");
  ASSERT_TRUE(board_.meeting.meet(2));
  EXPECT_EQ(alive(), 2U);
  ASSERT_TRUE(board_.meeting.meet(2));
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(cache_.verify().ok);
}

TEST_P(ForkProcessTest, ADaemonMadeByDoubleForkGoesOn) {
  ASSERT_EQ(cache_.set("before", "the fork"), Status::kOk);
  Child middle = Child::fork([this] {
    CHILD_REQUIRE(::setsid() > 0);
    const pid_t daemon = ::fork();
    CHILD_REQUIRE(daemon >= 0);
    if (daemon == 0) {
      int status = 1;
      if (cache_.get("before") == "the fork") status = report(workout(cache_, "daemon", 2'000));
      board_.finished.store(1 + static_cast<std::uint32_t>(status));
      ::_exit(status);
    }
    return 0;
  });
  EXPECT_EQ(middle.wait(), 0);
  EXPECT_EQ(workout(cache_, "parent", 2'000), "");
  ASSERT_TRUE(eventually(20s, [this] { return board_.finished.load() != 0; }));
  EXPECT_EQ(board_.finished.load(), 1U);
}

TEST_P(ForkProcessTest, AChildOutlivesItsParentWhoeverKilledIt) {
  for (const int ending : {0, SIGKILL}) {
    board_.stop.store(0);
    board_.finished.store(0);
    Child middle = Child::fork([this, ending] {
      CHILD_REQUIRE(insist([&] { return cache_.set("middle", "was here"); }) == Status::kOk);
      const pid_t grandchild = ::fork();
      CHILD_REQUIRE(grandchild >= 0);
      if (grandchild == 0) {
        const int status = count_until_stopped();
        board_.finished.store(1 + static_cast<std::uint32_t>(status));
        ::_exit(status);
      }
      CHILD_REQUIRE(eventually(10s, [this] { return board_.done.load() > 100; }));
      if (ending != 0) ::raise(ending);
      return 0;
    });
    EXPECT_EQ(middle.wait(), ending == 0 ? 0 : 128 + ending);
    // Were the child still its parent's worker, it would be taken for dead now, and lose its locks and chunks to us.
    const std::uint64_t before = board_.done.load();
    const auto end = std::chrono::steady_clock::now() + 300ms;
    std::uint64_t ours = 0;
    for (; std::chrono::steady_clock::now() < end; ++ours) {
      ASSERT_EQ(insist([&] { return cache_.increment("count", 1).status; }), Status::kOk);
    }
    ASSERT_TRUE(eventually(10s, [&] { return board_.done.load() > before + 100; })) << "the orphan does not go on";
    EXPECT_EQ(alive(), 2U);
    board_.stop.store(1);
    ASSERT_TRUE(eventually(20s, [this] { return board_.finished.load() != 0; }));
    EXPECT_EQ(board_.finished.load(), 1U);
    EXPECT_EQ(count(), board_.done.load() + ours);
    ASSERT_EQ(cache_.erase("count"), Status::kOk);
    board_.done.store(0);
  }
}

TEST_P(ForkProcessTest, ForksFromAParentWhoseThreadsAreWriting) {
  if (!kAllocatorSurvivesFork) GTEST_SKIP() << "AddressSanitizer's allocator does not survive it";
  std::atomic<bool> stop{false};
  std::vector<std::string> wrong(3);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      while (!stop.load() && wrong[i].empty()) wrong[i] = workout(cache_, "thread" + std::to_string(i), 50);
    });
  }
  std::vector<Child> children;
  for (int i = 0; i < 60; ++i) {
    children.push_back(Child::fork([this, i] {
      if (i % 3 == 2) {  // killed in the middle
        board_.pid.store(::getpid());
        return count_until_stopped();
      }
      return report(workout(cache_, "child" + std::to_string(i), 100));
    }));
    if (i % 3 == 2) {
      EXPECT_TRUE(eventually(10s, [this, &children] { return board_.pid.load() == children.back().pid(); }));
      std::this_thread::sleep_for(1ms);
      children.back().kill();
    }
    if (children.size() == 8) {
      for (Child& child : children) {
        if (child.pid() > 0) {
          EXPECT_EQ(child.wait(), 0);
        }
      }
      children.clear();
    }
  }
  for (Child& child : children) {
    if (child.pid() > 0) {
      EXPECT_EQ(child.wait(), 0);
    }
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : wrong) EXPECT_EQ(text, "");
  EXPECT_LE(board_.done.load(), count());
  EXPECT_GE(board_.begun.load(), count());
  EXPECT_TRUE(cache_.verify().ok);
}

TEST_P(ForkProcessTest, TenGenerationsEachForkTheNext) {
  Child first = Child::fork([this] {
    int generation = 0;
    for (; generation < 10; ++generation) {
      CHILD_REQUIRE(insist([&] { return cache_.increment("generation", 1).status; }) == Status::kOk);
      const pid_t next = ::fork();
      CHILD_REQUIRE(next >= 0);
      if (next == 0) continue;
      const int status = report(workout(cache_, "generation" + std::to_string(generation), 200));
      int child_status = -1;
      CHILD_REQUIRE(::waitpid(next, &child_status, 0) == next);
      CHILD_REQUIRE(child_status == 0);
      ::_exit(status);
    }
    return 0;
  });
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(cache_.get("generation"), "10");
  EXPECT_EQ(alive(), cache_.stats().workers);
}

TEST_P(ForkProcessTest, AWorkerThatClosesAllDescriptorsGoesOn) {
  ASSERT_EQ(cache_.set("before", "value"), Status::kOk);
  for (const bool used_before : {false, true}) {
    Child disturber = Child::fork([this] { return count_until_stopped(); });
    Child child = Child::fork([this, used_before] {
      if (used_before) {
        CHILD_REQUIRE(insist([&] { return cache_.set("child", "value"); }) == Status::kOk);
      }
      ::closefrom(3);
      std::vector<int> ours;  // the numbers are given to others now
      for (int i = 0; i < 40; ++i) ours.push_back(::open("/dev/null", O_RDWR));
      struct stat null {};
      CHILD_REQUIRE(::fstat(ours[0], &null) == 0);
      CHILD_REQUIRE(cache_.get("before") == "value");
      if (used_before || ::geteuid() == 0) {
        const int status = report(workout(cache_, "child", 3'000));
        if (status != 0) return status;
        CHILD_REQUIRE(insist([&] { return cache_.increment("count", 0).status; }) == Status::kOk);
      }
      static_cast<void>(cache_.stats());
      static_cast<void>(cache_.workers());
      CHILD_REQUIRE(cache_.verify().ok);
      { const Cache closed = std::move(cache_); }
      for (const int fd : ours) {
        struct stat status {};
        CHILD_REQUIRE(::fstat(fd, &status) == 0 && status.st_ino == null.st_ino);  // nobody closed or replaced what is ours now
      }
      return 0;
    });
    EXPECT_EQ(child.wait(), 0) << "used before: " << used_before;
    board_.stop.store(1);
    EXPECT_EQ(disturber.wait(), 0);
    board_.stop.store(0);
  }
}

/// Proof of death needs a descriptor of the segment's file. A worker that has none left gets one by name; on an anonymous segment, which
/// has no name, it has to wait (kBusy, in bounded time) for a worker that has one.
TEST_P(ForkProcessTest, AKilledLockHolderIsSucceededByAWorkerWithoutDescriptors) {
  ASSERT_EQ(cache_.set("before", "value"), Status::kOk);
  Child child = Child::fork([this] {
    CHILD_REQUIRE(insist([&] { return cache_.set("child", "value"); }) == Status::kOk);
    ::closefrom(3);
    while (::open("/dev/null", O_RDWR) < 30) {
    }
    CHILD_REQUIRE(board_.meeting.meet(2));
    while (board_.stop.load() == 0) {
      const auto start = std::chrono::steady_clock::now();
      const Status status = cache_.increment("count", 1).status;
      CHILD_REQUIRE(status == Status::kOk || status == Status::kBusy);
      CHILD_REQUIRE(std::chrono::steady_clock::now() - start < 2s);
      if (status == Status::kOk) board_.done.fetch_add(1);
    }
    return 0;
  });
  ASSERT_TRUE(board_.meeting.meet(2));
  for (int i = 0; i < 100; ++i) {
    Child victim = Child::fork([this] {
      for (;;) static_cast<void>(cache_.increment("count", 1));
      return 0;
    });
    std::this_thread::sleep_for(2ms);
    victim.kill();
    if (!GetParam()) {
      ASSERT_EQ(insist([&] { return cache_.increment("count", 1).status; }), Status::kOk);
    }
    const std::uint64_t before = board_.done.load();
    ASSERT_TRUE(eventually(5s, [&] { return board_.done.load() > before + 10; })) << "nothing but kBusy after kill " << i;
  }
  board_.stop.store(1);
  EXPECT_EQ(child.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(Segments, ForkProcessTest, ::testing::Bool(),
                         [](const auto& named) { return std::string(named.param ? "Named" : "Anonymous"); });

}  // namespace
}  // namespace carafe::test
