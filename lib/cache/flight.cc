// SPDX-License-Identifier: MIT
#include "cache/flight.h"

#include <algorithm>

#include "base/time.h"
#include "expiry/jitter.h"

namespace carafe {
inline namespace v0 {
namespace detail {

Lease::Lease(const Engine& from, const Worker& me, const Scope& where, const Leases::Grant& grant, const LoadOptions& options,
             const ItemTraits& tags) noexcept
    : engine(&from),
      owner(me.word),
      token(grant.token),
      begun_ms(now_ms()),
      scope(where),
      traits(tags),
      ttl(options.ttl),
      stale_for(std::max(options.stale_for, std::chrono::milliseconds(0))),
      jitter(options.jitter),
      soft(options.stale_for.count() > 0 || options.refresh_ahead.is_on()) {}

bool Lease::is_still_ours(Handle& handle) const noexcept {
  const Engine& now = handle.engine();
  return &now == engine && !now.retired() && now.worker().word == owner;
}

Status Lease::store(Handle& handle, std::string_view text, std::string_view value, const ItemTraits& as) noexcept {
  if (!is_still_ours(handle)) return Status::kStale;
  const Worker me = engine->worker();
  handle.tick(*engine);
  const Status status = Leases(*engine, me).fill(Key::of(*engine, text, scope.id()), token, value, as);
  if (status == Status::kOk && !as.expiry.already) scope.count_set();
  return status;
}

Status Lease::fill(Handle& handle, std::string_view text, std::string_view value, std::chrono::milliseconds lifetime) noexcept {
  ItemTraits as = traits;
  as.expiry = Expiry::from_ttl(jittered(lifetime, jitter, text));
  if (soft && !as.expiry.forever() && !as.expiry.already) {
    as.kinds = Extension::kSoft;
    const std::uint64_t now = now_ms();
    as.soft = Extension::soft(as.expiry.at_ms, now - std::min(now, begun_ms));
    const auto grace = static_cast<std::uint64_t>(stale_for.count());
    as.expiry.at_ms = grace > kNeverExpires - 1 - as.expiry.at_ms ? kNeverExpires - 1 : as.expiry.at_ms + grace;
  }
  return store(handle, text, value, as);
}

Status Lease::mark(Handle& handle, std::string_view text, std::uint64_t kind, std::chrono::milliseconds lifetime) noexcept {
  ItemTraits as = traits;
  as.kinds = kind;
  as.expiry = Expiry::from_ttl(lifetime);
  return store(handle, text, {}, as);
}

void Lease::erase(Handle& handle, std::string_view text) noexcept {
  if (!is_still_ours(handle)) return;
  const Worker me = engine->worker();
  static_cast<void>(Writer(*engine, me).erase(Key::of(*engine, text, scope.id()), Condition::kLease, token));
}

void Lease::abandon(Handle& handle, std::string_view text) noexcept {
  if (!is_still_ours(handle)) return;
  const Worker me = engine->worker();
  Leases(*engine, me).abandon(Key::of(*engine, text, scope.id()), token);
}

}  // namespace detail
}  // namespace v0
}  // namespace carafe
