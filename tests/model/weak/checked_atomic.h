// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

/// What base/atomic.h and base/racy_copy.h are in a build for the checker: every access to shared memory is a call, with its order and
/// the place in the source that made it. While no machine runs (setting up, looking at the end), they are plain accesses.
namespace carafe::weak {

/// Who made an access: the function's name is what the mutants go by.
struct Site {
  const char* file;
  const char* function;
  int line;
  /// As a default argument: the caller.
  static constexpr Site here(const char* file = __builtin_FILE(), const char* function = __builtin_FUNCTION(),
                             int line = __builtin_LINE()) noexcept {
    return {file, function, line};
  }
};

enum class Change : std::uint8_t { kExchange, kAdd, kAnd, kOr };

[[nodiscard]] std::uint64_t load(const void* at, unsigned bytes, std::memory_order order, const Site& site) noexcept;
void store(void* at, unsigned bytes, std::uint64_t value, std::memory_order order, const Site& site) noexcept;
std::uint64_t change(void* at, unsigned bytes, Change what, std::uint64_t operand, std::memory_order order, const Site& site) noexcept;
bool compare_exchange(void* at, unsigned bytes, std::uint64_t& expected, std::uint64_t desired, std::memory_order success,
                      std::memory_order failure, const Site& site) noexcept;
void fence(std::memory_order order, const Site& site) noexcept;
/// The caller spins: nobody need run it again before what it looked at last has changed.
void pause() noexcept;
/// Payload: one relaxed access for each aligned word that it touches.
void copy_out(void* to, const std::byte* from, std::size_t bytes, const Site& site) noexcept;
void copy_in(std::byte* to, const void* from, std::size_t bytes, const Site& site) noexcept;
[[nodiscard]] bool equal(const std::byte* shared, const void* own, std::size_t bytes, const Site& site) noexcept;

}  // namespace carafe::weak

namespace carafe {

/// std::atomic's face, as far as the product uses it.
template <typename T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));

 public:
  static constexpr bool is_always_lock_free = true;

  Atomic() = default;
  constexpr Atomic(T value) noexcept : value_(value) {}  // NOLINT: implicit, as std::atomic's
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order order, weak::Site site = weak::Site::here()) const noexcept {
    return value_of(weak::load(&value_, sizeof(T), order, site));
  }
  void store(T value, std::memory_order order, weak::Site site = weak::Site::here()) noexcept {
    weak::store(&value_, sizeof(T), word_of(value), order, site);
  }
  T exchange(T value, std::memory_order order, weak::Site site = weak::Site::here()) noexcept {
    return value_of(weak::change(&value_, sizeof(T), weak::Change::kExchange, word_of(value), order, site));
  }
  T fetch_add(T by, std::memory_order order, weak::Site site = weak::Site::here()) noexcept {
    return value_of(weak::change(&value_, sizeof(T), weak::Change::kAdd, word_of(by), order, site));
  }
  T fetch_and(T by, std::memory_order order, weak::Site site = weak::Site::here()) noexcept {
    return value_of(weak::change(&value_, sizeof(T), weak::Change::kAnd, word_of(by), order, site));
  }
  T fetch_or(T by, std::memory_order order, weak::Site site = weak::Site::here()) noexcept {
    return value_of(weak::change(&value_, sizeof(T), weak::Change::kOr, word_of(by), order, site));
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure,
                               weak::Site site = weak::Site::here()) noexcept {
    std::uint64_t word = word_of(expected);
    const bool done = weak::compare_exchange(&value_, sizeof(T), word, word_of(desired), success, failure, site);
    if (!done) expected = value_of(word);
    return done;
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order, weak::Site site = weak::Site::here()) noexcept {
    return compare_exchange_strong(expected, desired, order, failing(order), site);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure,
                             weak::Site site = weak::Site::here()) noexcept {
    return compare_exchange_strong(expected, desired, success, failure, site);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order, weak::Site site = weak::Site::here()) noexcept {
    return compare_exchange_strong(expected, desired, order, failing(order), site);
  }

 private:
  static constexpr std::memory_order failing(std::memory_order order) noexcept {
    return order == std::memory_order_acq_rel   ? std::memory_order_acquire
           : order == std::memory_order_release ? std::memory_order_relaxed
                                                : order;
  }
  static std::uint64_t word_of(T value) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, &value, sizeof(T));
    return word;
  }
  static T value_of(std::uint64_t word) noexcept {
    T value;
    std::memcpy(&value, &word, sizeof(T));
    return value;
  }

  T value_{};
};

inline void atomic_fence(std::memory_order order, weak::Site site = weak::Site::here()) noexcept { weak::fence(order, site); }
inline void spin_pause() noexcept { weak::pause(); }

inline void racy_copy_out(void* to, const std::byte* from, std::size_t bytes, weak::Site site = weak::Site::here()) noexcept {
  weak::copy_out(to, from, bytes, site);
}
inline void racy_copy_in(std::byte* to, const void* from, std::size_t bytes, weak::Site site = weak::Site::here()) noexcept {
  weak::copy_in(to, from, bytes, site);
}
inline bool racy_equal(const std::byte* shared, const void* own, std::size_t bytes, weak::Site site = weak::Site::here()) noexcept {
  return weak::equal(shared, own, bytes, site);
}
inline std::uint64_t racy_load(const std::byte* from, weak::Site site = weak::Site::here()) noexcept {
  return weak::load(from, sizeof(std::uint64_t), std::memory_order_relaxed, site);
}
inline void racy_store(std::byte* to, std::uint64_t word, weak::Site site = weak::Site::here()) noexcept {
  weak::store(to, sizeof word, word, std::memory_order_relaxed, site);
}

}  // namespace carafe
