// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "carafe/load.h"
#include "carafe/options.h"
#include "carafe/status.h"

namespace carafe {
inline namespace v0 {

/// What memoize and an application need of a cache. Cache, MemoryStore, FileStore and AnyStore are Stores; examples/own_store.cc makes
/// another one. All of them keep the same rules (tests/store/rules_test.cc):
///
///   - A ttl counts from the moment of storing. kForever has no end; zero or less is already expired: what the key held is gone.
///   - The empty value is a value, and so are "0" and "false". A miss is an empty optional, nothing else.
///   - erase_prefix answers how many values went.
///   - Keys are 1 to 4096 bytes; other ones are never stored (kBadKey), and get_or_load computes for them every time.
///   - get_or_load runs one loader a key at a time; the others wait for it, at most LoadOptions::max_wait. What the loader throws goes to
///     its caller alone and is not stored; the next one who waits runs his. Set, erase, erase_prefix and clear keep out what was being
///     computed when they were called.
///   - Of LoadOptions, ttl, jitter, cache_if, max_wait and negative_ttl mean the same everywhere. What else there is (and tags) is Cache's.
template <typename S>
concept Store = requires(S& store, std::string_view key, std::string_view value, std::chrono::milliseconds ttl, const SetOptions& how,
                         std::string (*loader)(), const LoadOptions& options) {
  { store.get(key) } -> std::same_as<std::optional<std::string>>;
  { store.contains(key) } -> std::same_as<bool>;
  { store.set(key, value) } -> std::same_as<Status>;
  { store.set(key, value, ttl) } -> std::same_as<Status>;
  { store.set(key, value, how) } -> std::same_as<Status>;
  { store.erase(key) } -> std::same_as<Status>;
  { store.erase_prefix(key) } -> std::same_as<std::uint64_t>;
  store.clear();
  { store.get_or_load(key, loader, options) } -> std::same_as<std::string>;
};

/// A Store whose loaders may find nothing: get_or_load answers what they do, and remembers an empty answer for LoadOptions::negative_ttl.
template <typename S>
concept LoadsOptional = Store<S> &&
    requires(S& store, std::string_view key, std::optional<std::string> (*loader)(), const LoadOptions& options) {
  { store.get_or_load(key, loader, options) } -> std::same_as<std::optional<std::string>>;
};

namespace detail {

/// What get_or_load answers for this loader: an optional where it returns one, else a string.
template <typename Loader>
using LoadResult =
    std::conditional_t<kIsOptional<std::remove_cvref_t<std::invoke_result_t<Loader&>>>, std::optional<std::string>, std::string>;

using LoadFunction = std::function<std::optional<std::string>()>;

/// Whether a stored "there is nothing" answers this caller.
enum class Nothing : bool { kIsAMiss, kIsAnAnswer };

/// get_or_load by way of load(LoadFunction, Nothing), which is all that a store has to write.
template <typename Loader, typename Load>
LoadResult<Loader> load_by(Loader& loader, const Load& load) {
  if constexpr (std::is_same_v<LoadResult<Loader>, std::string>) {
    return *load([&loader] { return std::optional<std::string>(std::string(loader())); }, Nothing::kIsAMiss);
  } else {
    return load([&loader] { return std::optional<std::string>(loader()); }, Nothing::kIsAnAnswer);
  }
}

/// What a loader throws where only an exception says that there is nothing to store.
struct FoundNothing {};

/// get_or_load with a loader that may find nothing, whatever the store can do: an empty answer is remembered where it knows how to.
template <Store S>
std::optional<std::string> load_optional(S& store, std::string_view key, const LoadFunction& loader, const LoadOptions& options) {
  if constexpr (LoadsOptional<S>) {
    return store.get_or_load(key, loader, options);
  } else {
    const auto insists = [&loader] {
      std::optional<std::string> answer = loader();
      if (!answer) throw FoundNothing();
      return *std::move(answer);
    };
    try {
      return store.get_or_load(key, insists, options);
    } catch (const FoundNothing&) {
      return std::nullopt;
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace carafe
