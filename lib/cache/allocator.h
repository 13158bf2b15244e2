// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"
#include "cache/evictor.h"

namespace carafe {

/// Finds room for a chunk, in this order: one that this process freed lately; one that a bitmap says is free; a page of the pool; a
/// page that holds nothing but what a clear outdated; an expired item of the class; the class's hand; a page of another class. So
/// a set fails only when nothing at all can be evicted. Never called with a stripe's lock held.
///
/// Cost: free chunk ~40 ns; eviction a few cache misses; a page emptied for another class up to a millisecond, seldom.
class Allocator {
 public:
  Allocator(const Engine& engine, const Worker& me) noexcept : engine_(engine), me_(me), evictor_(engine, me) {}

  /// `standing`: how what is stored in the claimed chunk begins.
  [[nodiscard]] Claim claim(std::uint32_t size_class, Standing standing = Standing::kMain) const noexcept;
  /// A claim will come soon: what has to be evicted for it, if anything, is on its way from memory from now on.
  void touch_ahead(std::uint32_t size_class) const noexcept;
  /// The same, but only where it costs nobody anything: a free chunk or a page of the pool.
  [[nodiscard]] Claim claim_spare(std::uint32_t size_class) const noexcept;
  /// Gives a claim back unused.
  void give_back(const Claim& claim) const noexcept;

 private:
  [[nodiscard]] Claim claim_outdated(std::uint32_t size_class, Standing standing) const noexcept;
  [[nodiscard]] Claim claim_expired(std::uint32_t size_class, Standing standing) const noexcept;
  std::uint32_t sweep_expired(std::uint32_t page, std::uint32_t size_class) const noexcept;

  const Engine& engine_;
  const Worker& me_;
  const Evictor evictor_;
};

}  // namespace carafe
