// SPDX-License-Identifier: MIT
#include "carafe/named_mutex.h"

#include <string>

#include "cache/handle.h"
#include "cache/named_slots.h"
#include "carafe/cache.h"

namespace carafe {
inline namespace v0 {
namespace detail {

struct MutexState {
  MutexState(Handle& of, std::string_view named) : handle(of), name(named) {}

  /// kBusy: not until `deadline_ns`.
  [[nodiscard]] Status acquire(std::uint64_t deadline_ns) noexcept;
  /// The slot that the calling thread holds through this object, or nullptr.
  [[nodiscard]] NamedSlot* held_in(const Engine& engine, const Worker& me) const noexcept;

  Handle& handle;
  const std::string name;
  // Of its holder: set when it has it. Others look at the first only, which then proves nothing yet.
  Atomic<const Engine*> locked_in{nullptr};
  bool recovered = false;
};

Status MutexState::acquire(std::uint64_t deadline_ns) noexcept {
  for (;;) {
    const Engine& engine = handle.engine();
    const Worker me = engine.worker();
    if (me.word == 0) return Status::kNoWorkerSlot;
    handle.tick(engine);
    if (engine.retired()) return handle.retired_status();
    const NamedSlots named(engine, me);
    NamedSlot* const slot = named.find_or_claim(NamedSlots::Use::kMutex, name);
    if (slot == nullptr) return Status::kNoSpace;
    const LockResult result = named.hold(*slot, deadline_ns);
    if (result != LockResult::kBusy) {
      recovered = result == LockResult::kTakenOver;
      locked_in.store(&engine, kRelease);
      return Status::kOk;
    }
    if (!engine.retired()) return Status::kBusy;
  }
}

NamedSlot* MutexState::held_in(const Engine& engine, const Worker& me) const noexcept {
  const NamedSlots named(engine, me);
  NamedSlot* const slot = me.word != 0 ? named.find_or_claim(NamedSlots::Use::kMutex, name) : nullptr;
  return slot != nullptr && named.holds(*slot) ? slot : nullptr;
}

}  // namespace detail

namespace {

[[noreturn]] void refuse_mutex(Status status, std::string_view name, const std::string& why) {
  throw Error(status, "carafe: cannot use the mutex \"" + std::string(name) + "\": " + why);
}

}  // namespace

NamedMutex::NamedMutex(Cache& cache, std::string_view name) : state_(std::make_unique<detail::MutexState>(*cache.handle_, name)) {
  const Engine& engine = state_->handle.engine();
  Status status = Status::kOk;
  const Worker me = engine.worker();
  if (engine.segment.read_only) {
    status = Status::kReadOnly;
  } else if (engine.retired()) {
    status = state_->handle.retired_status();
  } else if (me.word == 0) {
    status = Status::kNoWorkerSlot;
  }
  if (status != Status::kOk) refuse_mutex(status, name, std::string(advice(status)));
  if (NamedSlots(engine, me).find_or_claim(NamedSlots::Use::kMutex, name) == nullptr)
    refuse_mutex(
        Status::kNoSpace, name,
        "all " + std::to_string(engine.view.geometry().named_count) +
            " places for mutexes and warm-ups are taken, and are for good; use fewer names, or create the segment with a larger capacity");
}

NamedMutex::~NamedMutex() { unlock(); }

Status NamedMutex::lock() noexcept { return state_->acquire(NamedSlots::kNoDeadline); }
bool NamedMutex::try_lock() noexcept { return state_->acquire(0) == Status::kOk; }
bool NamedMutex::try_lock_for(std::chrono::duration<double> most) noexcept {
  return state_->acquire(NamedSlots::deadline_after(most)) == Status::kOk;
}

void NamedMutex::unlock() noexcept {
  const Engine* const engine = state_->locked_in.load(kAcquire);  // where it was locked, though the handle may have moved on
  if (engine == nullptr) return;
  const Worker me = engine->worker();
  NamedSlot* const slot = state_->held_in(*engine, me);
  if (slot == nullptr) return;
  state_->locked_in.store(nullptr, kRelaxed);  // first, since from then on it is the next one's
  NamedSlots(*engine, me).let_go(*slot, 1);
}

bool NamedMutex::is_held() const noexcept {
  const Engine* const engine = state_->locked_in.load(kAcquire);
  return engine != nullptr && state_->held_in(*engine, engine->worker()) != nullptr;
}

bool NamedMutex::recovered() const noexcept { return state_->recovered; }

}  // namespace v0
}  // namespace carafe
