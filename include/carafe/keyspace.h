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
class Space;
}  // namespace detail

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

/// Keys and their values, and all that can be done with them: the part that a Cache and each of its namespaces (Cache::in) have in common.
///
/// Who may call:  any thread, any time, several at once; also right after fork, in parent and child. Not from a signal handler.
/// Errors:        nothing throws (but std::bad_alloc from the strings you are handed, and what your own loaders and visitors throw), blocks without a
///                bound, or aborts. A write waits at most Options::lock_wait for a stripe, then says kBusy.
/// Keys:          any 1 to 4096 bytes. Values: any 0 bytes to a quarter of the capacity.
/// Cost:          a get takes no lock: two or three cache misses and the copy. A write adds one lock, uncontended ~10 ns.
class CARAFE_EXPORT Keyspace {
 public:
  /// Stores `value` under `key` for `ttl`. kOk, or nothing is stored: kTooLarge and kNoSpace (what the key held is gone too),
  /// kBusy (it is still there), kBadKey, kRetired, kReadOnly.
  [[nodiscard]] Status set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = kForever) noexcept;
  [[nodiscard]] Status set(std::string_view key, std::string_view value, const SetOptions& options) noexcept;
  /// Stores only where the key has no value; else kExists.
  [[nodiscard]] Status add(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = kForever) noexcept;
  [[nodiscard]] Status add(std::string_view key, std::string_view value, const SetOptions& options) noexcept;
  /// Stores only where the key has a value; else kNotFound.
  [[nodiscard]] Status replace(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = kForever) noexcept;
  [[nodiscard]] Status replace(std::string_view key, std::string_view value, const SetOptions& options) noexcept;

  /// The value, or nothing.
  [[nodiscard]] std::optional<std::string> get(std::string_view key);
  /// Into `reused`: kOk, or kNotFound (and others) with `reused` emptied. No allocation once it is large enough.
  Status get(std::string_view key, std::string& reused);
  /// Calls visitor(std::string_view value) with the value where it lies, without a copy: for large values of which little is needed, or that
  /// are parsed or sent on anyway. **While the visitor looks, other processes may replace the value and write something else there**: it has to
  /// bear any bytes, also such that change between two looks, and what it made of them counts only if kOk is the answer; so let it
  /// check what it reads, keep what it found in variables of its own, and do nothing that cannot be thrown away. It may be called a second time,
  /// with a private copy: when somebody wrote meanwhile. A value of more than one chunk (from 8 KiB on in segments of less than 32 MiB,
  /// rising to 128 KiB from 256 MiB on) is shown as a copy only. An exception of the visitor comes through; nothing is held. kOk; kNotFound (and others), after which nothing counts. A seqlock's read
  /// section for the caller, as Boehm describes it (MSPC 2012). Counts as one get.
  template <typename Visitor>
  Status get_view(std::string_view key, Visitor&& visitor) {
    auto call = [&visitor](std::string_view value) { static_cast<void>(visitor(value)); };
    return view(
        key, [](void* called, std::string_view value) { (*static_cast<decltype(call)*>(called))(value); }, &call);
  }
  /// The value; where there is none, loader() computes it, once for all callers in all processes: the others wait for it (or take the old value,
  /// LoadOptions::stale_for; or, after LoadOptions::max_wait, compute their own). Whatever outdates the key meanwhile (set, erase, clear, a tag, its
  /// namespace, removal) keeps the computed value out: this caller gets it, the cache does not. When the owner dies, one who waits takes over within
  /// 50 ms. An exception of the loader comes through here and is not stored; the next one who waits is the owner then. No lock is held while the
  /// loader runs: it may load other keys. Counts as one get.
  /// `loader` returns what std::string can be made of; or a std::optional of that, and so does get_or_load: empty is "there is none".
  template <typename Loader>
  [[nodiscard]] auto get_or_load(std::string_view key, Loader&& loader, const LoadOptions& options = {}) {
    using Loaded = std::invoke_result_t<Loader&>;
    constexpr bool kMayBeNone = detail::kIsOptional<Loaded>;
    std::optional<std::string> value(std::in_place);
    if (!try_hit(key, *value, options)) {
      value = load(
          key,
          [&loader]() -> std::optional<std::string> {
            if constexpr (kMayBeNone) {
              Loaded loaded = loader();
              if (!loaded.has_value()) return std::nullopt;
              return std::string(*std::move(loaded));
            } else {
              return std::string(loader());
            }
          },
          options, kMayBeNone);
    }
    if constexpr (kMayBeNone) {
      return value;
    } else {
      return std::string(*std::move(value));
    }
  }
  /// The same for who must not wait (an event loop): the value, or the lease on it, or both, or neither.
  [[nodiscard]] LoadTicket try_load(std::string_view key, const LoadOptions& options = {});

  /// One answer per key, in order; a bad key misses at its place. Cheaper than single gets: their cache misses overlap.
  [[nodiscard]] std::vector<std::optional<std::string>> get_many(std::span<const std::string_view> keys);
  /// The same into `reused`, which gets as many elements; its strings need no allocation once they are large enough.
  void get_many(std::span<const std::string_view> keys, std::vector<std::optional<std::string>>& reused);
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
  /// Erases every key that begins with `prefix` (empty: all of them), or matches `pattern` whole: * any bytes, ? one byte, [abc], [a-z],
  /// [!abc] one of these, \ the next one as it is. Whatever was there throughout is gone when this returns, and so is what was being
  /// computed for such a key. Returns how many values went. Walks all keys of the segment: about 100 ns each where they come from memory, a
  /// fifth of that from caches; no lock held but for each one erased. What lies in a stripe whose lock holder is stopped stays.
  std::uint64_t erase_prefix(std::string_view prefix) noexcept;
  std::uint64_t erase_matching(std::string_view pattern) noexcept;

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

 protected:
  Keyspace(detail::Handle* handle, std::shared_ptr<detail::Space> space) noexcept : handle_(handle), space_(std::move(space)) {}
  Keyspace(const Keyspace&) = default;
  Keyspace& operator=(const Keyspace&) = default;
  Keyspace(Keyspace&&) noexcept = default;
  Keyspace& operator=(Keyspace&&) noexcept = default;
  ~Keyspace() = default;

  detail::Handle* handle_;
  std::shared_ptr<detail::Space> space_;  // none: the keys of no namespace

 private:
  friend class LoadTicket;
  /// Whether get_or_load has nothing to do: the value, fresh. Counted then, else not.
  bool try_hit(std::string_view key, std::string& value, const LoadOptions& options);
  std::optional<std::string> load(std::string_view key, const std::function<std::optional<std::string>()>& loader,
                                  const LoadOptions& options, bool may_be_none);
  Status view(std::string_view key, void (*visit)(void* visitor, std::string_view value), void* visitor);
  void for_each_item(const std::function<bool(std::string_view, std::string_view)>& visitor);
};

}  // namespace v0
}  // namespace carafe
