// SPDX-License-Identifier: MIT
#include "cache/requests.h"

namespace carafe {

Status settle_others(detail::Handle& handle, const Engine& engine, Worker me, Scope scope, ReadResult result) noexcept {
  if (result == ReadResult::kNone) {
    static_cast<void>(settle(handle, engine, me, scope, ReadResult::kHit));
    me.count(CounterId::k_none_hits);
    return Status::kNotFound;
  }
  me.count(CounterId::k_misses);
  scope.count_miss();
  if (result == ReadResult::kContended) me.count(CounterId::k_reader_contended);
  if (result == ReadResult::kCorrupt) me.count(CounterId::k_corruptions);
  handle.tick(engine);
  return result == ReadResult::kCorrupt ? Status::kCorrupt : Status::kNotFound;
}

}  // namespace carafe
