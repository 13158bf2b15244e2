// SPDX-License-Identifier: MIT
#include "cache/stamps.h"

#include "base/hash.h"
#include "base/step.h"

namespace carafe {

std::uint16_t tag_place(const Engine& engine, std::string_view tag) noexcept {
  constexpr std::uint64_t kOfTags = 0x7461677374616773ULL;  // keys and tags share no hash
  return static_cast<std::uint16_t>(hash_key(tag, engine.seed ^ kOfTags) & (engine.view.geometry().tag_count - 1));
}

void invalidate_all(const Engine& engine) noexcept {
  auto& epoch = engine.view.header().epoch;
  // Zero is skipped: it is what untouched memory says.
  if (epoch.fetch_add(1, kAcqRel) + 1 == 0) epoch.fetch_add(1, kAcqRel);
}

std::uint64_t begin_invalidation(const Engine& engine) noexcept {
  auto& stamp = engine.view.header().stamp;
  const std::uint64_t mine = stamp.fetch_add(1, kAcqRel) + 1;
  CARAFE_STEP("invalidate: begun");
  if (mine < kLastStamp) [[likely]]
    return mine;
  stamp.store(kLastStamp, kRelaxed);
  invalidate_all(engine);
  return kLastStamp;
}

void invalidate_tag(const Engine& engine, std::uint16_t place) noexcept {
  const std::uint64_t mine = begin_invalidation(engine);
  auto& latest = engine.view.tag(place);
  for (std::uint64_t seen = latest.load(kRelaxed); seen < mine && !latest.compare_exchange_weak(seen, mine, kAcqRel);) {
  }
}

void invalidate_namespace(const Engine& engine, std::uint32_t number) noexcept {
  const std::uint64_t mine = begin_invalidation(engine);
  NamespaceRecord& record = engine.view.namespace_record(number - 1);
  std::uint64_t seen = record.word.load(kRelaxed);
  while (NamespaceWord::cleared_at(seen) < mine &&
         !record.word.compare_exchange_weak(seen, NamespaceWord::make(NamespaceWord::incarnation(seen), mine), kAcqRel)) {
  }
  CARAFE_STEP("clear namespace: written down");
  record.items.store(0, kRelaxed);
  record.bytes.store(0, kRelaxed);
  record.clears.fetch_add(1, kRelaxed);
}

}  // namespace carafe
