// SPDX-License-Identifier: MIT
#include "carafe/cache.h"

#include "cache/handle.h"
#include "cache/stamps.h"

namespace carafe {
inline namespace v0 {
namespace {

using detail::Handle;

std::unique_ptr<Handle> handle_on(Segment segment, const Options& options) { return std::make_unique<Handle>(std::move(segment), options); }

}  // namespace

Cache::Cache(std::unique_ptr<Handle> handle) noexcept : Keyspace(handle.get(), nullptr), owned_(std::move(handle)) {}
Cache::Cache(Cache&&) noexcept = default;
Cache& Cache::operator=(Cache&&) noexcept = default;
Cache::~Cache() = default;

Cache Cache::create(std::string_view name, const Options& options) {
  Segment segment = create_segment(name, options);
  const dev_t device = segment.device;
  const ino_t inode = segment.inode;
  try {
    return Cache(handle_on(std::move(segment), options));
  } catch (...) {  // no worker slot, say: who is told that it failed must not find it made
    unpublish_segment(name, options, device, inode);
    throw;
  }
}

Cache Cache::open(std::string_view name, const Options& options) { return Cache(handle_on(open_segment(name, options, false), options)); }

Cache Cache::open_or_create(std::string_view name, const Options& options) {
  check_options(options, "segment \"" + std::string(name) + "\"");
  for (int attempt = 0;; ++attempt) {
    try {
      return open(name, options);
    } catch (const Error& error) {
      if (error.status() != Status::kAbsent) throw;
    }
    try {
      return create(name, options);
    } catch (const Error& error) {
      if (error.status() != Status::kSegmentExists || attempt == 100) throw;  // another made it between: open theirs
    }
  }
}

Cache Cache::create_anonymous(const Options& options) { return Cache(handle_on(create_anonymous_segment(options), options)); }

Cache Cache::open_read_only(std::string_view name, const Options& options) {
  return Cache(handle_on(open_segment(name, options, true), options));
}

bool Cache::remove(std::string_view name, const Options& options) { return remove_segment(name, options); }

void Cache::populate() noexcept {
  const Engine& engine = handle_->engine();
  if (engine.filler != nullptr) engine.filler->fill(true);
}

void Cache::clear() noexcept {
  const Engine& engine = handle_->engine();
  if (engine.segment.read_only) return;
  invalidate_all(engine);  // seen by everybody's next operation
  engine.worker().count(CounterId::k_clears);
}

}  // namespace v0
}  // namespace carafe
