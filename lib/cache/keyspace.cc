// SPDX-License-Identifier: MIT
#include "carafe/keyspace.h"

#include <algorithm>

#include "base/glob.h"
#include "cache/erase_items.h"
#include "cache/glance.h"
#include "cache/iterate.h"
#include "cache/requests.h"

namespace carafe {
inline namespace v0 {
namespace {

using detail::Handle;
using detail::Space;

/// Of a segment that was removed.
Status miss_all(Handle& handle) noexcept {
  const Engine& engine = handle.engine();
  engine.worker().count(CounterId::k_misses);
  return engine.segment.read_only ? Status::kRetired : handle.retired_status();
}

/// What a get that wants more than a value does: read(engine, me, key).
template <typename Read>
Status run_read(Handle& handle, Space* space, std::string_view text, const Read& read) {
  if (!Key::is_valid(text)) return Status::kBadKey;
  const Engine* const engine = handle.live_engine();
  if (engine == nullptr) return miss_all(handle);
  const Worker me = engine->worker();
  const Scope scope = scope_of(space, *engine, me);
  if (scope.is_nowhere()) return settle(handle, *engine, me, {}, ReadResult::kMiss);
  const Key key = Key::of(*engine, text, scope.id());
  const ReadResult result = read(*engine, me, key);
  engine->duel.note_request(key.stripe, key.tag, me);
  return settle(handle, *engine, me, scope, result);
}

/// The same for get, written out: by way of run_read a hit takes 1 to 2 ns more, and in one function for keys with and without a namespace as much again
/// (bench/RESULTS.md, dead ends).
template <bool kInSpace>
Status run_get(Handle& handle, [[maybe_unused]] Space* space, std::string_view text, std::string& value) {
  if (!Key::is_valid(text)) return Status::kBadKey;
  const Engine* const engine = handle.live_engine();
  if (engine == nullptr) [[unlikely]]
    return miss_all(handle);
  const Worker me = engine->worker();
  Scope scope;
  if constexpr (kInSpace) {
    scope = space->enter(*engine, me, detail::Absent::kLeave);
    if (scope.is_nowhere()) return settle(handle, *engine, me, {}, ReadResult::kMiss);
  }
  const Key key = Key::of(*engine, text, scope.id());
  const ReadResult result = read_value(*engine, me, key, value);
  engine->duel.note_request(key.stripe, key.tag, me);
  return settle(handle, *engine, me, scope, result);
}

Status run_get(Handle& handle, Space* space, std::string_view text, std::string& value) {
  return space == nullptr ? run_get<false>(handle, nullptr, text, value) : run_get<true>(handle, space, text, value);
}

/// A glance that visits instead of copying.
Glance see_in_place(const Engine& engine, const Key& key, void (*visit)(void*, std::string_view), void* visitor, bool counts_as_use) {
#ifdef CARAFE_TSAN
  // A visitor reads as it likes, which is no race only of a copy.
  static_cast<void>(engine), static_cast<void>(key), static_cast<void>(visit), static_cast<void>(visitor), static_cast<void>(counts_as_use);
  return Glance::kUnsure;
#else
  const auto take = [&](const std::byte* from, std::size_t bytes) { visit(visitor, {reinterpret_cast<const char*>(from), bytes}); };
  return glance(engine, key, take, counts_as_use);
#endif
}

/// A look that is neither hit nor miss.
bool peek(Handle& handle, Space* space, std::string_view text, std::string* value, ReadDetails* details) {
  if (!Key::is_valid(text)) return false;
  const Engine& engine = handle.engine();
  const Worker me = engine.worker();
  if (engine.retired()) return false;
  const Scope scope = scope_of(space, engine, me);
  return !scope.is_nowhere() && Reader(engine, me).read(Key::of(engine, text, scope.id()), value, details, false) == ReadResult::kHit;
}

constexpr Tags kNoTags;

/// set and its kin.
Status run_store(Handle& handle, Space* space, std::string_view text, std::string_view value, std::chrono::milliseconds ttl,
                 const Tags& tags, Condition condition, std::uint64_t version = 0) noexcept {
  const Expiry expiry = Expiry::from_ttl(ttl);
  return run_write(handle, space, text, !expiry.already,
                   [&](const Engine& engine, const Writer& writer, const Key& key, std::uint64_t stamp) {
                     ItemTraits traits;
                     if (!make_traits(engine, tags, expiry, stamp, traits)) return Status::kBadTag;
                     return writer.store(key, value, traits, condition, version);
                   });
}

/// Erases all keys that `matches` says yes to.
template <typename Matches>
std::uint64_t run_erase(Handle& handle, Space* space, Matches&& matches) noexcept {
  const Engine& engine = handle.engine();
  const Worker me = engine.worker();
  if (engine.segment.read_only || me.word == 0 || engine.retired()) return 0;
  handle.tick(engine);
  const Scope scope = scope_of(space, engine, me);
  return scope.is_nowhere() ? 0 : erase_items(engine, me, scope.id(), matches);
}

}  // namespace

Status Keyspace::set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) noexcept {
  return run_store(*handle_, space_.get(), key, value, ttl, kNoTags, Condition::kAlways);
}

Status Keyspace::set(std::string_view key, std::string_view value, const SetOptions& options) noexcept {
  return run_store(*handle_, space_.get(), key, value, options.ttl, options.tags, Condition::kAlways);
}

Status Keyspace::add(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) noexcept {
  return run_store(*handle_, space_.get(), key, value, ttl, kNoTags, Condition::kAbsent);
}

Status Keyspace::add(std::string_view key, std::string_view value, const SetOptions& options) noexcept {
  return run_store(*handle_, space_.get(), key, value, options.ttl, options.tags, Condition::kAbsent);
}

Status Keyspace::replace(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) noexcept {
  return run_store(*handle_, space_.get(), key, value, ttl, kNoTags, Condition::kPresent);
}

Status Keyspace::replace(std::string_view key, std::string_view value, const SetOptions& options) noexcept {
  return run_store(*handle_, space_.get(), key, value, options.ttl, options.tags, Condition::kPresent);
}

Status Keyspace::compare_and_set(std::string_view key, std::uint64_t version, std::string_view value,
                                 std::chrono::milliseconds ttl) noexcept {
  return run_store(*handle_, space_.get(), key, value, ttl, kNoTags, Condition::kVersion, version);
}

Counter Keyspace::increment(std::string_view key, std::int64_t delta, std::int64_t initial, std::chrono::milliseconds ttl) noexcept {
  Counter counter;
  counter.status =
      run_write(*handle_, space_.get(), key, true, [&](const Engine&, const Writer& writer, const Key& k, std::uint64_t stamp) {
        counter = writer.increment(k, delta, initial, Expiry::from_ttl(ttl), stamp);
        return counter.status;
      });
  return counter;
}

Status Keyspace::touch(std::string_view key, std::chrono::milliseconds ttl) noexcept {
  return run_write(*handle_, space_.get(), key, false, [&](const Engine&, const Writer& writer, const Key& k, std::uint64_t) {
    return writer.touch(k, Expiry::from_ttl(ttl));
  });
}

Status Keyspace::erase(std::string_view key) noexcept {
  return run_write(*handle_, space_.get(), key, false,
                   [&](const Engine&, const Writer& writer, const Key& k, std::uint64_t) { return writer.erase(k); });
}

std::optional<std::string> Keyspace::get(std::string_view key) {
  std::optional<std::string> value(std::in_place);
  if (run_get(*handle_, space_.get(), key, *value) != Status::kOk) value.reset();
  return value;
}

Status Keyspace::get(std::string_view key, std::string& reused) {
  const Status status = run_get(*handle_, space_.get(), key, reused);
  if (status != Status::kOk) reused.clear();
  return status;
}

std::optional<Versioned> Keyspace::get_versioned(std::string_view key) {
  std::optional<Versioned> found(std::in_place);
  ReadDetails details;
  const auto read = [&](const Engine& engine, const Worker& me, const Key& k) {
    return Reader(engine, me).read(k, &found->value, &details, me.lane != nullptr);
  };
  if (run_read(*handle_, space_.get(), key, read) != Status::kOk) return std::nullopt;
  found->version = details.version;
  return found;
}

Status Keyspace::view(std::string_view text, void (*visit)(void*, std::string_view), void* visitor) {
  return run_read(*handle_, space_.get(), text, [&](const Engine& engine, const Worker& me, const Key& key) {
    switch (see_in_place(engine, key, visit, visitor, me.lane != nullptr)) {
      case Glance::kHit:
        return ReadResult::kHit;
      case Glance::kMiss:
        return ReadResult::kMiss;
      case Glance::kUnsure:
        break;
    }
    std::string copy;  // of a chain, or since somebody writes
    const ReadResult result = read_carefully(engine, me, key, copy);
    if (result == ReadResult::kHit) visit(visitor, copy);
    return result;
  });
}

bool Keyspace::contains(std::string_view key) noexcept { return peek(*handle_, space_.get(), key, nullptr, nullptr); }

std::optional<std::chrono::milliseconds> Keyspace::remaining_ttl(std::string_view key) noexcept {
  ReadDetails details;
  if (!peek(*handle_, space_.get(), key, nullptr, &details)) return std::nullopt;
  const std::uint64_t end = details.fresh_until_ms();
  if (end == kNeverExpires || end == Extension::kNeverSoft) return kForever;
  const std::uint64_t now = now_ms();
  return std::chrono::milliseconds(end > now ? end - now : 0);
}

void Keyspace::for_each_item(const std::function<bool(std::string_view, std::string_view)>& visitor) {
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  if (engine.retired()) return;
  if (const Scope scope = scope_of(space_.get(), engine, me); !scope.is_nowhere()) visit_items(engine, me, scope.id(), visitor);
}

std::uint64_t Keyspace::erase_prefix(std::string_view prefix) noexcept {
  return run_erase(*handle_, space_.get(), [prefix](std::string_view key) { return key.starts_with(prefix); });
}

std::uint64_t Keyspace::erase_matching(std::string_view pattern) noexcept {
  return run_erase(*handle_, space_.get(), [pattern](std::string_view key) { return glob_match(pattern, key); });
}

}  // namespace v0
}  // namespace carafe
