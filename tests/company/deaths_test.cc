// SPDX-License-Identifier: MIT
/// Ends that break a robust mutex: memory reaped before the process is gone, the kernel's OOM killer, a core dump that takes its time.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "carafe/carafe.h"
#include "company/captor.h"
#include "company/inmate.h"
#include "company/memory_cgroup.h"
#include "support/child.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/values.h"
#include "support/workout.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

struct Board {
  std::atomic<std::uint32_t> ready;
};

/// Memory of the process's own, every page of it touched.
char* private_memory(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  for (std::size_t at = 0; at < bytes; at += 4096) static_cast<char*>(memory)[at] = static_cast<char>(at >> 12 | 1);
  return static_cast<char*>(memory);
}

class DeathsTest : public ::testing::Test {
 protected:
  /// Holds every stripe of the named segment, has `bytes` of memory, and then does `rest`.
  Child holder(std::size_t bytes, const std::function<int()>& rest) {
    board_.ready.store(0);
    return Child::fork([&, bytes] {
      const std::unique_ptr<Engine> engine = open_engine(name_);
      CHILD_REQUIRE(private_memory(bytes) != nullptr);
      CHILD_REQUIRE(hold_every_stripe(*engine));
      board_.ready.store(1);
      return rest();
    });
  }
  bool is_ready() {
    return eventually(20s, [this] { return board_.ready.load() == 1; });
  }
  static int wait_for_ever() {
    for (;;) ::pause();
  }

  ScratchName name_{"deaths"};
  Cache cache_ = Cache::create(name_, with_capacity(2 * kMiB));
  SharedMemory memory_{sizeof(Board)};
  Board& board_ = memory_.as<Board>();
};

/// What earlyoom and others do to make a kill take effect at once: the memory goes before the process does, and with it the list that
/// robust mutexes are found by.
TEST_F(DeathsTest, LocksOfAWorkerWhoseMemoryWasReapedAreTakenOver) {
  for (int round = 0; round < 8; ++round) {
    Child victim = holder(std::size_t{48} << 20, &wait_for_ever);
    ASSERT_TRUE(is_ready());
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, victim.pid(), 0));
    if (pidfd < 0) GTEST_SKIP() << "no pidfd_open: " << std::strerror(errno);
    victim.signal(SIGKILL);
    const long reaped = ::syscall(SYS_process_mrelease, pidfd, 0);
    const int error = errno;
    ::close(pidfd);
    if (reaped != 0 && error != ESRCH) GTEST_SKIP() << "no process_mrelease: " << std::strerror(error);
    ASSERT_EQ(victim.wait(), 128 + SIGKILL);
    ASSERT_EQ(write_everywhere(cache_, 1000ms), "") << "round " << round;
  }
  EXPECT_TRUE(cache_.verify().ok);
  EXPECT_GT(cache_.stats().recoveries, 0U);
}

