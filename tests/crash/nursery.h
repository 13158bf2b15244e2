// SPDX-License-Identifier: MIT
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <utility>

#include "crash/guillotine.h"
#include "crash/stage.h"
#include "support/prepared_process.h"
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

/// Forks the children, each from the same private memory. It is not a worker, and never uses the cache itself.
class Nursery {
 public:
  Nursery(Stage& stage, Board& board, const Act& act)
      : process_([&](const Sentence& sentence) { return fork_and_execute(stage, board, act, sentence); }) {}

  /// Has a child carry out the act; its wait status.
  int execute(const Sentence& sentence) { return process_.ask(sentence); }

 private:
  PreparedProcess<Sentence, int> process_;
};

}  // namespace carafe::test
