// SPDX-License-Identifier: MIT
#include "support/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <thread>
#include <utility>

namespace carafe::test {
namespace {

constexpr const char* kSwitch = "--carafe-child=";

std::map<std::string, ChildFunction>& children() {
  static std::map<std::string, ChildFunction> all;
  return all;
}

std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::string> arguments;
  for (std::size_t at = 0; at < text.size();) {
    arguments.emplace_back(text.c_str() + at);
    at += arguments.back().size() + 1;
  }
  return arguments;
}

/// gtest_main owns main, so the switch is looked at when GoogleTest sets up: after every static object is there, and before
/// any test runs.
class ChildEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    const std::vector<std::string> arguments = own_arguments();
    if (arguments.size() < 2 || arguments[1].rfind(kSwitch, 0) != 0) return;
    const auto found = children().find(arguments[1].substr(std::strlen(kSwitch)));
    if (found == children().end()) std::_Exit(98);
    const int status = found->second({arguments.begin() + 2, arguments.end()});
    std::_Exit(status);
  }
};

int status_of(int wait_status) noexcept { return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status); }

}  // namespace

bool register_child(const char* name, ChildFunction function) {
  static const ::testing::Environment* const environment = ::testing::AddGlobalTestEnvironment(new ChildEnvironment);
  static_cast<void>(environment);
  return children().emplace(name, function).second;
}

Child Child::spawn(const std::string& name, const std::vector<std::string>& arguments) {
  std::vector<std::string> texts = {"/proc/self/exe", kSwitch + name};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  std::vector<char*> environment;  // without GTEST_FILTER and the like: the child runs no test
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::strncmp(*variable, "GTEST_", 6) != 0) environment.push_back(*variable);
  }
  environment.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) ::dup2(null, STDOUT_FILENO);  // GoogleTest's greeting
    if (::getppid() == parent) ::execve("/proc/self/exe", pointers.data(), environment.data());
    ::_exit(99);
  }
  return Child(pid);
}

Child Child::fork(const std::function<int()>& body) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(99);
    int status = 96;
    try {
      status = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child %d: %s\n", static_cast<int>(::getpid()), error.what());
    }
    ::_exit(status);
  }
  return Child(pid);
}

Child::~Child() { kill(); }

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
  }
  return *this;
}

void Child::signal(int number) const noexcept {
  if (pid_ > 0) ::kill(pid_, number);
}

int Child::wait(std::chrono::milliseconds most) noexcept {
  if (pid_ <= 0) return -1;
  const auto give_up = std::chrono::steady_clock::now() + most;
  for (;;) {
    int status = 0;
    const pid_t got = ::waitpid(pid_, &status, WNOHANG);
    if (got == pid_) {
      pid_ = -1;
      return status_of(status);
    }
    if ((got < 0 && errno != EINTR) || std::chrono::steady_clock::now() > give_up) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  kill();
  return -1;
}

int Child::poll() noexcept {
  int status = 0;
  if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return kStillRunning;
  pid_ = -1;
  return status_of(status);
}

bool Child::wait_until_stopped() noexcept {
  for (;;) {
    int status = 0;
    const pid_t got = ::waitpid(pid_, &status, WUNTRACED);
    if (got < 0 && errno == EINTR) continue;
    if (got == pid_ && WIFSTOPPED(status)) return true;
    pid_ = -1;
    return false;
  }
}

void Child::kill() noexcept {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

bool eventually(std::chrono::milliseconds most, const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace carafe::test