/// The same in the middle of real writes, at any instruction.
TEST_F(DeathsTest, WritersThatAreKilledAndReapedHarmNobody) {
  ASSERT_EQ(cache_.set("count", "0"), Status::kOk);
  Random random(11);
  for (int round = 0; round < 60; ++round) {
    board_.ready.store(0);
    Child victim = Child::fork([this, round] {
      Random own(static_cast<std::uint64_t>(round));
      for (std::uint64_t i = 0;; ++i) {
        const std::string key = numbered_key("w", own.below(300));
        static_cast<void>(cache_.set(key, value_for(key, i, 24 + own.below(3'000))));
        static_cast<void>(cache_.increment("count", 1));
        board_.ready.store(1);
      }
      return 0;
    });
    ASSERT_TRUE(is_ready());
    ::usleep(static_cast<useconds_t>(random.below(3'000)));
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, victim.pid(), 0));
    victim.signal(SIGKILL);
    if (pidfd < 0 || (::syscall(SYS_process_mrelease, pidfd, 0) != 0 && errno != ESRCH))
      GTEST_SKIP() << "no process_mrelease: " << std::strerror(errno);
    ::close(pidfd);
    victim.kill();
    ASSERT_EQ(cache_.increment("count", 1).status, Status::kOk) << "round " << round;
  }
  cache_.for_each([](std::string_view key, std::string_view value) {
    if (key.substr(0, 2) == "w-") {
      EXPECT_TRUE(sequence_of(key, value).has_value()) << "a torn value of " << key;
    }
  });
  EXPECT_EQ(write_everywhere(cache_, 1000ms), "");
  const VerifyReport report = cache_.verify();
  EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
}

TEST_F(DeathsTest, LocksOfAWorkerThatTheKernelKilledForItsMemoryAreTakenOver) {
  MemoryCgroup group("carafe-test-oom");
  if (!group.made()) GTEST_SKIP() << group.why_not();
  ASSERT_TRUE(group.limit(std::uint64_t{48} << 20));
  for (int round = 0; round < 3; ++round) {
    Child victim = holder(4096, [&group] {
      if (!group.enter()) return forbidden("may not enter a memory cgroup");
      if (private_memory(std::size_t{128} << 20) != nullptr) ::_exit(90);  // it outlived its limit
      return 91;
    });
    ASSERT_TRUE(is_ready());
    const int status = victim.wait();
    if (status == kForbidden) GTEST_SKIP() << "may not enter a memory cgroup";
    ASSERT_EQ(status, 128 + SIGKILL) << "it was not the OOM killer";
    ASSERT_EQ(write_everywhere(cache_, 1000ms), "") << "round " << round;
  }
  EXPECT_TRUE(cache_.verify().ok);
}

/// A process that dumps core is not dead: it keeps its locks until the dump is written, and nobody robs it. Meanwhile reads go on and writes
/// end in bounded time.
class CoreDumpTest : public DeathsTest {
 protected:
  void SetUp() override {
    if (CARAFE_ADDRESS_SANITIZER) GTEST_SKIP() << "AddressSanitizer has terabytes of shadow";
    std::string pattern;
    std::getline(std::ifstream("/proc/sys/kernel/core_pattern") >> std::ws, pattern);
    if (pattern.empty() || pattern[0] == '|' || pattern.find('/') != std::string::npos)
      GTEST_SKIP() << "core dumps do not go to the working folder here, but to \"" << pattern << "\"";
    folder_ = std::filesystem::temp_directory_path() / ("carafe-core-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  /// Ends the child with a core dump in our folder.
  int dump_core() const {
    CHILD_REQUIRE(::chdir(folder_.c_str()) == 0);
    const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_CORE, &all) != 0) return forbidden("may not raise the limit of core dumps");
    ::signal(SIGSEGV, SIG_DFL);
    ::raise(SIGSEGV);
    return 1;
  }
  std::string core() const {
    for (const auto& file : std::filesystem::directory_iterator(folder_)) return read_file(file.path());
    return {};
  }

  std::filesystem::path folder_;
};

TEST_F(CoreDumpTest, AWorkerThatDumpsCoreKeepsItsLocksUntilItIsGone) {
  ASSERT_EQ(write_everywhere(cache_, 1000ms), "");
  Child victim = holder(std::size_t{160} << 20, [this] { return dump_core(); });
  ASSERT_TRUE(is_ready());
  std::uint64_t busy = 0;
  int status = Child::kStillRunning;
  std::chrono::steady_clock::duration slowest_set{};
  std::chrono::steady_clock::duration slowest_get{};
  Status answer = Status::kBusy;
  for (std::uint64_t i = 0; answer == Status::kBusy; ++i) {
    const std::string key = numbered_key("everywhere", i % kKeysForEveryStripe);
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(cache_.get(key), "value");
    const auto between = std::chrono::steady_clock::now();
    status = victim.poll();  // before the set: what it says is not about a process that died meanwhile
    answer = cache_.set(key, "value");
    slowest_get = std::max(slowest_get, between - start);
    slowest_set = std::max(slowest_set, std::chrono::steady_clock::now() - between);
    busy += answer == Status::kBusy ? 1 : 0;
    ASSERT_TRUE(answer == Status::kOk || answer == Status::kBusy) << to_string(answer);
    ASSERT_TRUE(answer == Status::kOk || status == Child::kStillRunning) << "still busy after the process was gone";
  }
  if (status == Child::kStillRunning) status = victim.wait();
  if (status == kForbidden) GTEST_SKIP() << "may not raise the limit of core dumps";
  ASSERT_EQ(status, 128 + SIGSEGV);
  EXPECT_LT(slowest_set, 500ms);
  EXPECT_LT(slowest_get, 500ms);
  EXPECT_EQ(write_everywhere(cache_, 1000ms), "");
  EXPECT_GT(core().size(), std::size_t{100} << 20) << "no dump was made: the test proves nothing";
  EXPECT_GT(busy, 0U) << "the dump was written before anybody looked";
  EXPECT_TRUE(cache_.verify().ok);
}

/// What private memory contains in the dump; backwards, so that the program itself does not contain it.
constexpr std::string_view kBackwards = "pmud eroc a ni eb ot sah taht rekram a";

TEST_F(CoreDumpTest, NoSegmentGetsIntoACoreDump) {
  for (const bool named : {true, false}) {
    SCOPED_TRACE(named ? "named" : "anonymous");
    // Where the words below lie in nobody's memory but the segment: they are made in the child, and wiped there.
    Child victim = Child::fork([&] {
      Cache secret = named ? Cache::open(name_) : Cache::create_anonymous(with_capacity(kMiB));
      {
        std::string value = value_for("secret", 4711, 20'000);
        const bool stored = secret.set("secret", value) == Status::kOk;
        std::fill(value.begin(), value.end(), '\0');
        CHILD_REQUIRE(stored);
      }
      char* const marker = private_memory(4096);
      std::copy(kBackwards.rbegin(), kBackwards.rend(), marker);
      return dump_core();
    });
    const int status = victim.wait();
    if (status == kForbidden) GTEST_SKIP() << "may not raise the limit of core dumps";
    ASSERT_EQ(status, 128 + SIGSEGV);
    const std::string dump = core();
    ASSERT_NE(dump.find(std::string(kBackwards.rbegin(), kBackwards.rend())), std::string::npos) << "no dump of the process's memory";
    EXPECT_EQ(dump.find(value_for("secret", 4711, 20'000).substr(10'000, 64)), std::string::npos) << "a value is in the dump";
    for (const auto& file : std::filesystem::directory_iterator(folder_)) std::filesystem::remove(file.path());
  }
}

}  // namespace
}  // namespace carafe::test
