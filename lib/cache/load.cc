// SPDX-License-Identifier: MIT
#include "carafe/load.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/hash.h"
#include "base/time.h"
#include "cache/handle.h"
#include "cache/leases.h"
#include "carafe/cache.h"

namespace carafe {
inline namespace v0 {
namespace {

/// `ttl`, shortened by a share of it between 0 and `jitter`.
std::chrono::milliseconds jittered(std::chrono::milliseconds ttl, double jitter, std::string_view key) noexcept {
  if (ttl == kForever || ttl.count() <= 0 || !(jitter > 0)) return ttl;
  const double random = static_cast<double>(hash_key(key, now_ns()) >> 11) * 0x1p-53;
  const double shorter = static_cast<double>(ttl.count()) * std::min(jitter, 1.0) * random;
  return std::chrono::milliseconds(std::max<std::int64_t>(1, ttl.count() - std::llround(shorter)));
}

}  // namespace

LoadTicket::LoadTicket(detail::Handle& handle, std::string_view key) : handle_(&handle), key_(key) {}

LoadTicket::LoadTicket(LoadTicket&& other) noexcept
    : handle_(other.handle_),
      engine_(other.engine_),
      owner_(other.owner_),
      token_(other.token_),
      key_(std::move(other.key_)),
      value_(std::move(other.value_)),
      state_(std::exchange(other.state_, State::kNone)) {}

LoadTicket& LoadTicket::operator=(LoadTicket&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  handle_ = other.handle_;
  engine_ = other.engine_;
  owner_ = other.owner_;
  token_ = other.token_;
  key_ = std::move(other.key_);
  value_ = std::move(other.value_);
  state_ = std::exchange(other.state_, State::kNone);
  return *this;
}

LoadTicket::~LoadTicket() { abandon(); }

/// Neither is it where the segment was removed meanwhile, nor in a process that was forked with a copy of the ticket.
bool LoadTicket::is_still_ours() const noexcept {
  if (state_ != State::kLease) return false;
  const Engine& engine = handle_->engine();
  return &engine == engine_ && !engine.retired() && engine.worker().word == owner_;
}

Status LoadTicket::fill(std::string_view value, std::chrono::milliseconds ttl) noexcept {
  const bool ours = is_still_ours();
  state_ = State::kNone;
  if (!ours) return Status::kStale;
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  handle_->tick(engine);
  return Leases(engine, me).fill(Key::of(engine, key_), token_, value, Expiry::from_ttl(ttl));
}

void LoadTicket::abandon() noexcept {
  const bool ours = is_still_ours();
  state_ = State::kNone;
  if (!ours) return;
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  Leases(engine, me).abandon(Key::of(engine, key_), token_);
}

LoadTicket Cache::try_load(std::string_view key) {
  LoadTicket ticket(*handle_, key);
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (get(key, ticket.value_) == Status::kOk) {
      ticket.state_ = LoadTicket::State::kValue;
      return ticket;
    }
    ask_lease(ticket);
    if (!ticket.has_value()) return ticket;  // else a value came just now: read it
    ticket.state_ = LoadTicket::State::kHeld;
  }
  return ticket;
}

/// The lease on the ticket's key, if it can be had. kValue: there is a value by now.
void Cache::ask_lease(LoadTicket& ticket) {
  using State = LoadTicket::State;
  ticket.state_ = State::kNone;
  if (!Key::is_valid(ticket.key_)) return;
  const Engine& engine = handle_->engine();
  if (engine.segment.read_only || engine.retired()) return;
  const Worker me = engine.worker();
  if (me.word == 0) return;
  const Leases::Lease lease = Leases(engine, me).ask(Key::of(engine, ticket.key_));
  switch (lease.answer) {
    case Leases::Answer::kGranted:
      ticket.state_ = State::kLease;
      ticket.engine_ = &engine;
      ticket.owner_ = me.word;
      ticket.token_ = lease.token;
      break;
    case Leases::Answer::kHeld:
      ticket.state_ = State::kHeld;
      break;
    case Leases::Answer::kPresent:
      ticket.state_ = State::kValue;
      break;
    case Leases::Answer::kNone:
      break;
  }
}

std::string Cache::load(std::string_view key, const std::function<std::string()>& loader, const LoadOptions& options) {
  const auto max_wait = std::clamp<std::chrono::milliseconds>(options.max_wait, std::chrono::milliseconds(0), std::chrono::hours(24));
  const std::uint64_t deadline_ns = now_ns() + static_cast<std::uint64_t>(max_wait.count()) * 1'000'000;
  LoadTicket ticket(*handle_, key);
  bool waited = false;
  for (;;) {
    ask_lease(ticket);
    if (ticket.has_value() && get_quietly(key, ticket.value_)) return std::move(ticket).value();
    if (ticket.owns_lease()) {
      // Without any lock. Should it throw, the ticket's destructor lets the next one try.
      std::string value = loader();
      if (!options.cache_if || options.cache_if(value)) {
        static_cast<void>(ticket.fill(value, jittered(options.ttl, options.jitter, key)));
      } else {
        ticket.abandon();
      }
      return value;
    }
    const Engine& engine = handle_->engine();
    const Worker me = engine.worker();
    const bool may_wait = ticket.state_ != LoadTicket::State::kNone;
    ticket.state_ = LoadTicket::State::kNone;
    if (may_wait && !std::exchange(waited, true)) me.count(CounterId::k_load_waits);
    if (!may_wait || !Leases(engine, me).wait(Key::of(engine, key), deadline_ns)) {
      me.count(CounterId::k_lone_loads);
      return loader();
    }
    if (get_quietly(key, ticket.value_)) return std::move(ticket).value();
  }
}

}  // namespace v0
}  // namespace carafe
