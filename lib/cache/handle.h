// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "base/atomic.h"
#include "base/time.h"
#include "cache/engine.h"
#include "carafe/options.h"
#include "carafe/status.h"

namespace carafe {
inline namespace v0 {
namespace detail {

/// What a Cache holds: the engine of the segment it uses now. When that segment is removed, the handle moves on to a new one of the
/// name as soon as there is one; old engines stay mapped until the handle goes, since other threads may be within one.
class Handle {
 public:
  Handle(Segment segment, const Options& options);
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  /// The engine for the next operation.
  [[nodiscard]] const Engine& engine() noexcept {
    Engine* engine = current_.load(kAcquire);
    if (engine->retired()) [[unlikely]]
      engine = follow(engine);
    return *engine;
  }
  /// The same, or nullptr when that is removed, and there is no new one of the name.
  [[nodiscard]] const Engine* live_engine() noexcept {
    const Engine* engine = current_.load(kAcquire);
    if (!engine->retired()) [[likely]]
      return engine;
    engine = &this->engine();
    return engine->retired() ? nullptr : engine;
  }
  /// Why writes to a retired segment fail: kRetired, or kCannotReopen.
  [[nodiscard]] Status retired_status() const noexcept { return cannot_reopen_.load(kRelaxed) ? Status::kCannotReopen : Status::kRetired; }

  /// Things to do now and then, whoever comes by: samples for the windows; has the name been unlinked behind our back?
  void tick(const Engine& engine) noexcept {
    const std::uint64_t now = now_ms();
    if (now >= next_tick_ms_.load(kRelaxed) || now + 2 * kTickMs < next_tick_ms_.load(kRelaxed)) [[unlikely]]
      tick_slowly(engine, now);
    // Who has much to do looks at the clock every sixteenth time only.
    const bool busy = now == last_look_ms_.load(kRelaxed);
    const std::uint32_t looks = busy ? looks_.load(kRelaxed) + 1 : 0;
    looks_.store(looks, kRelaxed);
    if (!busy) last_look_ms_.store(now, kRelaxed);
  }
  /// Whether the n-th hit should tick.
  [[nodiscard]] bool is_time_to_tick(std::uint64_t hits) const noexcept {
    return (hits & kPatience) == 0 || looks_.load(kRelaxed) < kBusyLooks;
  }

 private:
  static constexpr std::uint64_t kTickMs = 400;
  static constexpr std::uint64_t kPatience = 15;
  static constexpr std::uint32_t kBusyLooks = 16;  // within one tick of the coarse clock

  Engine* follow(Engine* retired) noexcept;
  void tick_slowly(const Engine& engine, std::uint64_t now) noexcept;
  [[nodiscard]] bool is_unlinked(const Engine& engine) const noexcept;

  /// One engine and the one it was before; a chain as long as the number of removals seen.
  struct Link {
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Link> older;
  };

  const Options options_;
  const bool read_only_;
  std::unique_ptr<Link> newest_;
  Atomic<Engine*> current_;
  Atomic<std::uint64_t> next_tick_ms_{0};
  Atomic<std::uint64_t> last_look_ms_{0};
  Atomic<std::uint32_t> looks_{0};
  Atomic<std::uint64_t> next_follow_ms_{0};
  Atomic<std::uint32_t> following_{0};  // of a read-only handle
  Atomic<bool> cannot_reopen_{false};
};

}  // namespace detail
}  // namespace v0
}  // namespace carafe
