// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace carafe::test {

/// What a re-executed child does with its arguments; its answer is the exit status.
using ChildFunction = int (*)(const std::vector<std::string>& arguments);

/// Defines a child by name, at namespace scope:
///
///   CARAFE_CHILD(counter) { ...; return 0; }      // has `arguments`
///   Child child = Child::spawn("counter", {"a", "b"});
#define CARAFE_CHILD(name)                                                                                                         \
  static int carafe_child_##name(const std::vector<std::string>& arguments);                                                       \
  [[maybe_unused]] static const bool carafe_child_registered_##name = ::carafe::test::register_child(#name, &carafe_child_##name); \
  static int carafe_child_##name([[maybe_unused]] const std::vector<std::string>& arguments)

/// In a child: ends it, with a line on stderr, when the condition does not hold. Never returns to GoogleTest.
#define CHILD_REQUIRE(condition)                                                                                   \
  do {                                                                                                             \
    if (!(condition)) {                                                                                            \
      std::fprintf(stderr, "child %d: %s:%d: %s\n", static_cast<int>(::getpid()), __FILE__, __LINE__, #condition); \
      std::_Exit(97);                                                                                              \
    }                                                                                                              \
  } while (false)

bool register_child(const char* name, ChildFunction function);

/// A child process. Killed and reaped with this object, if it still runs; killed by the kernel if the test dies.
class Child {
 public:
  /// Re-executes this test binary as the child that CARAFE_CHILD(name) defines.
  [[nodiscard]] static Child spawn(const std::string& name, const std::vector<std::string>& arguments = {});
  /// Forks; the child runs `body` and exits with its answer.
  [[nodiscard]] static Child fork(const std::function<int()>& body);

  Child() = default;
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void signal(int number) const noexcept;
  /// Exit status, or 128 + the signal that killed it; -1 when it did not end in time and was killed.
  int wait(std::chrono::milliseconds most = std::chrono::seconds(60)) noexcept;
  /// As wait, but at once: kStillRunning when it has not ended.
  static constexpr int kStillRunning = -2;
  [[nodiscard]] int poll() noexcept;
  /// Waits until a SIGSTOP that was sent has stopped it. False when it ended instead.
  [[nodiscard]] bool wait_until_stopped() noexcept;
  /// kill -9, and reap.
  void kill() noexcept;

 private:
  explicit Child(pid_t pid) noexcept : pid_(pid) {}
  pid_t pid_ = -1;
};

/// Calls `condition` every millisecond until it is true; false after `most`.
[[nodiscard]] bool eventually(std::chrono::milliseconds most, const std::function<bool()>& condition);

}  // namespace carafe::test
