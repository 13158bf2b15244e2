// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "carafe/export.h"
#include "carafe/keyspace.h"
#include "carafe/stats.h"

namespace carafe {
inline namespace v0 {

class Cache;

/// A key space of its own within a segment (Cache::in). Copies are the same one. When it was dropped, or the segment removed and made anew,
/// it goes on with an empty one of that name. Must not outlive its Cache.
class CARAFE_EXPORT Namespace : public Keyspace {
 public:
  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] const std::string& release() const noexcept;

  /// Everything stored in it before is gone for every process when this returns. O(1).
  void clear() noexcept;
  /// Its counters; a few microseconds.
  [[nodiscard]] NamespaceStats stats() const;

 private:
  friend class Cache;
  Namespace(detail::Handle* handle, std::shared_ptr<detail::Space> space) noexcept;
};

}  // namespace v0
}  // namespace carafe
