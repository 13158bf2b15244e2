// SPDX-License-Identifier: MIT
#pragma once

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>
#include <functional>
#include <system_error>
#include <vector>

#include "scoreboard.h"

namespace shop {

/// The parent of the workers: forks them, replaces those that die, ends them all on SIGTERM or SIGINT.
///
/// It serves nothing and touches neither database nor cache, so it has nothing to lose but its children.
class Master {
 public:
  /// `work` is what a worker does; it inherits SIGTERM and SIGINT blocked, and should end on either.
  Master(Scoreboard& scoreboard, std::size_t workers, std::function<int()> work)
      : scoreboard_(scoreboard), workers_(workers), work_(std::move(work)) {
    sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals_, signal);
    sigprocmask(SIG_BLOCK, &signals_, nullptr);  // from here on signals are read, never delivered
  }

  /// Returns after SIGTERM or SIGINT, when the last worker has ended.
  void run() {
    for (std::size_t place = 0; place < workers_.size(); ++place) start(place);
    for (int signal = 0; signal != SIGTERM && signal != SIGINT; signal = sigwaitinfo(&signals_, nullptr)) replace_the_dead();
    stop();
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Worker {
    pid_t pid = 0;
    Clock::time_point started;
  };

  void start(std::size_t place) {
    const pid_t master = getpid();
    const pid_t pid = fork();
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);  // no orphans when the master is killed
      if (getppid() != master) _exit(1);
      _exit(status_of_work());
    }
    workers_[place] = {pid, Clock::now()};
    scoreboard_.workers[place] = pid;
  }

  /// noexcept: an exception that left the child's part of the stack would do the master's cleaning up.
  int status_of_work() noexcept try { return work_(); } catch (const std::exception& error) {
    std::fprintf(stderr, "prefork_server: worker %d: %s\n", getpid(), error.what());
    return 1;
  }

  void replace_the_dead() {
    int status = 0;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
      for (std::size_t place = 0; place < workers_.size(); ++place) {
        if (workers_[place].pid == pid) replace(place, status);
      }
    }
  }

  void replace(std::size_t place, int status) {
    const pid_t dead = workers_[place].pid;
    const bool short_lived = Clock::now() - workers_[place].started < std::chrono::seconds(1);
    if (short_lived) usleep(200'000);  // something is wrong: do not fork as fast as they die
    ++scoreboard_.restarts;
    start(place);
    std::fprintf(stderr, "prefork_server: worker %d ended (%s %d), %d takes its place\n", dead, WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), workers_[place].pid);
  }

  void stop() {
    for (const Worker& worker : workers_) kill(worker.pid, SIGTERM);
    const auto deadline = Clock::now() + std::chrono::seconds(5);
    const timespec tick{0, 100'000'000};
    bool killed = false;
    for (;;) {
      const pid_t ended = waitpid(-1, nullptr, WNOHANG);
      if (ended < 0) return;  // ECHILD: none left
      if (ended > 0) continue;
      if (!killed && Clock::now() > deadline) {
        for (const Worker& worker : workers_) kill(worker.pid, SIGKILL);
        killed = true;
      }
      sigtimedwait(&signals_, nullptr, &tick);
    }
  }

  Scoreboard& scoreboard_;
  std::vector<Worker> workers_;
  std::function<int()> work_;
  sigset_t signals_{};
};

}  // namespace shop
