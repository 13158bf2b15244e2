// SPDX-License-Identifier: MIT
#include "carafe/namespace.h"

#include "cache/handle.h"
#include "cache/space.h"
#include "cache/stamps.h"
#include "carafe/cache.h"

namespace carafe {
inline namespace v0 {
namespace {

using detail::Handle;
using detail::Space;

[[noreturn]] void refuse(Status status, std::string_view name, const std::string& why) {
  throw Error(status, "carafe: cannot use namespace \"" + std::string(name) + "\": " + why);
}

void check_names(std::string_view name, std::string_view release) {
  if (name.empty() || name.size() > kMaxNamespaceBytes)
    refuse(Status::kBadName, name,
           "its name has " + std::to_string(name.size()) + " bytes; 1 to " + std::to_string(kMaxNamespaceBytes) + " are allowed");
  if (release.size() > kMaxReleaseBytes)
    refuse(Status::kBadName, name,
           "its release has " + std::to_string(release.size()) + " bytes; up to " + std::to_string(kMaxReleaseBytes) + " are allowed");
}

}  // namespace

Namespace::Namespace(Handle* handle, std::shared_ptr<Space> space) noexcept : Keyspace(handle, std::move(space)) {}

const std::string& Namespace::name() const noexcept { return space_->name(); }
const std::string& Namespace::release() const noexcept { return space_->release(); }

void Namespace::clear() noexcept {
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  if (engine.segment.read_only || me.word == 0 || engine.retired()) return;
  if (const Scope scope = space_->enter(engine, me, detail::Absent::kLeave); !scope.is_nowhere())
    invalidate_namespace(engine, scope.number);
}

NamespaceStats Namespace::stats() const {
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  NamespaceStats stats;
  stats.name = name();
  stats.release = release();
  const Namespaces namespaces(engine, me);
  if (const NamespaceId id = namespaces.find(name(), release())) static_cast<void>(namespaces.read(id, stats));
  return stats;
}

Namespace Cache::in(std::string_view name, const NamespaceOptions& options) {
  check_names(name, options.release);
  auto space = std::make_shared<Space>(std::string(name), std::string(options.release), options.quota_bytes);
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  if (!engine.segment.read_only) {
    Scope scope;
    Status status = Status::kOk;
    if (engine.retired()) {
      status = handle_->retired_status();
    } else if (me.word == 0) {
      status = Status::kNoWorkerSlot;
    } else {
      status = space->resolve(engine, me, detail::Absent::kMake, scope);
    }
    if (status == Status::kNoSpace) {
      const std::string count = std::to_string(engine.view.geometry().namespace_count);
      refuse(Status::kNoNamespace, name,
             "all " + count + " records are taken; create the segment with a larger max_namespaces, or drop some");
    }
    if (status != Status::kOk) refuse(status, name, std::string(advice(status)));
  }
  return {handle_, std::move(space)};
}

std::vector<NamespaceStats> Cache::namespaces() const {
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  return Namespaces(engine, me).list();
}

bool Cache::drop_namespace(std::string_view name, std::string_view release) noexcept {
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  if (engine.segment.read_only || me.word == 0 || engine.retired()) return false;
  const Namespaces namespaces(engine, me);
  const NamespaceId id = namespaces.find(name, release);
  return id && namespaces.drop(id);
}

std::uint64_t Cache::prune_releases(std::string_view kept) noexcept {
  const Engine& engine = handle_->engine();
  const Worker me = engine.worker();
  if (engine.segment.read_only || me.word == 0 || engine.retired()) return 0;
  return Namespaces(engine, me).drop_releases_but(kept);
}

Status Cache::invalidate_tag(std::string_view tag) noexcept {
  if (tag.empty() || tag.size() > Tags::kMostBytes) return Status::kBadTag;
  const Engine& engine = handle_->engine();
  if (engine.segment.read_only) return Status::kReadOnly;
  if (engine.retired()) return handle_->retired_status();
  carafe::invalidate_tag(engine, tag_place(engine, tag));
  return Status::kOk;
}

}  // namespace v0
}  // namespace carafe
