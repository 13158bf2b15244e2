// SPDX-License-Identifier: MIT
#include "segment/filler.h"

#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

namespace carafe {
namespace {

constexpr std::size_t kStackBytes = std::size_t{128} << 10;
constexpr int kTries = 3;
constexpr int kMostRefusals = 8;  // in a row; then memory is too fragmented, and each further try costs a compaction

std::string why(const char* call, int error) { return std::string(call) + ": " + std::strerror(error); }

}  // namespace

Filler::Filler(const Mapping& mapping, Pages pages, Populate populate, Atomic<std::uint32_t>& mark) noexcept
    : mapping_(mapping), pages_(pages), populate_(populate), mark_(mark) {}

Filler::~Filler() {
  if (mark_.load(kRelaxed) == 0) return;  // never started, or we are a child's copy
  stop_.store(true, kRelaxed);
  ::pthread_join(thread_, nullptr);
  mark_.store(0, kRelaxed);
}

bool Filler::collect(std::byte* at, std::size_t bytes) noexcept {
  if (bytes < kHugePageBytes) return true;
  for (int tries = 0; tries < kTries; ++tries) {
    if (::madvise(at, bytes, MADV_COLLAPSE) == 0) return true;
    if (errno != EAGAIN) break;  // a page is in use for a moment, or another collects it
  }
  collect_error_.store(errno, kRelaxed);
  return false;
}

bool Filler::populate(std::byte* at, std::size_t bytes) noexcept {
  int result = 0;
  do result = ::madvise(at, bytes, MADV_POPULATE_WRITE);
  while (result != 0 && errno == EINTR);
  if (result == 0) return true;
  if (errno != EINVAL) {
    populate_error_.store(errno, kRelaxed);
    return false;
  }
  // Before Linux 5.14: a look at each page.
  for (std::size_t i = 0; i < bytes; i += 4096) static_cast<void>(*static_cast<const volatile std::byte*>(at + i));
  return true;
}

void Filler::fill(bool with_tables) noexcept {
  int refusals = 0;
  bool collecting = pages_ == Pages::kHuge;
  for (std::size_t at = 0; at < mapping_.bytes() && (collecting || with_tables) && !stop_.load(kRelaxed); at += kHugePageBytes) {
    const std::size_t bytes = std::min(kHugePageBytes, mapping_.bytes() - at);
    if (collecting) {
      refusals = collect(mapping_.base() + at, bytes) ? 0 : refusals + 1;
      collecting = refusals < kMostRefusals && collect_error_.load(kRelaxed) != EINVAL;
    }
    if (with_tables) with_tables = populate(mapping_.base() + at, bytes);
  }
}

void Filler::begin(bool may_wait) noexcept {
  if (pages_ != Pages::kHuge && populate_ == Populate::kNone) return;
  if (may_wait && populate_ != Populate::kInBackground) {
    fill(populate_ == Populate::kAtOpening);
  } else {
    start();
  }
}

void* Filler::run(void* self) noexcept {
  auto* filler = static_cast<Filler*>(self);
  filler->fill(filler->populate_ != Populate::kNone);
  return nullptr;
}

void Filler::start() noexcept {
  pthread_attr_t attributes;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  for (const int fault : {SIGSYS, SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP}) ::sigdelset(&all, fault);  // blocked, these would kill
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited: signals are for the program's own threads
  const int error = ::pthread_create(&thread_, &attributes, &run, this);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  thread_error_.store(error, kRelaxed);
  mark_.store(error == 0 ? 1 : 0, kRelaxed);
}

std::vector<std::string> Filler::refused(std::size_t huge_bytes) const {
  std::vector<std::string> reasons;
  const bool all_huge = huge_bytes / kHugePageBytes >= mapping_.bytes() / kHugePageBytes;
  if (const int error = collect_error_.load(kRelaxed); error != 0 && !all_huge)
    reasons.push_back(why("huge pages, by MADV_COLLAPSE (Linux 6.1)", error));
  if (const int error = populate_error_.load(kRelaxed); error != 0) reasons.push_back(why("populate, by MADV_POPULATE_WRITE", error));
  if (const int error = thread_error_.load(kRelaxed); error != 0)
    reasons.push_back(why("populate in the background, by pthread_create", error));
  return reasons;
}

}  // namespace carafe
