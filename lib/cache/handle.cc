// SPDX-License-Identifier: MIT
#include "cache/handle.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "carafe/status.h"
#include "segment/failed_call.h"
#include "segment/names.h"
#include "stats/totals.h"

namespace carafe {
inline namespace v0 {
namespace detail {
namespace {

std::uint64_t wait_ns(const Options& options) noexcept {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(options.lock_wait).count());
}

}  // namespace

Handle::Handle(Segment segment, const Options& options)
    : options_(options), read_only_(segment.read_only), newest_(std::make_unique<Link>()), current_(nullptr) {
  check_lock_wait(options, segment.title());
  newest_->engine = std::make_unique<Engine>(std::move(segment), wait_ns(options), options);
  if (!read_only_) {
    const Worker me = newest_->engine->worker();
    if (me.word == 0)
      throw Error(Status::kNoWorkerSlot,
                  "carafe: cannot attach to " + newest_->engine->segment.title() + ": " +
                      (newest_->engine->registry->error() == 0
                           ? "all " + std::to_string(newest_->engine->view.geometry().worker_count) +
                                 " worker slots are taken by live processes; create it with a larger max_workers"
                           : failed_call("opening its file again for a byte lock", newest_->engine->registry->error())));
  }
  if (Filler* const filler = newest_->engine->filler.get()) filler->begin(true);
  current_.store(newest_->engine.get(), kRelease);
}

Handle::~Handle() = default;

Engine* Handle::follow(Engine* retired) noexcept {
  Engine* now_used = current_.load(kAcquire);
  if (now_used != retired) return now_used;
  if (retired->segment.name.empty()) return retired;
  const std::uint64_t now = now_ms();
  if (now < next_follow_ms_.load(kRelaxed)) return retired;
  // Another thread may be at it. The flag does not outlive a fork, where that thread would never come back.
  Atomic<std::uint32_t>& busy = retired->registry != nullptr ? retired->registry->following() : following_;
  std::uint32_t idle = 0;
  if (!busy.compare_exchange_strong(idle, 1, kAcquire)) return retired;
  next_follow_ms_.store(now + 50, kRelaxed);
  Engine* found = retired;
  if (current_.load(kAcquire) == retired) {
    try {
      Segment segment = open_segment(retired->segment.name, options_, read_only_);
      if (segment.view.header().retired.load(kAcquire) == 0 &&
          (segment.device != retired->segment.device || segment.inode != retired->segment.inode)) {
        auto link = std::make_unique<Link>();
        link->engine = std::make_unique<Engine>(std::move(segment), wait_ns(options_), options_);
        if (Filler* const filler = link->engine->filler.get()) filler->begin(false);  // who follows is within an operation
        link->older = std::move(newest_);
        newest_ = std::move(link);
        found = newest_->engine.get();
        cannot_reopen_.store(false, kRelaxed);
        current_.store(found, kRelease);
      }
    } catch (const Error& error) {
      const bool refused = error.status() != Status::kAbsent;
      cannot_reopen_.store(refused, kRelaxed);
      if (refused) retired->worker().count(CounterId::k_cannot_reopen);
    } catch (...) {  // out of memory: later
    }
  } else {
    found = current_.load(kAcquire);
  }
  busy.store(0, kRelease);
  return found;
}

bool Handle::is_unlinked(const Engine& engine) const noexcept {
  if (engine.segment.name.empty()) return false;
  struct stat found {};
  if (is_same_file(engine.segment.fd.get(), engine.segment)) return ::fstat(engine.segment.fd.get(), &found) == 0 && found.st_nlink == 0;
  // Our descriptor was closed behind our back. By name, then; where the name cannot be reached at all (a chroot), nobody knows.
  char path[256];
  std::snprintf(path, sizeof path, "%s/%s%s", kSegmentDirectory.data(), kSegmentPrefix.data(), engine.segment.name.c_str());
  if (::lstat(path, &found) == 0) return found.st_dev == engine.segment.device && found.st_ino != engine.segment.inode;
  return false;
}

void Handle::tick_slowly(const Engine& engine, std::uint64_t now) noexcept {
  next_tick_ms_.store(now + kTickMs, kRelaxed);
  if (!read_only_) take_samples(engine.view, now);
  if (!is_unlinked(engine)) return;
  engine.orphaned.store(true, kRelaxed);
  if (!read_only_) engine.view.header().retired.store(1, kRelease);
}

}  // namespace detail
}  // namespace v0
}  // namespace carafe
