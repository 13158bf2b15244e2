// SPDX-License-Identifier: MIT
#pragma once

#include "cache/engine.h"
#include "cache/items.h"

namespace carafe {

/// What admit and the search for the key's place will look at is on its way from memory from now on.
inline void touch_ahead(const Engine& engine, const Key& key) noexcept {
  Table::of(engine.view, key.stripe).touch(key.tag);
  if (!engine.duel.is_on()) return;
  const KeyId id = KeyId::of(key.stripe, key.tag);
  engine.duel.ghosts().touch(id);
  engine.duel.sketch().touch(id);
}

/// How an item that is about to be stored begins: a key that is there goes on as it was; one that comes back soon after it was thrown
/// out may stay at once; any other one is on probation. Without a lock: advice.
[[nodiscard]] inline Standing admit(const Engine& engine, const Key& key, std::uint32_t size_class) noexcept {
  if (!engine.duel.is_on()) return Standing::kMain;
  const KeyId id = KeyId::of(key.stripe, key.tag);
  // A lease is not there yet: what it promises is admitted when it comes.
  const auto is_value = [&](std::uint64_t word) {
    const ItemView item = ItemView::at(engine.view, Entry::offset(word));
    return !item || !item.is_lease();
  };
  if (const auto* entry = Table::of(engine.view, key.stripe).find(key.tag, is_value)) {
    Chunk chunk;
    const bool proven = !engine.slabs.locate(Entry::offset(entry->load(kRelaxed)), chunk) || !engine.slabs.is_on_probation(chunk);
    return proven ? Standing::kMain : Standing::kProbation;
  }
  ClassState& state = engine.view.size_class(size_class);
  if (state.admitted.load(kRelaxed) == 0) state.admitted.store(1, kRelaxed);
  engine.duel.sketch().add(id);
  if (engine.duel.ghosts().take(id)) {
    engine.duel.note_ghost_hit();
    state.ghost_hits.fetch_add(1, kRelaxed);
    return Standing::kMain;
  }
  return engine.duel.is_plain() ? Standing::kMain : Standing::kProbation;
}

}  // namespace carafe
