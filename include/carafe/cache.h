// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "carafe/export.h"
#include "carafe/load.h"
#include "carafe/options.h"
#include "carafe/stats.h"
#include "carafe/status.h"

namespace carafe {
inline namespace v0 {

namespace detail {
class Handle;
}

/// What increment answers: the new value when status is kOk, else the old one or 0.
struct Counter {
  Status status = Status::kOk;
  std::int64_t value = 0;
};

/// A value and the version it had; hand the version to compare_and_set.
struct Versioned {
  std::string value;
  std::uint64_t version = 0;
};

/// A key with its value, for set_many.
struct KeyValue {
  std::string_view key;
  std::string_view value;
};

/// A cache that all processes of a host share: a handle on one shared-memory segment.
///
/// Who may call:  any thread, any time, several at once; also right after fork, in parent and child. Not from a signal
///                handler. Moving or destroying the handle itself is for one thread, as with any object.
/// Errors:        the static functions throw carafe::Error; afterwards nothing throws (but std::bad_alloc from the
///                strings you are handed), blocks without a bound, or aborts. A write waits at most Options::lock_wait for a
///                stripe, then says kBusy.
/// Death:         a process may be killed at any instruction of any function here. Others lose at most the one entry
///                it was writing.
/// Keys:          any 1 to 4096 bytes. Values: any 0 bytes to a quarter of the capacity.
/// Cost:          a get takes no lock: two or three cache misses and the copy. A write adds one lock, uncontended ~10 ns.
class CARAFE_EXPORT Cache {
 public:
  /// Makes the segment `name`; Error kSegmentExists when there is one. It appears complete or not at all.
  [[nodiscard]] static Cache create(std::string_view name, const Options& options = {});
  /// Opens the segment `name`; Error kAbsent when there is none.
  static Cache open(std::string_view name, const Options& options = {});
  /// Opens it, or makes it; when two processes race, one makes it and both get the same.
  [[nodiscard]] static Cache open_or_create(std::string_view name, const Options& options = {});
  /// Makes a segment without a name, for a process and the children it forks. It ends with the last of them. Not bound by
  /// the size of /dev/shm.
  [[nodiscard]] static Cache create_anonymous(const Options& options = {});
  /// Opens for looking only: maps read-only, takes no worker slot, counts nothing, changes not one byte.
  [[nodiscard]] static Cache open_read_only(std::string_view name, const Options& options = {});
  /// Retires and unlinks the segment `name`: everybody who has it open misses from the next operation on. False when there
  /// was none. Throws kNoPermission, kNotTrusted or kBadName.
  static bool remove(std::string_view name, const Options& options = {});

  Cache(Cache&&) noexcept;
  Cache& operator=(Cache&&) noexcept;
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  /// Detaches; never removes the segment.
  ~Cache();

  /// Stores `value` under `key` for `ttl`. kOk, or nothing is stored: kTooLarge and kNoSpace (what the key held is gone too),
  /// kBusy (it is still there), kBadKey, kRetired, kReadOnly.
  [[nodiscard]] Status set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = kForever) noexcept;
  [[nodiscard]] Status set(std::string_view key, std::string_view value, const SetOptions& options) noexcept;
  /// Stores only where the key has no value; else kExists.
  [[nodiscard]] Status add(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = kForever) noexcept;
  /// Stores only where the key has a value; else kNotFound.
  [[nodiscard]] Status replace(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = kForever) noexcept;

  /// The value, or nothing.
  [[nodiscard]] std::optional<std::string> get(std::string_view key);
  /// Into `reused`: kOk, or kNotFound (and others) with `reused` emptied. No allocation once it is large enough.
  Status get(std::string_view key, std::string& reused);
  /// The value; where there is none, loader() computes it, once for all callers in all processes: the others wait for it (or, after
  /// LoadOptions::max_wait, compute their own). Whatever outdates the key meanwhile (set, erase, clear, removal) keeps the computed
  /// value out: this caller gets it, the cache does not. When the owner dies, one who waits takes over within 50 ms. An exception of the loader
  /// comes through here and is not stored; the next one who waits is the owner then. No lock is held while the loader runs: it
  /// may load other keys. Counts as one get. `loader`: returns what std::string can be made of.
  template <typename Loader>
  [[nodiscard]] std::string get_or_load(std::string_view key, Loader&& loader, const LoadOptions& options = {}) {
    std::string value;
    if (get(key, value) == Status::kOk) return value;
    return load(
        key, [&loader] { return std::string(loader()); }, options);
  }
  /// The same for who must not wait (an event loop): the value, or the lease on it, or neither.
  [[nodiscard]] LoadTicket try_load(std::string_view key);

  /// One answer per key, in order; a bad key misses at its place. Cheaper than single gets: their cache misses overlap.
  [[nodiscard]] std::vector<std::optional<std::string>> get_many(std::span<const std::string_view> keys);
  [[nodiscard]] std::vector<Status> set_many(std::span<const KeyValue> items, std::chrono::milliseconds ttl = kForever);
  [[nodiscard]] std::vector<Status> erase_many(std::span<const std::string_view> keys);

  /// Adds `delta` to a decimal value, atomically among processes. An absent counter becomes initial + delta, and lives for
  /// `ttl`; an existing one keeps its expiry. kNotANumber changes nothing.
  [[nodiscard]] Counter increment(std::string_view key, std::int64_t delta, std::int64_t initial = 0,
                                  std::chrono::milliseconds ttl = kForever) noexcept;
  /// The value with its version.
  [[nodiscard]] std::optional<Versioned> get_versioned(std::string_view key);
  /// Stores only if the item is still the one get_versioned saw: kVersionChanged (also when it was erased and set again) or
  /// kNotFound otherwise.
  [[nodiscard]] Status compare_and_set(std::string_view key, std::uint64_t version, std::string_view value,
                                       std::chrono::milliseconds ttl = kForever) noexcept;

  /// Whether a get would hit. Counts as neither hit nor miss.
  [[nodiscard]] bool contains(std::string_view key) noexcept;
  /// Gives the item a new time to live, counted from now.
  [[nodiscard]] Status touch(std::string_view key, std::chrono::milliseconds ttl) noexcept;
  /// kOk when something was removed, kNotFound when there was nothing, kBusy when it could not be done.
  [[nodiscard]] Status erase(std::string_view key) noexcept;
  /// Time left; kForever without an end; nothing when the key is absent.
  [[nodiscard]] std::optional<std::chrono::milliseconds> remaining_ttl(std::string_view key) noexcept;
  /// Everything stored before is gone for every process when this returns. O(1); the space comes back as it is needed.
  void clear() noexcept;

  /// Calls visitor(std::string_view key, std::string_view value) for every item, without a lock held; a visitor that returns
  /// false ends the walk. Tolerates concurrent change: an item present throughout is seen exactly once.
  template <typename Visitor>
  void for_each(Visitor&& visitor) {
    for_each_item([&visitor](std::string_view key, std::string_view value) {
      if constexpr (std::is_same_v<std::invoke_result_t<Visitor&, std::string_view, std::string_view>, bool>) {
        return visitor(key, value);
      } else {
        visitor(key, value);
        return true;
      }
    });
  }

  /// Every counter; a few microseconds.
  [[nodiscard]] Stats stats() const;
  /// Size classes, index classes included. Walks the ownership words: milliseconds a GiB.
  [[nodiscard]] std::vector<SlabStats> slabs() const;
  /// Which eviction mode plays and how the others would do. About 1 us.
  [[nodiscard]] EvictionStats eviction() const;
  /// Slots in use, live or dead.
  [[nodiscard]] std::vector<WorkerStats> workers() const;
  [[nodiscard]] SegmentInfo info() const;
  /// Walks everything and checks every invariant, beside running workers too. Seconds a GiB; changes nothing.
  [[nodiscard]] VerifyReport verify() const;

 private:
  explicit Cache(std::unique_ptr<detail::Handle> handle) noexcept;
  std::string load(std::string_view key, const std::function<std::string()>& loader, const LoadOptions& options);
  void ask_lease(LoadTicket& ticket);
  bool get_quietly(std::string_view key, std::string& reused);
  void for_each_item(const std::function<bool(std::string_view, std::string_view)>& visitor);

  std::unique_ptr<detail::Handle> handle_;
};

}  // namespace v0
}  // namespace carafe
