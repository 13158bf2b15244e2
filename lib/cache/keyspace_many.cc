// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "cache/fetch_ahead.h"
#include "cache/glance.h"
#include "cache/requests.h"
#include "carafe/keyspace.h"

/// The verbs of many keys.
namespace carafe {
inline namespace v0 {
namespace {

/// How many keys have their cache misses overlapped: about as many as a core has lines on their way.
constexpr std::size_t kBatch = 32;

/// The keys of a batch, hashed; what is no key has no text.
using Keys = std::array<Key, kBatch>;

template <typename Items, typename KeyOf>
std::span<const Key> hash_all(const Engine& engine, const Scope& scope, const Items& batch, Keys& keys, KeyOf&& key_of) noexcept {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::string_view text = key_of(batch[i]);
    if (Key::is_valid(text)) keys[i] = Key::of(engine, text, scope.id());
  }
  return std::span(keys).first(batch.size());
}

}  // namespace

void Keyspace::get_many(std::span<const std::string_view> keys, std::vector<std::optional<std::string>>& reused) {
  reused.resize(keys.size());
  for (std::size_t start = 0; start < keys.size(); start += kBatch) {
    const auto batch = keys.subspan(start, std::min(kBatch, keys.size() - start));
    const auto values = std::span(reused).subspan(start, batch.size());
    const Engine& engine = handle_->engine();
    const Worker me = engine.worker();
    const Scope scope = engine.retired() ? Scope::nowhere(Status::kRetired) : scope_of(space_.get(), engine, me);
    if (scope.is_nowhere()) {
      for (auto& value : values) value.reset();
      for (std::string_view key : batch)
        if (Key::is_valid(key)) static_cast<void>(settle(*handle_, engine, me, {}, ReadResult::kMiss));
      continue;
    }
    Keys hashed;
    const std::span<const Key> all = hash_all(engine, scope, batch, hashed, [](std::string_view key) { return key; });
    fetch_buckets(engine, all);
    fetch_items(engine, all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto& value = values[i];
      if (all[i].text.empty()) {
        value.reset();
        continue;
      }
      if (!value.has_value()) value.emplace();
      if (settle(*handle_, engine, me, scope, read_value(engine, me, all[i], *value)) != Status::kOk) value.reset();
      engine.duel.note_request(all[i].stripe, all[i].tag, me);
    }
  }
}

std::vector<std::optional<std::string>> Keyspace::get_many(std::span<const std::string_view> keys) {
  std::vector<std::optional<std::string>> values;
  get_many(keys, values);
  return values;
}

std::vector<Status> Keyspace::set_many(std::span<const KeyValue> items, std::chrono::milliseconds ttl) {
  std::vector<Status> answers;
  answers.reserve(items.size());
  for (std::size_t start = 0; start < items.size(); start += kBatch) {
    const auto batch = items.subspan(start, std::min(kBatch, items.size() - start));
    const Engine& engine = handle_->engine();
    const Scope scope = scope_of(space_.get(), engine, engine.worker());
    if (!engine.retired() && !scope.is_nowhere()) {
      Keys hashed;
      const std::span<const Key> all = hash_all(engine, scope, batch, hashed, [](const KeyValue& item) { return item.key; });
      fetch_buckets(engine, all);
      fetch_for_sets(engine, all);
    }
    for (const KeyValue& item : batch) answers.push_back(set(item.key, item.value, ttl));  // which hashes again: nothing beside a miss
  }
  return answers;
}

std::vector<Status> Keyspace::erase_many(std::span<const std::string_view> keys) {
  std::vector<Status> answers;
  answers.reserve(keys.size());
  for (std::string_view key : keys) answers.push_back(erase(key));
  return answers;
}

}  // namespace v0
}  // namespace carafe
