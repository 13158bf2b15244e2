// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
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
class Space;
struct Lease;

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
}  // namespace detail

class Keyspace;

/// When a value is computed anew although it is fresh still, by one of those who ask for it; the others take it as it is.
struct RefreshAhead {
  double beta = 0;  ///< Above 0: at random, the likelier the nearer its end and the longer it took to compute; 1 is usual, more is earlier.
  double fraction = 0;  ///< Above 0: once this share of its time to live is over.

  /// "Optimal Probabilistic Cache Stampede Prevention" (Vattani, Chierichetti, Lowenstein, VLDB 2015).
  [[nodiscard]] static constexpr RefreshAhead xfetch(double beta = 1.0) noexcept { return {.beta = beta}; }
  [[nodiscard]] static constexpr RefreshAhead at(double fraction) noexcept { return {.fraction = fraction}; }
  [[nodiscard]] constexpr bool is_on() const noexcept { return beta > 0 || fraction > 0; }
};

/// How get_or_load stores what was computed, and how long it waits. Fields will be added; use designated initialisers.
struct LoadOptions {
  /// Time to live of what is stored, as in SetOptions.
  std::chrono::milliseconds ttl = kForever;

  /// How long beyond its time to live a value still serves while a new one is computed: by one caller, the others get the old one at once.
  /// A plain get misses as soon as the time to live is over.
  std::chrono::milliseconds stale_for{0};

  /// Whether a caller whose loader throws gets the old value, where there is one (stale, or refreshed ahead), and no exception.
  bool stale_if_error = true;

  /// For how long it is known that there is no value (the loader returned an empty std::optional); nobody computes meanwhile. 0: not at
  /// all.
  std::chrono::milliseconds negative_ttl{0};

  /// For how long nobody tries again after a loader threw; callers get LoadFailed meanwhile. 0, or an old value is there: the next caller
  /// tries.
  std::chrono::milliseconds error_ttl{0};

  /// Shortens each time to live at random, by up to this share of it (0 to 1), so that what was stored together does not end together.
  double jitter = 0;

  RefreshAhead refresh_ahead{};

  /// Whether a computed value is stored; it is returned in any case. Missing: always.
  std::function<bool(std::string_view value)> cache_if{};

  /// How long to wait for another caller who computes the value; then it is computed here too, and not stored. Bounds what loaders that
  /// wait for each other in a circle can cost. Default 30 s.
  std::chrono::milliseconds max_wait{30'000};

  /// As in SetOptions. One that is invalidated while the value is computed keeps the value out.
  Tags tags{};
};

/// Thrown by get_or_load while it is known that computing the value failed a moment ago (LoadOptions::error_ttl), by whomever.
class CARAFE_EXPORT LoadFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~LoadFailed() override;
  LoadFailed(const LoadFailed&) = default;
  LoadFailed& operator=(const LoadFailed&) = default;
};

/// What try_load answers: a value, or the lease on computing it, or neither, while another caller computes it. A stale value may come with
/// the lease: use the one, and see to the other. Movable; not for several threads at once, and not beyond the life of the Cache it came
/// from. Its destructor abandons a lease that was not filled.
class CARAFE_EXPORT LoadTicket {
 public:
  LoadTicket(LoadTicket&& other) noexcept;
  LoadTicket& operator=(LoadTicket&& other) noexcept;
  LoadTicket(const LoadTicket&) = delete;
  LoadTicket& operator=(const LoadTicket&) = delete;
  ~LoadTicket();

  [[nodiscard]] bool has_value() const noexcept { return has_value_; }
  /// The value; empty where there is none.
  [[nodiscard]] const std::string& value() const& noexcept { return value_; }
  [[nodiscard]] std::string&& value() && noexcept { return std::move(value_); }
  /// Whether the value is past its time to live (LoadOptions::stale_for).
  [[nodiscard]] bool stale() const noexcept { return stale_; }
  /// Whether the answer is that there is no value (fill_none, LoadOptions::negative_ttl).
  [[nodiscard]] bool is_none() const noexcept { return none_; }
  /// Whether the value is ours to compute: then fill or abandon. Not in a process forked since.
  [[nodiscard]] bool owns_lease() const noexcept { return lease_ != nullptr; }

  /// Stores what was computed as the options of try_load say, and ends the lease. kStale: the key was set, erased or cleared, or one of its
  /// tags or its namespace invalidated, since the lease was given (or the lease was evicted, or is not ours): nothing is stored, since it
  /// may be older than that. Others as set.
  Status fill(std::string_view value) noexcept;
  Status fill(std::string_view value, std::chrono::milliseconds ttl) noexcept;
  Status fill(std::string_view value, const SetOptions& options) noexcept;
  /// Stores that there is no value.
  Status fill_none(std::chrono::milliseconds ttl) noexcept;
  /// Ends the lease without a value: the next caller who waits gets it.
  void abandon() noexcept;

 private:
  friend class Keyspace;
  LoadTicket(const Keyspace& keyspace, std::string_view key);

  detail::Handle* handle_;
  std::shared_ptr<detail::Space> space_;
  std::unique_ptr<detail::Lease> lease_;
  std::string key_;
  std::string value_;
  bool has_value_ = false;
  bool stale_ = false;
  bool none_ = false;
};

}  // namespace v0
}  // namespace carafe
