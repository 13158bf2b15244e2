// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "carafe/export.h"
#include "carafe/options.h"
#include "carafe/status.h"

namespace carafe {
inline namespace v0 {

namespace detail {
class Handle;
}

class Cache;

/// How get_or_load stores what was computed, and how long it waits. Fields will be added; use designated initialisers.
struct LoadOptions {
  /// Time to live of what is stored, as in SetOptions.
  std::chrono::milliseconds ttl = kForever;

  /// Shortens each time to live at random, by up to this share of it (0 to 1), so that what was stored together does not end together.
  double jitter = 0;

  /// Whether a computed value is stored; it is returned in any case. Missing: always.
  std::function<bool(std::string_view value)> cache_if{};

  /// How long to wait for another caller who computes the value; then it is computed here too, and not stored. Bounds what loaders that
  /// wait for each other in a circle can cost. Default 30 s.
  std::chrono::milliseconds max_wait{30'000};
};

/// What try_load answers: the value, or the lease on computing it, or neither, while another caller computes it. Movable; not for
/// several threads at once, and not beyond the life of the Cache it came from. Its destructor abandons a lease that was not filled.
class CARAFE_EXPORT LoadTicket {
 public:
  LoadTicket(LoadTicket&& other) noexcept;
  LoadTicket& operator=(LoadTicket&& other) noexcept;
  LoadTicket(const LoadTicket&) = delete;
  LoadTicket& operator=(const LoadTicket&) = delete;
  ~LoadTicket();

  [[nodiscard]] bool has_value() const noexcept { return state_ == State::kValue; }
  /// The value; empty where there is none.
  [[nodiscard]] const std::string& value() const& noexcept { return value_; }
  [[nodiscard]] std::string&& value() && noexcept { return std::move(value_); }
  /// Whether the value is ours to compute: then fill or abandon. Not in a process forked since.
  [[nodiscard]] bool owns_lease() const noexcept { return state_ == State::kLease; }

  /// Stores what was computed, and ends the lease. kStale: the key was set, erased or cleared since the lease was given (or the lease was
  /// evicted, or is not ours): nothing is stored, since it may be older than that. Others as set.
  Status fill(std::string_view value, std::chrono::milliseconds ttl = kForever) noexcept;
  Status fill(std::string_view value, const SetOptions& options) noexcept { return fill(value, options.ttl); }
  /// Ends the lease without a value: the next caller who waits gets it.
  void abandon() noexcept;

 private:
  friend class Cache;
  enum class State : std::uint8_t {
    kValue,
    kLease,
    kHeld,  // another caller computes
    kNone,  // nobody can promise anything: no room, no slot, a bad key
  };
  LoadTicket(detail::Handle& handle, std::string_view key);
  [[nodiscard]] bool is_still_ours() const noexcept;

  detail::Handle* handle_;
  const void* engine_ = nullptr;  // the segment's, when the lease was given
  std::uint64_t owner_ = 0;       // who got it: another process after a fork
  std::uint64_t token_ = 0;
  std::string key_;
  std::string value_;
  State state_ = State::kNone;
};

}  // namespace v0
}  // namespace carafe
