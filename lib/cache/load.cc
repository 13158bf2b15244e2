// SPDX-License-Identifier: MIT
#include "carafe/load.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/hash.h"
#include "base/time.h"
#include "cache/flight.h"
#include "cache/glance.h"
#include "cache/requests.h"
#include "carafe/keyspace.h"

namespace carafe {
inline namespace v0 {
namespace {

using detail::Handle;
using detail::Lease;
using detail::Space;

constexpr int kMostRounds = 100;  // of those who are told that there is an answer, and find none

constexpr double kRarest = 40;  // -ln of a chance that never comes

/// Whether a fresh value is to be computed anew by whoever asks now. `luck`: -ln of a chance between 0 and 1.
bool is_due(const RefreshAhead& ahead, std::chrono::milliseconds ttl, const ReadDetails& details, double luck) noexcept {
  const std::uint64_t until = details.fresh_until_ms();
  if (details.soft == 0 || until == kNeverExpires) return false;
  const std::uint64_t now = now_ms();
  const auto left = static_cast<double>(until - std::min(until, now));
  if (ahead.fraction > 0 && ttl != kForever && left <= (1 - std::min(ahead.fraction, 1.0)) * static_cast<double>(ttl.count())) return true;
  return ahead.beta > 0 && luck * ahead.beta * static_cast<double>(std::max<std::uint64_t>(1, Extension::cost_ms(details.soft))) >= left;
}

double draw_luck(const RefreshAhead& ahead, std::string_view key) noexcept {
  return ahead.beta > 0 ? -std::log((static_cast<double>(hash_key(key, now_ns()) >> 11) + 1) * 0x1p-53) : 0;
}

/// One call of get_or_load that did not hit at once.
class Loading {
 public:
  Loading(Handle& handle, Space* space, std::string_view text, const std::function<std::optional<std::string>()>& loader,
          const LoadOptions& options, bool may_be_none) noexcept
      : handle_(handle),
        space_(space),
        text_(text),
        loader_(loader),
        options_(options),
        answers_{may_be_none, options.error_ttl.count() > 0},
        deadline_ns_(now_ns() + to_ns(options.max_wait)) {}

  std::optional<std::string> run() {
    if (!Key::is_valid(text_)) return loader_();
    for (int round = 0;; ++round) {
      const Engine& engine = handle_.engine();
      const Worker me = engine.worker();
      if (engine.retired()) return load_alone(engine, me, {});
      const Scope scope = scope_of(space_, engine, me, detail::Absent::kMake);
      if (scope.is_nowhere()) return load_alone(engine, me, {});
      const std::uint64_t stamp = stamp_now(engine.view);  // before all that the value could be computed from
      const Key key = Key::of(engine, text_, scope.id());
      std::string value;
      ReadDetails details;
      const ReadResult result = Reader(engine, me).read(key, &value, &details, me.lane != nullptr);
      const bool hit = result == ReadResult::kHit;
      const bool refreshing = hit && round == 0 && me.word != 0 && options_.refresh_ahead.is_on() &&
                              is_due(options_.refresh_ahead, options_.ttl, details, draw_luck(options_.refresh_ahead, text_));
      if ((hit && !refreshing) || (result == ReadResult::kNone && answers_.none)) {
        count(engine, me, scope, result);
        if (!hit) return std::nullopt;
        return value;
      }
      if (result == ReadResult::kFailed && answers_.failed) {
        count(engine, me, scope, ReadResult::kMiss);
        throw LoadFailed("carafe: computing \"" + std::string(text_) +
                         "\" failed a moment ago, and is not tried again for LoadOptions::error_ttl");
      }
      const bool stale = result == ReadResult::kStale && options_.stale_for.count() > 0;
      std::optional<std::string> old;
      if (hit || stale) old = std::move(value);
      if (hit) count(engine, me, scope, result);
      if (me.word == 0) return load_alone(engine, me, scope);

      ItemTraits tags;
      if (!make_traits(engine, options_.tags, {}, stamp, tags)) return load_alone(engine, me, scope);
      const Leases leases(engine, me);
      const Leases::Grant grant = refreshing ? leases.ask_refresh(key, details.version) : leases.ask(key, answers_, tags);
      if (grant.answer == Leases::Answer::kGranted) {
        count(engine, me, scope, ReadResult::kMiss);
        Lease lease(engine, me, scope, grant, options_, tags);
        return compute(lease, std::move(old));
      }
      if (grant.answer == Leases::Answer::kPresent && round < kMostRounds) continue;
      if (old) {
        count(engine, me, scope, ReadResult::kHit);
        if (stale) me.count(CounterId::k_stale_hits);
        return old;
      }
      count(engine, me, scope, ReadResult::kMiss);
      if (grant.answer != Leases::Answer::kHeld) return load_alone(engine, me, scope);
      if (!std::exchange(waited_, true)) me.count(CounterId::k_load_waits);
      if (!leases.wait(key, answers_, deadline_ns_)) return load_alone(engine, me, scope);
    }
  }

 private:
  static std::uint64_t to_ns(std::chrono::milliseconds wait) noexcept {
    const auto bounded = std::clamp<std::chrono::milliseconds>(wait, std::chrono::milliseconds(0), std::chrono::hours(24));
    return static_cast<std::uint64_t>(bounded.count()) * 1'000'000;
  }

  /// The call is one get, whatever it takes.
  void count(const Engine& engine, const Worker& me, const Scope& scope, ReadResult result) noexcept {
    if (!std::exchange(counted_, true)) static_cast<void>(settle(handle_, engine, me, scope, result));
  }

  std::optional<std::string> load_alone(const Engine& engine, const Worker& me, const Scope& scope) {
    count(engine, me, scope, ReadResult::kMiss);
    me.count(CounterId::k_lone_loads);
    return loader_();
  }

  /// No lock is held meanwhile.
  std::optional<std::string> compute(Lease& lease, std::optional<std::string> old) {
    std::optional<std::string> value;
    try {
      value = loader_();
    } catch (...) {
      lease.engine->worker().count(CounterId::k_failed_loads);
      if (!old && answers_.failed) {
        static_cast<void>(lease.mark(handle_, text_, Extension::kFailed, options_.error_ttl));
      } else {
        lease.abandon(handle_, text_);
      }
      if (!old || !options_.stale_if_error) throw;
      return old;
    }
    try {
      if (!value && options_.negative_ttl.count() > 0) {
        static_cast<void>(lease.mark(handle_, text_, Extension::kNone, options_.negative_ttl));
      } else if (!value) {
        lease.erase(handle_, text_);
      } else if (!options_.cache_if || options_.cache_if(*value)) {
        static_cast<void>(lease.fill(handle_, text_, *value));
      } else {
        lease.abandon(handle_, text_);
      }
    } catch (...) {  // the caller's predicate
      lease.abandon(handle_, text_);
      throw;
    }
    return value;
  }

  Handle& handle_;
  Space* space_;
  std::string_view text_;
  const std::function<std::optional<std::string>()>& loader_;
  const LoadOptions& options_;
  const Answers answers_;
  const std::uint64_t deadline_ns_;
  bool counted_ = false;
  bool waited_ = false;
};

}  // namespace

bool Keyspace::try_hit(std::string_view text, std::string& value, const LoadOptions& options) {
  if (!Key::is_valid(text)) return false;
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  if (engine.retired()) return false;
  const Scope scope = scope_of(space_.get(), engine, me);
  if (scope.is_nowhere()) return false;
  const Key key = Key::of(engine, text, scope.id());
  const bool ahead = options.refresh_ahead.is_on();
  ReadDetails details;
  const ReadResult result = ahead ? Reader(engine, me).read(key, &value, &details, me.lane != nullptr) : read_value(engine, me, key, value);
  engine.duel.note_request(key.stripe, key.tag, me);
  if (result != ReadResult::kHit) return false;
  // Whether it is due is drawn once, in load; here, whether it can be.
  if (ahead && is_due(options.refresh_ahead, options.ttl, details, kRarest)) return false;
  static_cast<void>(settle(*handle_, engine, me, scope, result));
  return true;
}

std::optional<std::string> Keyspace::load(std::string_view key, const std::function<std::optional<std::string>()>& loader,
                                          const LoadOptions& options, bool may_be_none) {
  return Loading(*handle_, space_.get(), key, loader, options, may_be_none).run();
}

LoadTicket Keyspace::try_load(std::string_view text, const LoadOptions& options) {
  constexpr int kMostLooks = 3;  // an answer came just now: it is read
  LoadTicket ticket(*this, text);
  if (!Key::is_valid(text)) return ticket;
  const Answers answers{true, options.error_ttl.count() > 0};
  Scope scope;
  ReadResult result = ReadResult::kMiss;
  for (int round = 0; round < kMostLooks; ++round) {
    const Engine& engine = handle_->engine();
    const Worker me = engine.worker();
    scope = engine.retired() ? Scope::nowhere(Status::kRetired) : scope_of(space_.get(), engine, me, detail::Absent::kMake);
    if (scope.is_nowhere()) break;
    const std::uint64_t stamp = stamp_now(engine.view);
    const Key key = Key::of(engine, text, scope.id());
    ReadDetails details;
    result = Reader(engine, me).read(key, &ticket.value_, &details, me.lane != nullptr);
    if (round == 0) engine.duel.note_request(key.stripe, key.tag, me);
    ticket.none_ = result == ReadResult::kNone;
    ticket.stale_ = result == ReadResult::kStale && options.stale_for.count() > 0;
    ticket.has_value_ = result == ReadResult::kHit || ticket.stale_;
    if (!ticket.has_value_) ticket.value_.clear();
    const bool refreshing = result == ReadResult::kHit && options.refresh_ahead.is_on() &&
                            is_due(options.refresh_ahead, options.ttl, details, draw_luck(options.refresh_ahead, text));
    if (ticket.none_ || me.word == 0 || (result == ReadResult::kHit && !refreshing)) break;
    ItemTraits tags;
    if (!make_traits(engine, options.tags, {}, stamp, tags)) break;
    const Leases leases(engine, me);
    const Leases::Grant grant = refreshing ? leases.ask_refresh(key, details.version) : leases.ask(key, answers, tags);
    if (grant.answer == Leases::Answer::kGranted) ticket.lease_ = std::make_unique<Lease>(engine, me, scope, grant, options, tags);
    if (grant.answer != Leases::Answer::kPresent) break;
  }
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  if (ticket.stale_) me.count(CounterId::k_stale_hits);
  static_cast<void>(settle(*handle_, engine, me, scope.is_nowhere() ? Scope{} : scope, ticket.stale_ ? ReadResult::kHit : result));
  return ticket;
}

}  // namespace v0
}  // namespace carafe
