// SPDX-License-Identifier: MIT
#include "carafe/warm_once.h"

#include "base/futex.h"
#include "base/step.h"
#include "cache/handle.h"
#include "cache/named_slots.h"
#include "carafe/cache.h"

namespace carafe {
inline namespace v0 {
namespace {

/// Runs the work in a slot that is ours, and lets go of it however that ends.
class WarmTurn {
 public:
  WarmTurn(const Engine& engine, NamedSlot& slot) noexcept : engine_(engine), slot_(slot) {}
  WarmTurn(const WarmTurn&) = delete;
  WarmTurn& operator=(const WarmTurn&) = delete;
  ~WarmTurn() {
    // Who we are is asked anew: a child that was forked within the work holds nothing.
    const Worker me = engine_.worker();
    NamedSlots(engine_, me).let_go(slot_, kAllWaiters);
  }

  WarmUp run(const std::function<void()>& work) {
    const std::uint32_t epoch = engine_.epoch();  // before the work: a clear that comes meanwhile makes it due again
    if (slot_.done_in.load(kAcquire) == epoch) return WarmUp::kAlready;
    work();
    const Worker me = engine_.worker();
    if (NamedSlots(engine_, me).holds(slot_)) slot_.done_in.store(epoch, kRelease);
    CARAFE_STEP("warm once: done");
    return WarmUp::kDone;
  }

 private:
  const Engine& engine_;
  NamedSlot& slot_;
};

}  // namespace

WarmUp Cache::run_once(std::string_view label, const std::function<void()>& work, const WarmOptions& options) {
  const Engine& engine = handle_->engine();
  if (engine.segment.read_only || engine.retired()) return WarmUp::kElsewhere;
  const Worker me = engine.worker();
  const NamedSlots named(engine, me);
  NamedSlot* const slot = me.word != 0 ? named.find_or_claim(NamedSlots::Use::kOnce, label) : nullptr;
  if (slot == nullptr) {  // twice is better than never
    work();
    return WarmUp::kDone;
  }
  handle_->tick(engine);
  const std::uint64_t deadline_ns = NamedSlots::deadline_after(options.wait);
  while (slot->done_in.load(kAcquire) != engine.epoch()) {
    if (named.try_hold(*slot) != LockResult::kBusy) return WarmTurn(engine, *slot).run(work);
    if (!named.wait(*slot, deadline_ns) || engine.retired()) return WarmUp::kElsewhere;
  }
  return WarmUp::kAlready;
}

}  // namespace v0
}  // namespace carafe
