// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>

#include "support/child.h"

#if defined(__SANITIZE_ADDRESS__)
#define CARAFE_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CARAFE_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef CARAFE_ADDRESS_SANITIZER
#define CARAFE_ADDRESS_SANITIZER 0
#endif

namespace carafe::test {

/// Exit status of a child that found out that the machine does not let it do what its test is about.
inline constexpr int kForbidden = 77;

/// In a child: `return forbidden("why")` makes the test skip, with that message.
inline int forbidden(const std::string& why) {
  std::fprintf(stderr, "skipped: %s\n", why.c_str());
  return kForbidden;
}

/// What a child answers whose body checks by EXPECT_...: they print there, and count here.
inline int verdict() { return ::testing::Test::HasFailure() ? 1 : 0; }

/// In a test: waits for the child. Its failures are the test's, its reason to skip too.
#define CARAFE_EXPECT_FINE(child)                                                                                    \
  do {                                                                                                               \
    const int carafe_status = (child).wait();                                                                        \
    if (carafe_status == ::carafe::test::kForbidden) GTEST_SKIP() << "not on this machine; the line above says why"; \
    ASSERT_EQ(carafe_status, 0);                                                                                     \
  } while (false)

inline bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  return !file.fail();
}

/// In a child: a mount namespace of its own, whose mounts nobody else sees. Empty, or why not.
inline std::string leave_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) return std::string("no mount namespace: ") + std::strerror(errno);
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return std::string("no private mounts: ") + std::strerror(errno);
  return {};
}
/// After leave_mounts: an empty file system in memory on `folder`.
inline std::string mount_memory(const char* folder, const std::string& options, unsigned long flags = 0) {
  if (::mount("tmpfs", folder, "tmpfs", flags, options.c_str()) == 0) return {};
  return std::string("cannot mount a tmpfs on ") + folder + ": " + std::strerror(errno);
}

/// A child that is the first process of new namespaces, so its pid there is 1; the one here is pid(). Killed and reaped with this object.
/// Made by a raw clone: no atfork handler runs.
class Cloned {
 public:
  Cloned() = default;
  /// The body's answer is its exit status. pid() is -1 where namespaces are forbidden.
  Cloned(int namespaces, const std::function<int()>& body) {
    pid_ = static_cast<pid_t>(::syscall(SYS_clone, static_cast<long>(namespaces) | SIGCHLD, nullptr, nullptr, nullptr, 0));
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int status = 96;
    try {
      status = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "cloned child: %s\n", error.what());
    }
    std::fflush(nullptr);
    ::_exit(status);
  }
  ~Cloned() { kill(); }
  Cloned(Cloned&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  Cloned& operator=(Cloned&& other) noexcept {
    kill();
    pid_ = other.pid_;
    other.pid_ = -1;
    return *this;
  }

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void signal(int number) const noexcept {
    if (pid_ > 0) ::kill(pid_, number);
  }
  /// Exit status, or 128 + signal; -1 when it did not end within 60 s and was killed.
  int wait() noexcept {
    int status = 0;
    const bool ended = pid_ > 0 && eventually(std::chrono::seconds(60), [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    if (!ended) {
      kill();
      return -1;
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// Stops it, and waits until it stands.
  [[nodiscard]] bool stop() const noexcept {
    signal(SIGSTOP);
    int status = 0;
    return pid_ > 0 && ::waitpid(pid_, &status, WUNTRACED) == pid_ && WIFSTOPPED(status);
  }
  void kill() noexcept {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace carafe::test
