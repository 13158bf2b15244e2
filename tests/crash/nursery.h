// SPDX-License-Identifier: MIT
#pragma once

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <utility>

#include "crash/guillotine.h"
#include "crash/stage.h"
#include "support/shared_memory.h"

namespace carafe::test {

/// What a child does.
struct Act {
  std::function<bool(Stage&)> operation;  // whether it went as it should
  std::function<void(Stage&)> before;     // not counted, never killed; may be missing
  bool registered = true;                 // it has its worker slot before
};

/// Forks a child of this process, which carries out the act under the sentence; its wait status. Without the atfork handlers: registering
/// is then part of what can be killed.
inline int fork_and_execute(Stage& stage, Board& board, const Act& act, const Sentence& sentence) {
  board.finished = board.as_wanted = false;
  board.steps = 0;
  board.last_step = nullptr;
  const pid_t parent = ::getpid();
  const pid_t pid = ::_Fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    if (act.registered) static_cast<void>(stage.cache().contains("nobody"));
    if (act.before) act.before(stage);
    guillotine::execute(board, sentence, stage.librarys_mapping(), Stage::kCapacity, [&] { return act.operation(stage); });
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/// A process between us and the children, forked when all is prepared and untouched since: so each child starts from the same private
/// memory as the one before, whatever we do meanwhile. It is not a worker, and never uses the cache itself.
class Nursery {
 public:
  Nursery(Stage& stage, Board& board, const Act& act) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("no socket pair");
    const pid_t parent = ::getpid();
    pid_ = ::_Fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ == 0) {
      ::close(ends[0]);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      Sentence sentence;
      while (::getppid() == parent && ::recv(ends[1], &sentence, sizeof sentence, 0) == sizeof sentence) {
        const int status = fork_and_execute(stage, board, act, sentence);
        if (::send(ends[1], &status, sizeof status, 0) != sizeof status) break;
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    end_ = ends[0];
  }
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;
  ~Nursery() {
    ::close(end_);
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  /// Has a child carry out the act; its wait status.
  int execute(const Sentence& sentence) {
    int status = -1;
    if (::send(end_, &sentence, sizeof sentence, 0) != sizeof sentence || ::recv(end_, &status, sizeof status, 0) != sizeof status)
      throw std::runtime_error("crash test: the nursery is gone");
    return status;
  }

 private:
  pid_t pid_ = -1;
  int end_ = -1;
};

}  // namespace carafe::test
