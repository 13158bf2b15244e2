// SPDX-License-Identifier: MIT
#include "crew.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>
#include <string>
#include <vector>

#include "exit_code.h"
#include "replayer.h"
#include "turns.h"

namespace carafe::replay {
namespace {

using tool::Failure;

/// Memory that this process and its children share, filled with zeros.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes)
      : bytes_(bytes), at_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (at_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~SharedMemory() { ::munmap(at_, bytes_); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  [[nodiscard]] void* at() const noexcept { return at_; }

 private:
  std::size_t bytes_;
  void* at_;
};

/// What the workers share besides the cache.
struct Desk {
  Desk(unsigned workers, std::uint64_t overlap) : turns(workers, overlap) {}
  Turns turns;
  Tally tally;
};

Outcome count(const std::uint8_t* answers, std::size_t requests) {
  Outcome outcome;
  for (std::size_t i = 0; i < requests; ++i) {
    const auto answer = static_cast<Answer>(answers[i]);
    outcome.gets += answer == Answer::kHit || answer == Answer::kMiss ? 1 : 0;
    outcome.hits += answer == Answer::kHit ? 1 : 0;
  }
  return outcome;
}

/// The processes, their parent's side. Ends them all when it goes.
class Crew {
 public:
  Crew(Cache& cache, const Trace& trace, const Payload& payload, const CrewPlan& plan)
      : cache_(cache),
        trace_(trace),
        payload_(payload),
        plan_(plan),
        desk_memory_(sizeof(Desk)),
        answers_memory_(trace.size() + 1),
        desk_(*new (desk_memory_.at()) Desk(plan.processes, plan.overlap)),
        answers_(static_cast<std::uint8_t*>(answers_memory_.at())),
        pids_(plan.processes, 0) {}
  ~Crew() {
    for (const pid_t pid : pids_) end(pid);
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  CrewResult run(const ReplayProgress& progress) {
    for (unsigned worker = 0; worker < plan_.processes; ++worker) pids_[worker] = hire(worker);
    CrewResult result;
    std::uint64_t next_kill = plan_.kill_every;
    while (collect() != 0) {
      const std::uint64_t done = desk_.turns.slowest();
      if (plan_.kill_every != 0 && done >= next_kill && done + plan_.processes < trace_.size()) {
        replace(static_cast<unsigned>(result.kills % plan_.processes));
        ++result.kills;
        next_kill += plan_.kill_every;
        continue;
      }
      if (progress) progress(done);
      const timespec pause{0, plan_.kill_every != 0 ? 50'000 : 2'000'000};
      ::nanosleep(&pause, nullptr);
    }
    result.outcome = count(answers_, trace_.size());
    result.wrong_values = desk_.tally.wrong_values;
    result.declined = desk_.tally.declined;
    return result;
  }

 private:
  [[nodiscard]] pid_t hire(unsigned worker) {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0)
      throw Failure(tool::kFailure, std::string("cannot fork a worker: ") + std::strerror(errno) + "; ask for fewer --processes");
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::_exit(::getppid() == parent && work(worker) ? 0 : 1);
    }
    return pid;
  }

  /// A worker's life; in the child.
  bool work(unsigned worker) noexcept {
    try {
      Replayer replayer(cache_, trace_, payload_, desk_.tally);
      for (std::uint64_t i = desk_.turns.next(worker); i < trace_.size(); i = desk_.turns.next(worker)) {
        desk_.turns.wait(worker);
        replayer.serve(i, answers_[i]);
        desk_.turns.done(worker);
      }
      return true;
    } catch (...) {
      return false;
    }
  }

  static void end(pid_t pid) noexcept {
    if (pid == 0) return;
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  void replace(unsigned worker) {
    end(pids_[worker]);  // one that has done its share and ended is waited for here, too; its successor finds nothing to do
    pids_[worker] = 0;
    pids_[worker] = hire(worker);
  }

  /// Sees who has ended; the number of those that have not.
  std::size_t collect() {
    std::size_t left = 0;
    for (pid_t& pid : pids_) {
      int status = 0;
      if (pid == 0) continue;
      if (::waitpid(pid, &status, WNOHANG) == 0) {
        ++left;
        continue;
      }
      const pid_t ended = pid;
      pid = 0;
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
      throw Failure(tool::kFailure, "worker " + std::to_string(ended) + " ended by itself, by " +
                                        (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "an exception") +
                                        "; its memory may not have sufficed, or this is a bug of carafe");
    }
    return left;
  }

  Cache& cache_;
  const Trace& trace_;
  const Payload& payload_;
  CrewPlan plan_;
  SharedMemory desk_memory_;
  SharedMemory answers_memory_;  // one byte a request
  Desk& desk_;
  std::uint8_t* answers_;
  std::vector<pid_t> pids_;
};

CrewResult replay_alone(Cache& cache, const Trace& trace, const Payload& payload, const ReplayProgress& progress) {
  std::vector<std::uint8_t> answers(trace.size());
  Tally tally;
  Replayer replayer(cache, trace, payload, tally);
  for (std::size_t i = 0; i < trace.size(); ++i) {
    replayer.serve(i, answers[i]);
    if (progress && i % 16384 == 0) progress(i);
  }
  return {count(answers.data(), answers.size()), 0, tally.wrong_values, tally.declined};
}

}  // namespace

CrewResult replay(Cache& cache, const Trace& trace, const Payload& payload, const CrewPlan& plan, const ReplayProgress& progress) {
  if (plan.processes == 1 && plan.kill_every == 0) return replay_alone(cache, trace, payload, progress);
  return Crew(cache, trace, payload, plan).run(progress);
}

}  // namespace carafe::replay
