// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"

namespace carafe {

/// Tells the duel how many chunks for items there are, or will be once the pool's pages are given out in the present proportion: the shadows
/// have to be of the right size before the first eviction. Called when a class has received a page. Walks the classes: ~100 ns.
inline void size_duel(const Engine& engine, const Worker& me) noexcept {
  if (!engine.duel.is_on()) return;
  std::uint64_t chunks = 0;
  std::uint64_t item_pages = 0;
  for (std::uint32_t i = 0; i < engine.classes.item_count(); ++i) {
    const std::uint64_t pages = engine.view.size_class(i).page_count.load(kRelaxed);
    item_pages += pages;
    chunks += pages * engine.classes.shape(i).chunks;
  }
  if (const std::uint64_t free = engine.view.header().free_pages.load(kRelaxed); free != 0 && item_pages != 0) {
    const std::uint64_t page_bytes = engine.view.geometry().page_bytes;
    const std::uint64_t with_index = item_pages * page_bytes + chunks * 10;  // bytes; an entry and its share of what is empty
    chunks = chunks * (engine.view.geometry().page_count * page_bytes / 1024) / (with_index / 1024 + 1);
  }
  engine.duel.resize(chunks, me);
}

}  // namespace carafe
