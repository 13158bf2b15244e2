// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <thread>
#include <vector>

#include "support/settings.h"
#include "support/tally.h"

namespace carafe::bench {

enum class CrewKind { kProcesses, kThreads };

/// Workers, pinned to a core each, that run the same loop at the same time: forked processes, or threads of this one.
///
///   caller --(pipe: how many take part, how many accesses)--> worker        worker: pin, wait for a command,
///   caller <--(pipe: one byte, done)------------------------- worker                arrive, spin until all have, run, report
///
/// The first worker to finish stops the others, so that all of the measured time is time together; each reports what it did and how long
/// that took. A worker that dies, or reports a wrong value, ends the program.
class Crew {
 public:
  /// What a worker does in a round: at most `accesses`, looking at `stop` now and then; returns how many it made.
  using Work =
      std::function<std::uint64_t(std::size_t worker, std::uint64_t accesses, const std::atomic<std::uint32_t>& stop, Tally& tally)>;

  struct Round {
    double accesses_per_second = 0;  // of all workers together
    Tally tally;
  };

  Crew(CrewKind kind, std::size_t workers, Work work) : kind_(kind), work_(std::move(work)), cores_(allowed_cores()) {
    void* memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("mmap");
    board_ = new (memory) Board;
    members_.resize(std::min(workers, kMostWorkers));
    for (std::size_t worker = 0; worker < members_.size(); ++worker) start(worker);
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  ~Crew() {
    for (auto& member : members_) send(member, {0, 0});
    for (auto& member : members_) {
      if (member.thread.joinable()) member.thread.join();
      if (member.pid > 0) waitpid(member.pid, nullptr, 0);
      for (const int fd : {member.command[0], member.command[1], member.done[0], member.done[1]}) close(fd);
    }
    munmap(board_, sizeof(Board));
  }

  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }

  /// Workers first .. first + count - 1 run up to `accesses` each.
  Round run(std::size_t first, std::size_t count, std::uint64_t accesses) {
    board_->arrived.store(0, std::memory_order_relaxed);
    board_->stop.store(0, std::memory_order_relaxed);
    for (std::size_t i = 0; i < count; ++i) send(members_[first + i], {static_cast<std::uint32_t>(count), accesses});
    for (std::size_t i = 0; i < count; ++i) await(members_[first + i]);
    Round round;
    for (std::size_t i = 0; i < count; ++i) {
      const Cell& cell = board_->cells[first + i];
      round.accesses_per_second += static_cast<double>(cell.accesses) / cell.seconds;
      round.tally += cell.tally;
    }
    return round;
  }

 private:
  static constexpr std::size_t kMostWorkers = 64;

  struct Command {
    std::uint32_t taking_part = 0;  // 0: go home
    std::uint64_t accesses = 0;
  };
  struct alignas(64) Cell {
    std::uint64_t accesses = 0;
    double seconds = 0;
    Tally tally;
  };
  struct Board {
    alignas(64) std::atomic<std::uint32_t> arrived{0};
    alignas(64) std::atomic<std::uint32_t> stop{0};
    Cell cells[kMostWorkers];
  };
  struct Member {
    int command[2] = {-1, -1};
    int done[2] = {-1, -1};
    pid_t pid = 0;
    std::thread thread;
  };

  [[noreturn]] static void fail(const char* what) {
    std::perror(what);
    std::exit(1);
  }

  void start(std::size_t worker) {
    Member& member = members_[worker];
    if (pipe(member.command) != 0 || pipe(member.done) != 0) fail("pipe");
    if (kind_ == CrewKind::kThreads) {
      member.thread = std::thread([this, worker] { serve(worker); });
      return;
    }
    std::fflush(nullptr);
    member.pid = fork();
    if (member.pid < 0) fail("fork");
    if (member.pid > 0) {
      close(member.done[1]);  // so that its death is an end of file
      member.done[1] = -1;
      return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve(worker);
    _exit(0);
  }

  void serve(std::size_t worker) {
    Member& member = members_[worker];
    pin_to(cores_[worker % cores_.size()]);
    for (;;) {
      Command command;
      if (read(member.command[0], &command, sizeof(command)) != static_cast<ssize_t>(sizeof(command)) || command.taking_part == 0) return;
      Cell cell;
      board_->arrived.fetch_add(1, std::memory_order_acq_rel);
      for (std::uint32_t spins = 0; board_->arrived.load(std::memory_order_acquire) < command.taking_part; ++spins) {
        if (spins > 100'000) sched_yield();  // more workers than cores
      }
      const auto began = std::chrono::steady_clock::now();
      cell.accesses = work_(worker, command.accesses, board_->stop, cell.tally);
      cell.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
      board_->stop.store(1, std::memory_order_relaxed);
      board_->cells[worker] = cell;
      if (write(member.done[1], "d", 1) != 1) return;
    }
  }

  static void send(const Member& member, Command command) {
    if (write(member.command[1], &command, sizeof(command)) != static_cast<ssize_t>(sizeof(command))) fail("write to a worker");
  }
  static void await(const Member& member) {
    char byte = 0;
    if (read(member.done[0], &byte, 1) == 1) return;
    std::fprintf(stderr, "bench: a worker died\n");
    std::exit(1);
  }

  CrewKind kind_;
  Work work_;
  std::vector<int> cores_;
  Board* board_ = nullptr;
  std::vector<Member> members_;
};

}  // namespace carafe::bench
