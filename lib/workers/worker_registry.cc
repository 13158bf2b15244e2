// SPDX-License-Identifier: MIT
#include "workers/worker_registry.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <string>

#include "base/step.h"
#include "base/time.h"
#include "carafe/status.h"
#include "segment/failed_call.h"
#include "workers/liveness.h"

namespace carafe {
namespace {

/// Registries that the atfork handler looks after. A fixed table: the handler may take no lock and allocate nothing. More handles
/// than this in one process register lazily.
constexpr std::size_t kWatched = 256;
Atomic<WorkerRegistry*> watched[kWatched];

Atomic<std::uint32_t> next_lane{0};

struct NoCancellation {
  NoCancellation() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before); }
  ~NoCancellation() { ::pthread_setcancelstate(before, nullptr); }
  NoCancellation(const NoCancellation&) = delete;
  NoCancellation& operator=(const NoCancellation&) = delete;
  int before = PTHREAD_CANCEL_ENABLE;
};

}  // namespace

constinit thread_local std::uint32_t own_lane = ~0U;

std::uint32_t take_lane() noexcept { return own_lane = next_lane.fetch_add(1, kRelaxed) % kCounterLanes; }

WorkerRegistry::WorkerRegistry(const Segment& segment) : segment_(segment) {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED || ::madvise(page, 4096, MADV_WIPEONFORK) != 0) {
    const int error = errno;
    if (page != MAP_FAILED) ::munmap(page, 4096);
    throw Error(Status::kSystem, "carafe: cannot attach to " + segment.title() + ": " +
                                     failed_call("mapping a page that fork wipes (needs Linux 4.14)", error));
  }
  identity_ = new (page) Identity{};
  static const int registered = ::pthread_atfork(
      nullptr, nullptr, +[] { after_fork_in_child(); });
  static_cast<void>(registered);
  for (auto& place : watched) {
    WorkerRegistry* none = nullptr;
    if (place.compare_exchange_strong(none, this, kAcqRel)) break;
  }
}

WorkerRegistry::~WorkerRegistry() {
  for (auto& place : watched) {
    WorkerRegistry* self = this;
    if (place.compare_exchange_strong(self, nullptr, kAcqRel)) break;
  }
  identity_->word.store(0, kRelease);
  LifeToken::drop(identity_->token);  // in a child that never registered the page was wiped: nothing to drop, nothing of the parent's
  ::munmap(identity_, 4096);
}

std::uint64_t WorkerRegistry::take_slot() noexcept {
  const NoCancellation guard;  // open is a cancellation point, and this function may not be unwound
  if (identity_->retry_at_ms.load(kRelaxed) > now_ms()) return 0;
  std::uint32_t idle = 0;
  if (!identity_->state.compare_exchange_strong(idle, 1, kAcquire)) {
    for (int i = 0; i < 200 && identity_->word.load(kAcquire) == 0 && identity_->state.load(kAcquire) == 1; ++i) ::sched_yield();
    return identity_->word.load(kAcquire);
  }
  std::uint64_t word = identity_->word.load(kAcquire);
  if (word == 0) {
    std::uint32_t slot = 0;
    void* token = nullptr;
    int error = 0;
    if (LifeToken::take(segment_, static_cast<std::uint32_t>(segment_.view.geometry().worker_count), slot, token, error)) {
      CARAFE_STEP("register: byte lock taken");
      WorkerSlot& mine = segment_.view.worker(slot);
      // Only now, with the byte ours, may the incarnation move: it is the proof that the former tenant is gone. Zero is nobody.
      std::uint32_t incarnation = mine.incarnation.load(kRelaxed) + 1;
      if (incarnation == 0) incarnation = 1;
      mine.incarnation.store(incarnation, kRelease);
      CARAFE_STEP("register: incarnation raised");
      mine.pid.store(static_cast<std::uint32_t>(::getpid()), kRelaxed);
      mine.attached_ms.store(now_ms(), kRelaxed);
      auto& used = segment_.view.header().slots_used;
      for (std::uint32_t seen = used.load(kRelaxed); seen <= slot && !used.compare_exchange_weak(seen, slot + 1, kRelease);) {
      }
      mine.lanes[0].counters[static_cast<std::size_t>(CounterId::k_registrations)].fetch_add(1, kRelaxed);
      CARAFE_STEP("register: slot described");
      identity_->token = token;
      word = LockWord::of({slot, incarnation});
      identity_->word.store(word, kRelease);
    } else {
      identity_->error = error;
      identity_->retry_at_ms.store(now_ms() + 1000, kRelaxed);
    }
  }
  identity_->state.store(0, kRelease);
  return word;
}

void WorkerRegistry::register_in_child() noexcept {
  if (identity_->word.load(kAcquire) == 0) static_cast<void>(take_slot());
}

void WorkerRegistry::after_fork_in_child() noexcept {
  if (::geteuid() != 0) return;  // nothing to lose: register at the first operation
  for (auto& place : watched)
    if (WorkerRegistry* registry = place.load(kAcquire)) registry->register_in_child();
}

}  // namespace carafe
