// SPDX-License-Identifier: MIT
#include "watching.h"

#include <signal.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

#include "segments.h"

namespace carafe::tool {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

volatile sig_atomic_t interrupted = 0;
extern "C" void on_interrupt(int) { interrupted = 1; }

}  // namespace

void add_watch(CLI::App& verb, double& interval_seconds, std::uint64_t& count, const std::string& help) {
  CLI::Option* watching = verb.add_option("-w,--watch", interval_seconds, help)->type_name("SEC")->check(CLI::Range(0.05, 86400.0));
  verb.add_option("-n,--count", count, "With -w: COUNT times, then end")->type_name("COUNT")->needs(watching)->check(CLI::PositiveNumber);
}

std::int64_t monotonic_ns() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNanoseconds + now.tv_nsec;
}

Ticker::Ticker(double interval_seconds)
    : step_ns_(static_cast<std::int64_t>(interval_seconds * static_cast<double>(kNanoseconds))), due_ns_(monotonic_ns()) {
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // no SA_RESTART: the sleep has to end
  ::sigaction(SIGINT, &action, nullptr);
}

bool Ticker::wait() {
  due_ns_ = std::max(due_ns_ + step_ns_, monotonic_ns());
  const struct timespec due { .tv_sec = due_ns_ / kNanoseconds, .tv_nsec = due_ns_ % kNanoseconds };
  while (interrupted == 0 && ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr) == EINTR) {
  }
  return interrupted == 0;
}

WatchedSegment::WatchedSegment(std::string name) : name_(std::move(name)), identity_(file_identity(name_)), cache_(open_to_look(name_)) {}

bool WatchedSegment::follow() {
  if (!cache_.info().retired && file_identity(name_) == identity_) return false;
  identity_ = file_identity(name_);
  cache_ = open_to_look(name_);
  return true;
}

}  // namespace carafe::tool
