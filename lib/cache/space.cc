// SPDX-License-Identifier: MIT
#include "cache/space.h"

namespace carafe {
inline namespace v0 {
namespace detail {

Status Space::resolve(const Engine& engine, const Worker& me, Absent absent, Scope& scope) noexcept {
  scope = Scope::nowhere(Status::kNotFound);
  const Namespaces namespaces(engine, me);
  NamespaceId id;
  if (me.word == 0 || absent == Absent::kLeave) {
    id = namespaces.find(name_, release_);
    if (!id) return Status::kNotFound;
  } else if (const Status status = namespaces.find_or_make(name_, release_, id); status != Status::kOk) {
    return status;
  }
  NamespaceLane* lane = me.word != 0 ? namespaces.take_lane(id) : nullptr;
  if (me.word != 0 && quota_bytes_ != 0) namespaces.set_quota(id, quota_bytes_);
  lane_.store(lane, kRelaxed);
  resolved_.store((engine.serial << 40) | (std::uint64_t{id.incarnation} << 16) | id.number, kRelease);
  scope = {id.number, id.incarnation, lane, me.word != 0 ? &engine.view.namespace_record(id.number - 1) : nullptr};
  return Status::kOk;
}

Scope Space::enter_anew(const Engine& engine, const Worker& me, Absent absent) noexcept {
  Scope scope;
  const Status status = resolve(engine, me, absent, scope);
  return status == Status::kOk ? scope : Scope::nowhere(status);
}

}  // namespace detail
}  // namespace v0
}  // namespace carafe
