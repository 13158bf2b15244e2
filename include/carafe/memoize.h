// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "carafe/codec.h"
#include "carafe/export.h"
#include "carafe/load.h"
#include "carafe/options.h"
#include "carafe/status.h"
#include "carafe/store.h"

namespace carafe {
inline namespace v0 {

/// How memoize keeps answers. Fields will be added; use designated initialisers.
struct MemoizeOptions {
  /// Time to live of each answer; of this and load.ttl the shorter one counts.
  std::chrono::milliseconds ttl = kForever;

  /// Raise it when the function has come to answer something else: what it answered before is not used again. (A changed type of argument
  /// or answer is noticed by itself; see shape_of.)
  std::uint32_t version = 0;

  /// As for get_or_load. cache_if is shown the encoded answer: carafe::decode<T> reads it.
  LoadOptions load{};
};

namespace detail {

/// `head`, and what tells the arguments apart: themselves, or a 128-bit hash of them where the key would be longer than a key may be.
CARAFE_EXPORT std::string memoize_key(std::string head, std::string_view arguments);
/// Error kBadName where it cannot be the name of a memoized function.
CARAFE_EXPORT void check_memoize_name(std::string_view name);

template <typename S>
concept HasNamespaces = Store<S> && requires(S& store, std::string_view name) {
  requires Store<std::remove_cvref_t<decltype(store.in(name))>>;
};

/// Where a function's answers are: in the store itself, or in its namespace of the function's name, which can be cleared at once.
template <typename S>
struct SpaceOf {
  using Held = S*;
  static S* hold(S& store, std::string_view) noexcept { return &store; }
  static S& get(S* held) noexcept { return *held; }
};
template <HasNamespaces S>
struct SpaceOf<S> {
  using Held = std::remove_cvref_t<decltype(std::declval<S&>().in(std::string_view()))>;
  static Held hold(S& store, std::string_view name) { return store.in(name); }
  static Held& get(Held& held) noexcept { return held; }
};

/// What text arrives as does not matter to a key.
template <typename A>
using KeyPart = std::conditional_t<std::is_convertible_v<const A&, std::string_view>, std::string_view, A>;

template <typename A>
void put_argument(const A& argument, std::string& to) {
  static_assert(kHasOneForm<KeyPart<A>>,
                "an argument's bytes may hold padding (or a float within a struct, which looks like it), so equal arguments may differ: "
                "specialise carafe::Codec for it, or memoize a function of its members");
  put_part<KeyPart<A>>(argument, to);
}

template <typename R>
struct Unwrapped {
  using type = R;
};
template <typename T>
struct Unwrapped<std::optional<T>> {
  using type = T;
};

/// R(Arguments...) of a function or a callable object; void where it has several.
template <typename F>
struct SignatureOf {
  using type = void;
};
template <typename R, typename... P>
struct SignatureOf<R (*)(P...)> {
  using type = std::remove_cvref_t<R>(std::remove_cvref_t<P>...);
};
template <typename R, typename... P>
struct SignatureOf<R (*)(P...) noexcept> : SignatureOf<R (*)(P...)> {};
template <typename C, typename R, typename... P>
struct SignatureOf<R (C::*)(P...) const> : SignatureOf<R (*)(P...)> {};
template <typename C, typename R, typename... P>
struct SignatureOf<R (C::*)(P...) const noexcept> : SignatureOf<R (*)(P...)> {};
template <typename F>
requires requires { &F::operator(); }
struct SignatureOf<F> : SignatureOf<decltype(&F::operator())> {};

/// What all memoized functions do, whatever their arguments are.
template <Store S, typename F>
class MemoizedBase {
 public:
  MemoizedBase(S& store, std::string_view name, F function, MemoizeOptions options)
      : space_(SpaceOf<S>::hold(store, name)),
        name_(name),
        function_(std::move(function)),
        version_(options.version),
        load_(std::move(options.load)) {
    load_.ttl = std::min(load_.ttl, options.ttl);
  }

  /// Outdates every answer, those of other versions too: the namespace's clear where there are namespaces, else erase_prefix.
  void invalidate_all() const {
    if constexpr (HasNamespaces<S>)
      space().clear();
    else
      space().erase_prefix(prefix());
  }

 protected:
  template <typename... A>
  using Result = std::remove_cvref_t<std::invoke_result_t<const F&, const A&...>>;

  template <typename... A>
  Result<A...> call(const A&... arguments) const {
    using R = Result<A...>;
    using T = typename Unwrapped<R>::type;
    const std::string key = key_of(arguments...);
    for (int attempt = 0; attempt < 2; ++attempt) {
      std::optional<R> computed;
      const auto compute = [&]() -> std::optional<std::string> {
        computed.emplace(std::invoke(function_, arguments...));
        if constexpr (kIsOptional<R>)
          return *computed ? std::optional<std::string>(encode<T>(**computed)) : std::nullopt;
        else
          return encode<T>(*computed);
      };
      const std::optional<std::string> bytes = load_optional(space(), key, compute, load_);
      if (computed) return *std::move(computed);
      if constexpr (kIsOptional<R>) {
        if (!bytes) return std::nullopt;  // remembered
      }
      if (std::optional<T> value = decode<T>(*bytes)) return R(*std::move(value));
      static_cast<void>(space().erase(key));  // no answer of ours: a miss
    }
    return std::invoke(function_, arguments...);
  }

  template <typename... A>
  Result<A...> call_anew(const A&... arguments) const {
    const Status erased = invalidate_one(arguments...);
    if (erased != Status::kOk && erased != Status::kNotFound) return std::invoke(function_, arguments...);  // what is there may be old
    return call(arguments...);
  }

  template <typename... A>
  Status invalidate_one(const A&... arguments) const {
    return space().erase(key_of(arguments...));
  }

 private:
  auto& space() const { return SpaceOf<S>::get(space_); }

  /// Of all our keys, and of nobody else's: a name has no zero byte.
  [[nodiscard]] std::string prefix() const { return HasNamespaces<S> ? std::string() : name_ + '\0'; }

  template <typename... A>
  [[nodiscard]] std::string key_of(const A&... arguments) const {
    using T = typename Unwrapped<Result<A...>>::type;
    std::string head = prefix();
    put_number(mix(mix(shape_of<std::tuple<KeyPart<A>...>>(), shape_of<T>()), version_), head);
    std::string all;
    (put_argument(arguments, all), ...);
    return memoize_key(std::move(head), all);
  }

  mutable typename SpaceOf<S>::Held space_;
  std::string name_;
  F function_;
  std::uint32_t version_;
  LoadOptions load_;
};

}  // namespace detail

/// A function that asks a store first; made by memoize. May be called by several threads at once if the function may.
///
///   operator()(arguments...)     what the function answers, computed once for all callers until it ends
///   refresh(arguments...)        computes it anew; who asks meanwhile waits for that
///   invalidate(arguments...)     outdates this answer, one that is being computed too. kNotFound: there was none. kBusy: it is still there
///   invalidate_all()             outdates all of them
template <typename S, typename F, typename Signature>
class Memoized;

template <typename S, typename F, typename R, typename... A>
class Memoized<S, F, R(A...)> : public detail::MemoizedBase<S, F> {
  static_assert(std::is_invocable_v<const F&, const A&...>, "memoize takes functions that read their arguments and change nothing");

 public:
  using detail::MemoizedBase<S, F>::MemoizedBase;
  R operator()(const A&... arguments) const { return this->call(arguments...); }
  R refresh(const A&... arguments) const { return this->call_anew(arguments...); }
  Status invalidate(const A&... arguments) const { return this->invalidate_one(arguments...); }
};

/// Where the function's own types are not known (a generic lambda, std::bind_front): a call's types are those of its arguments, and belong
/// to the key.
template <typename S, typename F>
class Memoized<S, F, void> : public detail::MemoizedBase<S, F> {
 public:
  using detail::MemoizedBase<S, F>::MemoizedBase;
  template <typename... A>
  auto operator()(const A&... arguments) const {
    return this->call(static_cast<const std::decay_t<const A&>&>(arguments)...);
  }
  template <typename... A>
  auto refresh(const A&... arguments) const {
    return this->call_anew(static_cast<const std::decay_t<const A&>&>(arguments)...);
  }
  template <typename... A>
  Status invalidate(const A&... arguments) const {
    return this->invalidate_one(static_cast<const std::decay_t<const A&>&>(arguments)...);
  }
};

/// `function`, with its answers kept in `store` (which has to outlive what this returns) under `name`.
///
///   auto price_of = carafe::memoize(cache, "price_of", [&](int id) { return database.price(id); }, {.ttl = 5min});
///   price_of(42);             // computed once a host
///   price_of.invalidate(42);  // after it has changed
///
/// Key:     the arguments, and what tells names, versions and types apart. So all that the answer depends on has to be an argument: an object
///          that `function` holds is not in the key. Arguments that do not fit into 4096 bytes are replaced by a hash of 128 bits, which keeps
///          accidents apart, but not an enemy who chooses them.
/// Types:   of arguments and answer, those that have a Codec. Of an std::optional an empty one is kept for load.negative_ttl only.
/// Errors:  what the function throws comes through and is not kept. An answer that cannot be read counts as none. memoize itself throws
///          Error kBadName (names are 1 to 88 bytes without a zero byte), and what the store's in() throws, where it has namespaces: each
///          function has one of its name there, and must be alone in it.
template <Store S, typename F>
[[nodiscard]] auto memoize(S& store, std::string_view name, F function, MemoizeOptions options = {}) {
  detail::check_memoize_name(name);
  return Memoized<S, F, typename detail::SignatureOf<F>::type>(store, name, std::move(function), std::move(options));
}

}  // namespace v0
}  // namespace carafe
