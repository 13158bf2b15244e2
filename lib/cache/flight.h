// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string_view>

#include "cache/handle.h"
#include "cache/leases.h"
#include "cache/space.h"
#include "carafe/load.h"

namespace carafe {
inline namespace v0 {
namespace detail {

/// A lease in the hands of its owner, and how what it is for will be stored. Worth nothing where the segment was removed meanwhile, nor in
/// a process that was forked with a copy of it.
struct Lease {
  Lease(const Engine& from, const Worker& me, const Scope& where, const Leases::Grant& grant, const LoadOptions& options,
        const ItemTraits& tags) noexcept;

  [[nodiscard]] Status fill(Handle& handle, std::string_view text, std::string_view value) noexcept {
    return fill(handle, text, value, ttl);
  }
  [[nodiscard]] Status fill(Handle& handle, std::string_view text, std::string_view value, std::chrono::milliseconds lifetime) noexcept;
  /// Without a value: that there is none (Extension::kNone), or that computing it failed (kFailed).
  [[nodiscard]] Status mark(Handle& handle, std::string_view text, std::uint64_t kind, std::chrono::milliseconds lifetime) noexcept;
  /// Ends the lease, and takes the old value away, if there is one.
  void erase(Handle& handle, std::string_view text) noexcept;
  void abandon(Handle& handle, std::string_view text) noexcept;

  const Engine* engine;
  std::uint64_t owner;  // LockWord
  std::uint64_t token;
  std::uint64_t begun_ms;
  Scope scope;
  ItemTraits traits;  // stamp and tags
  std::chrono::milliseconds ttl;
  std::chrono::milliseconds stale_for;
  double jitter;
  bool soft;  // whether what is stored can be refreshed where it is

 private:
  [[nodiscard]] bool is_still_ours(Handle& handle) const noexcept;
  [[nodiscard]] Status store(Handle& handle, std::string_view text, std::string_view value, const ItemTraits& as) noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace carafe
