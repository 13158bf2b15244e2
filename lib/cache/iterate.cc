// SPDX-License-Identifier: MIT
#include "cache/iterate.h"

#include <algorithm>
#include <string>
#include <vector>

#include "cache/reader.h"

namespace carafe {
namespace {

/// Adds the keys of one bucket. False when a writer was there meanwhile.
bool collect_bucket(const Engine& engine, Bucket& bucket, std::uint32_t epoch, std::uint32_t space, bool validate,
                    std::vector<std::string>& keys) {
  const std::size_t before = keys.size();
  const std::uint64_t version = bucket.version.load(kAcquire);
  for (auto& entry : bucket.entries) {
    const std::uint64_t word = entry.load(kAcquire);
    if (word == Entry::kEmpty) continue;
    const ItemView item = ItemView::at(engine.view, Entry::offset(word));
    if (!item || !is_current(item.header, epoch) || item.is_lease() || item.header.space() != space) continue;
    std::string key(item.header.key_bytes(), '\0');
    racy_copy_out(key.data(), item.bytes + item.header.key_at(), key.size());
    keys.push_back(std::move(key));
  }
  atomic_fence(kAcquire);
  if (!validate || bucket.version.load(kRelaxed) == version) return true;
  keys.resize(before);
  return false;
}

/// The keys of a stripe. A table that is replaced meanwhile is begun anew; a bucket that never holds still is taken as it was last seen.
std::vector<std::string> collect_stripe(const Engine& engine, std::uint32_t stripe, std::uint32_t epoch, std::uint32_t space) {
  std::vector<std::string> keys;
  for (int attempt = 0; attempt < 16; ++attempt) {
    keys.clear();
    const std::uint32_t moves = engine.view.stripe(stripe).moves.load(kAcquire);
    const std::uint64_t word = engine.view.directory(stripe).load(kAcquire);
    const Table table = Table::from_word(engine.view, word);
    for (std::uint32_t i = 0; i < table.count; ++i)
      for (int tries = 0; !collect_bucket(engine, table.buckets[i], epoch, space, tries < 1000, keys); ++tries) spin_pause();
    atomic_fence(kAcquire);
    if (engine.view.directory(stripe).load(kRelaxed) == word && engine.view.stripe(stripe).moves.load(kRelaxed) == moves) break;
  }
  // A key erased and set again during the walk may stand in both of its buckets.
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace

void visit_items(const Engine& engine, const Worker& me, NamespaceId space,
                 const std::function<bool(std::string_view, std::string_view)>& visitor) {
  const Reader reader(engine, me);
  std::string value;
  for (std::uint32_t stripe = 0; stripe < engine.view.geometry().stripe_count; ++stripe) {
    for (const std::string& text : collect_stripe(engine, stripe, engine.epoch(), space.number)) {
      const Key key = Key::of(engine, text, space);
      if (key.stripe != stripe) continue;  // torn
      ReadResult result = reader.read(key, &value, nullptr, false);
      for (int tries = 0; result == ReadResult::kContended && tries < 1000; ++tries) result = reader.read(key, &value, nullptr, false);
      if (result == ReadResult::kHit && !visitor(text, value)) return;
    }
  }
}

}  // namespace carafe
