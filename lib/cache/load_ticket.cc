// SPDX-License-Identifier: MIT
#include <utility>

#include "cache/flight.h"
#include "cache/requests.h"
#include "carafe/keyspace.h"
#include "carafe/load.h"

namespace carafe {
inline namespace v0 {

LoadFailed::~LoadFailed() = default;

LoadTicket::LoadTicket(const Keyspace& keyspace, std::string_view key) : handle_(keyspace.handle_), space_(keyspace.space_), key_(key) {}

LoadTicket::LoadTicket(LoadTicket&& other) noexcept : handle_(other.handle_) { *this = std::move(other); }

LoadTicket& LoadTicket::operator=(LoadTicket&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  handle_ = other.handle_;
  space_ = std::move(other.space_);
  lease_ = std::move(other.lease_);
  key_ = std::move(other.key_);
  value_ = std::move(other.value_);
  has_value_ = std::exchange(other.has_value_, false);
  stale_ = std::exchange(other.stale_, false);
  none_ = std::exchange(other.none_, false);
  return *this;
}

LoadTicket::~LoadTicket() { abandon(); }

Status LoadTicket::fill(std::string_view value) noexcept { return lease_ != nullptr ? fill(value, lease_->ttl) : Status::kStale; }

Status LoadTicket::fill(std::string_view value, std::chrono::milliseconds ttl) noexcept {
  const std::unique_ptr<detail::Lease> lease = std::move(lease_);
  return lease != nullptr ? lease->fill(*handle_, key_, value, ttl) : Status::kStale;
}

Status LoadTicket::fill(std::string_view value, const SetOptions& options) noexcept {
  if (lease_ == nullptr) return Status::kStale;
  if (!options.tags.empty()) {
    // The lease's stamp is what tells whether they were invalidated meanwhile.
    const std::uint64_t stamp = lease_->traits.stamp;
    ItemTraits traits;
    if (!make_traits(*lease_->engine, options.tags, {}, stamp, traits)) return Status::kBadTag;
    lease_->traits = traits;
  }
  return fill(value, options.ttl);
}

Status LoadTicket::fill_none(std::chrono::milliseconds ttl) noexcept {
  const std::unique_ptr<detail::Lease> lease = std::move(lease_);
  return lease != nullptr ? lease->mark(*handle_, key_, Extension::kNone, ttl) : Status::kStale;
}

void LoadTicket::abandon() noexcept {
  if (const std::unique_ptr<detail::Lease> lease = std::move(lease_)) lease->abandon(*handle_, key_);
}

}  // namespace v0
}  // namespace carafe
