// SPDX-License-Identifier: MIT
#include "cache/quota_hand.h"

#include <algorithm>

#include "base/touch.h"
#include "cache/items.h"
#include "stats/gauge.h"

namespace carafe {

void QuotaHand::make_room_below(std::uint32_t number, std::uint64_t most_bytes) const noexcept {
  NamespaceRecord& record = engine_.view.namespace_record(number - 1);
  const auto is_over = [&] {
    return Gauge::value_in(record.bytes.load(kRelaxed), engine_.epoch()) * 8 > static_cast<std::int64_t>(most_bytes);
  };
  const std::uint64_t stripes = engine_.view.geometry().stripe_count;
  bool took_one = false;
  std::uint32_t looks = 0;
  for (std::uint64_t i = 0; i < stripes && looks < kMostLooks && is_over(); ++i) {
    const std::uint64_t cursor = record.quota_cursor.fetch_add(1, kRelaxed);
    const Table table = Table::of(engine_.view, static_cast<std::uint32_t>(cursor & (stripes - 1)));
    for (std::uint32_t b = 0; b < table.count && looks < kMostLooks && is_over(); ++b) {
      Bucket& bucket = table.buckets[b];
      for (auto& entry : bucket.entries)  // their misses of memory come at once
        if (const auto* item = engine_.view.chunk(Entry::offset(entry.load(kRelaxed)), 8)) touch(item);
      for (auto& entry : bucket.entries) {
        const std::uint64_t word = entry.load(kAcquire);
        if (word == Entry::kEmpty || !is_over()) continue;
        ++looks;
        // All of its own were used meanwhile: then one goes all the same.
        const bool patient = took_one || looks < kMostLooks * 3 / 4;
        took_one |= take(word, number, patient ? EvictWhen::kCold : EvictWhen::kAnyway);
      }
    }
  }
}

bool QuotaHand::take(std::uint64_t word, std::uint32_t number, EvictWhen when) const noexcept {
  const ItemView item = ItemView::at(engine_.view, Entry::offset(word));
  Chunk chunk;
  if (!item || item.header.space() != number || item.is_lease() || !engine_.slabs.locate(Entry::offset(word), chunk)) return false;
  if (!engine_.slabs.lock_page(chunk.page, me_)) return false;
  Claim taken;
  if (engine_.slabs.page_class(chunk.page) == chunk.size_class) taken = evictor_.try_take(chunk, when);
  engine_.slabs.unlock_page(chunk.page);
  if (taken) engine_.slabs.release(taken.chunk, taken.word);
  return static_cast<bool>(taken);
}

}  // namespace carafe
