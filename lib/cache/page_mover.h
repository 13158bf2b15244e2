// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"
#include "cache/evictor.h"

namespace carafe {

/// Moves slab pages between classes: empties one by the same step as an eviction, then cuts it anew, all under the page's own lock.
/// A death on the way leaves a page of the old class with fewer items, or one in the pool.
class PageMover {
 public:
  PageMover(const Engine& engine, const Worker& me) noexcept : engine_(engine), me_(me), evictor_(engine, me) {}

  /// Takes a page for `size_class` from wherever it hurts least: an unused one, else the class whose items are oldest. False when no
  /// page could be emptied.
  [[nodiscard]] bool take_page(std::uint32_t size_class) const noexcept;
  /// Empties `page`, whose class was `from`, and gives it to `to`.
  [[nodiscard]] bool move(std::uint32_t page, std::uint32_t from, std::uint32_t to) const noexcept;

  /// Looks through some of the index's pages: gives those of nobody back, and one of the pool to `size_class`. False when none came of it.
  [[nodiscard]] bool reclaim_index_pages(std::uint32_t size_class) const noexcept;

  enum class Reason : std::uint8_t {
    kNeed,  ///< Somebody gains more than is lost.
    kIdle,  ///< Only what nobody uses.
  };
  /// Moves a page of `victim` that is little used to `size_class`.
  [[nodiscard]] bool take_from(std::uint32_t victim, std::uint32_t size_class, Reason reason) const noexcept;

 private:
  [[nodiscard]] bool take_unused(std::uint32_t size_class) const noexcept;
  std::uint32_t count_used(std::uint32_t page, std::uint32_t size_class, bool age) const noexcept;
  [[nodiscard]] bool is_in_use(std::uint64_t side) const noexcept;
  [[nodiscard]] bool empty_page_locked(std::uint32_t page, std::uint32_t size_class) const noexcept;

  const Engine& engine_;
  const Worker& me_;
  const Evictor evictor_;
};

}  // namespace carafe
