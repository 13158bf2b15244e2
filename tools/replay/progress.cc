// SPDX-License-Identifier: MIT
#include "progress.h"

#include <unistd.h>

#include <cstdio>

namespace carafe::replay {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(100);

}  // namespace

Progress::Progress(bool wanted) : wanted_(wanted && ::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { hide(); }

void Progress::show(const std::string& what, std::uint64_t done, std::uint64_t whole) {
  if (!wanted_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_ && what == what_) return;
  next_ = now + kInterval;
  what_ = what;
  shown_ = true;
  std::string line = "\r\x1b[K" + what;  // the whole line anew
  if (whole != 0) {
    line += ": " + std::to_string(done * 100 / whole) + " %";
  } else if (done != 0) {
    line += ": " + std::to_string(done);
  }
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

void Progress::hide() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
  what_.clear();
}

}  // namespace carafe::replay
