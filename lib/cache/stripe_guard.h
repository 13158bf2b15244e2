// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"
#include "lock/owner_lock.h"

namespace carafe {

/// Holds a stripe's lock for a scope. Within: no allocation, no callback, no system call, no throw, no second stripe.
class StripeGuard {
 public:
  /// Waits at most the engine's lock_wait, or that many of them.
  static StripeGuard wait(const Engine& engine, const Worker& me, std::uint32_t stripe, std::uint64_t times = 1) noexcept {
    return {engine, stripe, OwnerLock::lock(engine.view.stripe(stripe).lock, me, engine.lock_wait_ns * times)};
  }
  static StripeGuard attempt(const Engine& engine, const Worker& me, std::uint32_t stripe) noexcept {
    return {engine, stripe, OwnerLock::try_lock(engine.view.stripe(stripe).lock, me)};
  }
  StripeGuard(const StripeGuard&) = delete;
  StripeGuard& operator=(const StripeGuard&) = delete;
  ~StripeGuard() { unlock(); }

  explicit operator bool() const noexcept { return stripe_ != nullptr; }
  void unlock() noexcept {
    if (stripe_ == nullptr) return;
    if (stripe_->lease_gone.load(kRelaxed) == 0) [[likely]] {
      OwnerLock::unlock(stripe_->lock);
    } else {
      unlock_and_wake();
    }
    stripe_ = nullptr;
  }

 private:
  StripeGuard(const Engine& engine, std::uint32_t stripe, LockResult result) noexcept;
  void unlock_and_wake() noexcept;

  Stripe* stripe_ = nullptr;
};

}  // namespace carafe
