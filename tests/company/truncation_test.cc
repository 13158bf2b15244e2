// SPDX-License-Identifier: MIT
/// Somebody cuts the file of a named segment short under its workers. Nothing can save them: the bytes are gone, and the next touch is a
/// SIGBUS. But only that touch; not whoever merely has the handle, forks, runs something unrelated, opens, or looks.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "carafe/carafe.h"
#include "company/inmate.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/values.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kKeys = 600;  // more than fit, so that all pages are in use
constexpr off_t kCuts[] = {0, 4096, static_cast<off_t>(kMiB / 2)};

struct Board {
  std::atomic<std::uint64_t> done;
  std::atomic<std::uint32_t> go;
};

class TruncationTest : public ::testing::Test {
 protected:
  void make() {
    cache_ = Cache::create(name_, with_capacity(kMiB));
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      const std::string key = numbered_key("k", i);
      ASSERT_EQ(cache_->set(key, value_for(key, i, 2'000)), Status::kOk);
    }
  }
  void cut(off_t bytes) { ASSERT_EQ(::truncate(name_.path().c_str(), bytes), 0); }

  ScratchName name_{"truncation"};
  std::optional<Cache> cache_;
  SharedMemory memory_{sizeof(Board)};
  Board& board_ = memory_.as<Board>();
};

/// A master that has the cache open, and starts something else: its child runs an atfork handler of ours (as root, and there it would
/// register), and may not die in it.
TEST_F(TruncationTest, AForkAndExecOfSomethingUnrelatedDoesNotDieOfIt) {
  for (const off_t bytes : kCuts) {
    SCOPED_TRACE(bytes);
    make();
    cut(bytes);
    // All in a child, so that this process has nothing at stake.
    Child master = Child::fork([&] {
      const pid_t pid = ::fork();
      if (pid == 0) {
        ::execl("/bin/true", "true", static_cast<char*>(nullptr));
        ::_exit(98);
      }
      int status = -1;
      CHILD_REQUIRE(::waitpid(pid, &status, 0) == pid);
      EXPECT_EQ(status, 0) << "fork and exec";
      EXPECT_EQ(std::system("exit 3"), 3 << 8) << "system";
      char* const arguments[] = {const_cast<char*>("true"), nullptr};
      pid_t spawned = -1;
      EXPECT_EQ(::posix_spawn(&spawned, "/bin/true", nullptr, nullptr, arguments, environ), 0);
      EXPECT_EQ(::waitpid(spawned, &status, 0), spawned);
      EXPECT_EQ(status, 0) << "posix_spawn";
      Child idle = Child::fork([] { return 0; });
      EXPECT_EQ(idle.wait(), 0) << "a child that does not use the cache";
      { const Cache closed = std::move(*cache_); }  // closing touches nothing of it either
      return verdict();
    });
    EXPECT_EQ(master.wait(), 0);
    cache_.reset();
    ::unlink(name_.path().c_str());
  }
}

/// What workers get: SIGBUS, as soon as they touch what is gone; nothing worse, and no wrong value before.
TEST_F(TruncationTest, AWorkerReadsWholeValuesOrDiesOfSigbus) {
  for (const off_t bytes : kCuts) {
    SCOPED_TRACE(bytes);
    make();
    board_.done.store(0);
    Child worker = Child::fork([this] {
      ::signal(SIGBUS, SIG_DFL);
      for (std::uint64_t i = 0;; ++i) {
        const std::string key = numbered_key("k", i % kKeys);
        const auto value = cache_->get(key);
        if (value && sequence_of(key, *value) == std::nullopt) ::_exit(90);
        if (cache_->set(key, value_for(key, i, 2'000)) == Status::kCorrupt) ::_exit(91);
        board_.done.fetch_add(1);
      }
      return 0;
    });
    ASSERT_TRUE(eventually(10s, [this] { return board_.done.load() > 2 * kKeys; }));
    cut(bytes);
    EXPECT_EQ(worker.wait(5s), 128 + SIGBUS);
    // Whoever comes next is told, gets rid of it, and makes a new one.
    try {
      static_cast<void>(Cache::open_or_create(name_, with_capacity(kMiB)));
      ADD_FAILURE() << "a truncated segment was opened";
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::kTruncated) << error.what();
      EXPECT_NE(std::string(error.what()).find("remove it"), std::string::npos) << error.what();
    }
    EXPECT_TRUE(Cache::remove(name_));
    Cache fresh = Cache::create(name_, with_capacity(kMiB));
    EXPECT_EQ(workout(fresh, "fresh", 20), "");
    Child closer = Child::fork([this] {
      { const Cache closed = std::move(*cache_); }
      return 0;
    });
    EXPECT_EQ(closer.wait(), 0) << "a handle of the old one could not be closed";
    cache_.reset();
    EXPECT_TRUE(Cache::remove(name_));
  }
}

/// A worker that is started with an inherited handle takes no slot of a segment that was cut short: it says why.
TEST_F(TruncationTest, AChildWithAnInheritedHandleGetsNoSlot) {
  make();
  cut(static_cast<off_t>(kMiB - 4096));
  Child child = Child::fork([this] { return cache_->set("key", "value") == Status::kNoWorkerSlot ? 0 : 1; });
  EXPECT_EQ(child.wait(), 0);
}

/// Runs the inspector up to the moment when it has mapped the segment; then calls `cut`, and lets it go on. Its exit status; `text` gets
/// what it wrote to standard error. Traced, so that it does not depend on who is faster.
int cut_while_looking(const std::vector<std::string>& command, const std::string& path, const std::function<void()>& cut,
                      std::string& text) {
  int err[2];
  if (::pipe(err) != 0) return -1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    ::closefrom(3);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kForbidden);
    ::execv(arguments[0], arguments.data());
    ::_exit(98);
  }
  ::close(err[1]);
  bool was_cut = false;
  int status = -1;
  while (::waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
    int number = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
    if (!was_cut && read_file_of_unknown_size("/proc/" + std::to_string(pid) + "/maps").find(path) != std::string::npos) {
      cut();
      was_cut = true;
    }
    if (::ptrace(was_cut ? PTRACE_CONT : PTRACE_SYSCALL, pid, nullptr, static_cast<long>(number)) != 0) break;
  }
  text.assign(4096, '\0');
  const ssize_t got = ::read(err[0], text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  ::close(err[0]);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_F(TruncationTest, AToolThatLooksEndsWithAClearMessage) {
  const char* tool = std::getenv("CARAFE_TOOL");
  if (tool == nullptr || ::access(tool, X_OK) != 0) GTEST_SKIP() << "CARAFE_TOOL names no tool";
  for (const char* verb : {"ls", "stat", "namespaces", "keys", "verify", "slabs", "workers", "get"}) {
    for (const off_t bytes : {off_t{0}, off_t{4096}}) {
      SCOPED_TRACE(std::string(verb) + ", cut at " + std::to_string(bytes));
      make();
      std::vector<std::string> command = {tool, verb, name_.str()};
      if (verb == std::string("get")) command.push_back(numbered_key("k", 7));
      std::string text;
      const int status = cut_while_looking(
          command, name_.path(), [&] { cut(bytes); }, text);
      if (status == kForbidden) GTEST_SKIP() << "nothing may be traced here";
      EXPECT_EQ(status, 6) << text;
      EXPECT_NE(text.find("truncated while looking"), std::string::npos) << text;
      EXPECT_NE(text.find(name_.str()), std::string::npos) << text;
      EXPECT_NE(text.find("carafe rm"), std::string::npos) << "names no remedy: " << text;
      cache_.reset();
      ::unlink(name_.path().c_str());
    }
  }
}

}  // namespace
}  // namespace carafe::test
