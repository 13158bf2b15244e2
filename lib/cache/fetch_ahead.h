// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "cache/admission.h"
#include "cache/items.h"

namespace carafe {

/// For verbs of many keys: what each of them will look at is on its way from memory before the first one needs it, stage by stage, so that their cache
/// misses overlap, as MICA (Lim et al., NSDI 2014) does for a batch of requests. By loads nobody waits for: see base/touch.h.

/// Stage 1, once the keys are hashed: their buckets.
inline void fetch_buckets(const Engine& engine, std::span<const Key> keys) noexcept {
  for (const Key& key : keys)
    if (!key.text.empty()) Table::of(engine.view, key.stripe).touch(key.tag);
}

/// Visits the offset of each item that a key's tag points at; mostly one.
template <typename Visit>
void for_each_candidate(const Engine& engine, const Key& key, Visit&& visit) noexcept {
  const Table table = Table::of(engine.view, key.stripe);
  if (key.text.empty() || table.count == 0) return;
  for (Bucket* const bucket : {&table.first(key.tag), &table.second(key.tag)})
    for (std::uint32_t found = match_tags(*bucket, key.tag); found != 0; found &= found - 1)
      visit(Entry::offset(bucket->entries[std::countr_zero(found)].load(kRelaxed)));
}

/// Stage 2, for readers: the items.
inline void fetch_items(const Engine& engine, std::span<const Key> keys) noexcept {
  for (const Key& key : keys)
    for_each_candidate(engine, key, [&](std::uint64_t offset) {
      const std::span<const std::byte> item = engine.view.rest(offset);
      if (!item.empty()) touch(item.data());
      if (item.size() > kCacheLineBytes) touch(&item[kCacheLineBytes]);
    });
}

/// Stage 2, for writers: what is replaced, and the word of its chunk.
inline void fetch_for_sets(const Engine& engine, std::span<const Key> keys) noexcept {
  for (const Key& key : keys) {
    if (key.text.empty()) continue;
    touch(&engine.view.stripe(key.stripe));
    for_each_candidate(engine, key, [&](std::uint64_t offset) {
      Chunk chunk;
      if (!engine.slabs.locate(offset, chunk)) return;
      touch(engine.view.base() + chunk.offset);
      touch(&engine.slabs.side(chunk));
    });
  }
}

}  // namespace carafe
