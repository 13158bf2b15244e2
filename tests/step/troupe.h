// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "crash/stage.h"
#include "step/operation.h"
#include "step/puppet.h"
#include "support/prepared_process.h"
#include "support/shared_memory.h"

namespace carafe::test {

/// One move: `puppet` goes on until its stop, or to the end of its operation.
struct Move {
  std::uint32_t puppet = 0;
  Stop stop;
};

/// A schedule, and what came of it. In memory that all share.
struct Performance {
  static constexpr std::uint32_t kMostPuppets = 3;
  static constexpr std::uint32_t kMostMoves = 80;
  std::uint32_t move_count = 0;
  Move moves[kMostMoves];
  Strings strings[kMostPuppets];
  Survey survey;
  char trouble[200] = {};  // a puppet died or never came back
};

#if CARAFE_CAN_STEP

/// The puppets of one performance: processes forked from this one, each with a worker slot of its own. Whoever has the object moves them,
/// one at a time. Killed with it.
class Troupe {
 public:
  Troupe(Stage& stage, Performance& performance, const std::vector<Part>& parts) : performance_(performance), parts_(parts) {
    for (std::uint32_t i = 0; i < parts.size(); ++i) {
      Strings* strings = new (&performance.strings[i]) Strings{};
      strings->puppets_turn.store(1, kRelaxed);
      const pid_t parent = ::getpid();
      const pid_t pid = ::_Fork();
      if (pid < 0) throw std::runtime_error("cannot fork");
      if (pid == 0) play_part(stage, i, parent);
      pids_.push_back(pid);
      if (!wait_for(i)) return;
    }
  }
  Troupe(const Troupe&) = delete;
  Troupe& operator=(const Troupe&) = delete;
  ~Troupe() {
    for (const pid_t pid : pids_) {
      if (pid < 0) continue;
      ::kill(pid, SIGKILL);
      while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }

  /// Lets a puppet go on until its stop or the end of its operation; at once where it has no operation left. False when it came to grief.
  bool move(const Move& move) {
    Strings& strings = performance_.strings[move.puppet];
    if (strings.state == Strings::kFinished) return true;
    ++now_;
    Outcome& outcome = strings.outcomes[strings.operations];
    if (strings.state == Strings::kReady) outcome.began = now_;
    outcome.ended = now_;  // unless it goes on later
    strings.stop = move.stop;
    strings.puppets_turn.store(1, std::memory_order_seq_cst);
    ::syscall(SYS_futex, &strings.puppets_turn, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    return wait_for(move.puppet);
  }
  /// Whether it stands within an operation.
  [[nodiscard]] bool is_stopped(std::uint32_t puppet) const noexcept { return performance_.strings[puppet].state == Strings::kStopped; }
  [[nodiscard]] pid_t pid(std::uint32_t puppet) const noexcept { return pids_[puppet]; }

  /// Lets all of them come to their end, in order.
  bool finish() {
    for (std::uint32_t i = 0; i < pids_.size(); ++i)
      while (performance_.strings[i].state != Strings::kFinished)
        if (!move({i, {}})) return false;
    return true;
  }

 private:
  [[noreturn]] void play_part(Stage& stage, std::uint32_t number, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    Strings& strings = performance_.strings[number];
    static_cast<void>(stage.cache().contains("nobody"));  // now it has its worker slot
    for (auto& [name, space] : stage.spaces) static_cast<void>(space.contains("nobody"));
    puppet::hang_up(strings, performance_.survey, stage.librarys_mapping(), Stage::kCapacity);
    for (const Operation& operation : parts_[number]) {
      Outcome outcome;
      std::string problem;
      puppet::carry_out([&] { perform(stage, operation, outcome, problem); });
      if (found_a_value(operation, outcome)) outcome.value = name_of_value(stage.reused);
      if (!problem.empty()) {
        outcome.status = Status::kCorrupt;
        std::snprintf(strings.problem, sizeof strings.problem, "%s", problem.c_str());
      }
      Outcome& told = strings.outcomes[strings.operations];
      told.status = outcome.status;
      told.value = outcome.value;
      told.number = outcome.number;
      told.finished = true;
      const bool last = ++strings.operations == parts_[number].size();
      puppet::wait_for_turn(last ? Strings::kFinished : Strings::kReady);
    }
    ::_exit(0);
  }

  /// Until the puppet gives the turn back. Nothing in carafe takes longer than its lock_wait.
  bool wait_for(std::uint32_t number) {
    Strings& strings = performance_.strings[number];
    const timespec patience{0, 200'000'000};
    for (int i = 0; i < 100; ++i) {
      if (strings.puppets_turn.load(std::memory_order_seq_cst) == 0) return true;
      ::syscall(SYS_futex, &strings.puppets_turn, FUTEX_WAIT, 1, &patience, nullptr, 0);
      if (strings.puppets_turn.load(std::memory_order_seq_cst) == 0) return true;
      int status = 0;
      if (::waitpid(pids_[number], &status, WNOHANG) != pids_[number]) continue;
      pids_[number] = -1;
      return trouble(number, WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                                 : "exited with " + std::to_string(WEXITSTATUS(status)));
    }
    return trouble(number, "did not come to its stop within 20 s");
  }
  bool trouble(std::uint32_t number, const std::string& what) {
    std::snprintf(performance_.trouble, sizeof performance_.trouble, "puppet %u %s", number, what.c_str());
    return false;
  }

  Performance& performance_;
  const std::vector<Part>& parts_;
  std::vector<pid_t> pids_;
  std::uint32_t now_ = 0;
};

/// Forks the puppets, each time from the same private memory. It stays on one processor with them: only one of them ever runs.
class Director {
 public:
  Director(Stage& stage, Performance& performance, const std::vector<Part>& parts)
      : process_([&](char word) {
          stay_here();
          perform(stage, performance, parts);
          return word;
        }) {}

  /// Has the schedule in the performance carried out; what is not finished by its moves is afterwards, puppet by puppet.
  void perform() { static_cast<void>(process_.ask(1)); }

 private:
  static void stay_here() noexcept {
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<unsigned>(::sched_getcpu()), &here);
    ::sched_setaffinity(0, sizeof here, &here);
  }
  static void perform(Stage& stage, Performance& performance, const std::vector<Part>& parts) {
    performance.trouble[0] = '\0';
    Troupe troupe(stage, performance, parts);
    if (performance.trouble[0] != '\0') return;
    for (std::uint32_t i = 0; i < performance.move_count; ++i)
      if (!troupe.move(performance.moves[i])) return;
    static_cast<void>(troupe.finish());
  }

  PreparedProcess<char, char> process_;
};

#endif
}  // namespace carafe::test
