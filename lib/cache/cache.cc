// SPDX-License-Identifier: MIT
#include "carafe/cache.h"

#include <algorithm>
#include <array>

#include "cache/handle.h"
#include "cache/iterate.h"
#include "cache/reader.h"
#include "cache/writer.h"

namespace carafe {
inline namespace v0 {
namespace {

using detail::Handle;

/// How many keys of a batch have their cache misses overlapped.
constexpr std::size_t kBatch = 32;

/// Runs a writing verb: checks that it may happen, then write(writer, key). A write during which the segment is removed came before that.
template <typename Write>
Status run_write(Handle& handle, std::string_view text, Write&& write) noexcept {
  if (!Key::is_valid(text)) return Status::kBadKey;
  const Engine& engine = handle.engine();
  if (engine.segment.read_only) return Status::kReadOnly;
  const Worker me = engine.worker();
  if (me.word == 0) return Status::kNoWorkerSlot;
  handle.tick(engine);
  if (engine.retired()) return handle.retired_status();
  return write(Writer(engine, me), Key::of(engine, text));
}

/// Counts what a read came to, and ticks.
Status settle(Handle& handle, const Engine& engine, const Worker& me, ReadResult result) noexcept {
  if (result == ReadResult::kHit) {
    const std::uint64_t hits =
        me.lane != nullptr ? me.lane->counters[static_cast<std::size_t>(CounterId::k_hits)].fetch_add(1, kRelaxed) : 0;
    if (handle.is_time_to_tick(hits)) handle.tick(engine);
    return Status::kOk;
  }
  me.count(CounterId::k_misses);
  if (result == ReadResult::kContended) me.count(CounterId::k_reader_contended);
  if (result == ReadResult::kCorrupt) me.count(CounterId::k_corruptions);
  handle.tick(engine);
  return result == ReadResult::kCorrupt ? Status::kCorrupt : Status::kNotFound;
}

/// get and its kin: into `value` and `details`, if given.
Status run_get(Handle& handle, std::string_view text, std::string* value, ReadDetails* details) {
  if (!Key::is_valid(text)) return Status::kBadKey;
  const Engine& engine = handle.engine();
  const Worker me = engine.worker();
  if (engine.retired()) {
    me.count(CounterId::k_misses);
    return engine.segment.read_only ? Status::kRetired : handle.retired_status();
  }
  const Key key = Key::of(engine, text);
  const ReadResult result = Reader(engine, me).read(key, value, details, me.lane != nullptr);
  engine.duel.note_request(key.stripe, key.tag, me);
  return settle(handle, engine, me, result);
}

/// A look that is neither hit nor miss.
bool peek(Handle& handle, std::string_view text, std::string* value, ReadDetails* details) {
  if (!Key::is_valid(text)) return false;
  const Engine& engine = handle.engine();
  const Worker me = engine.worker();
  return !engine.retired() && Reader(engine, me).read(Key::of(engine, text), value, details, false) == ReadResult::kHit;
}

std::unique_ptr<Handle> handle_on(Segment segment, const Options& options) { return std::make_unique<Handle>(std::move(segment), options); }

}  // namespace

Cache::Cache(std::unique_ptr<Handle> handle) noexcept : handle_(std::move(handle)) {}
Cache::Cache(Cache&&) noexcept = default;
Cache& Cache::operator=(Cache&&) noexcept = default;
Cache::~Cache() = default;

Cache Cache::create(std::string_view name, const Options& options) {
  Segment segment = create_segment(name, options);
  const dev_t device = segment.device;
  const ino_t inode = segment.inode;
  try {
    return Cache(handle_on(std::move(segment), options));
  } catch (...) {  // no worker slot, say: who is told that it failed must not find it made
    unpublish_segment(name, options, device, inode);
    throw;
  }
}

Cache Cache::open(std::string_view name, const Options& options) { return Cache(handle_on(open_segment(name, options, false), options)); }

Cache Cache::open_or_create(std::string_view name, const Options& options) {
  check_options(options, "segment \"" + std::string(name) + "\"");
  for (int attempt = 0;; ++attempt) {
    try {
      return open(name, options);
    } catch (const Error& error) {
      if (error.status() != Status::kAbsent) throw;
    }
    try {
      return create(name, options);
    } catch (const Error& error) {
      if (error.status() != Status::kSegmentExists || attempt == 100) throw;  // another made it between: open theirs
    }
  }
}

Cache Cache::create_anonymous(const Options& options) { return Cache(handle_on(create_anonymous_segment(options), options)); }

Cache Cache::open_read_only(std::string_view name, const Options& options) {
  return Cache(handle_on(open_segment(name, options, true), options));
}

bool Cache::remove(std::string_view name, const Options& options) { return remove_segment(name, options); }

Status Cache::set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) noexcept {
  return run_write(*handle_, key,
                   [&](const Writer& writer, const Key& k) { return writer.store(k, value, Expiry::from_ttl(ttl), Condition::kAlways); });
}

Status Cache::set(std::string_view key, std::string_view value, const SetOptions& options) noexcept { return set(key, value, options.ttl); }

Status Cache::add(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) noexcept {
  return run_write(*handle_, key,
                   [&](const Writer& writer, const Key& k) { return writer.store(k, value, Expiry::from_ttl(ttl), Condition::kAbsent); });
}

Status Cache::replace(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) noexcept {
  return run_write(*handle_, key,
                   [&](const Writer& writer, const Key& k) { return writer.store(k, value, Expiry::from_ttl(ttl), Condition::kPresent); });
}

Status Cache::compare_and_set(std::string_view key, std::uint64_t version, std::string_view value, std::chrono::milliseconds ttl) noexcept {
  return run_write(*handle_, key, [&](const Writer& writer, const Key& k) {
    return writer.store(k, value, Expiry::from_ttl(ttl), Condition::kVersion, version);
  });
}

Counter Cache::increment(std::string_view key, std::int64_t delta, std::int64_t initial, std::chrono::milliseconds ttl) noexcept {
  Counter counter;
  counter.status = run_write(*handle_, key, [&](const Writer& writer, const Key& k) {
    counter = writer.increment(k, delta, initial, Expiry::from_ttl(ttl));
    return counter.status;
  });
  return counter;
}

Status Cache::touch(std::string_view key, std::chrono::milliseconds ttl) noexcept {
  return run_write(*handle_, key, [&](const Writer& writer, const Key& k) { return writer.touch(k, Expiry::from_ttl(ttl)); });
}

Status Cache::erase(std::string_view key) noexcept {
  return run_write(*handle_, key, [&](const Writer& writer, const Key& k) { return writer.erase(k); });
}

void Cache::clear() noexcept {
  const Engine& engine = handle_->engine();
  if (engine.segment.read_only) return;
  // One increment, seen by everybody's next operation. Zero is skipped: it is what untouched memory says.
  if (engine.view.header().epoch.fetch_add(1, kAcqRel) + 1 == 0) engine.view.header().epoch.fetch_add(1, kAcqRel);
  engine.worker().count(CounterId::k_clears);
}

std::optional<std::string> Cache::get(std::string_view key) {
  std::optional<std::string> value(std::in_place);
  if (run_get(*handle_, key, &*value, nullptr) != Status::kOk) value.reset();
  return value;
}

Status Cache::get(std::string_view key, std::string& reused) {
  const Status status = run_get(*handle_, key, &reused, nullptr);
  if (status != Status::kOk) reused.clear();
  return status;
}

std::optional<Versioned> Cache::get_versioned(std::string_view key) {
  std::optional<Versioned> found(std::in_place);
  ReadDetails details;
  if (run_get(*handle_, key, &found->value, &details) != Status::kOk) return std::nullopt;
  found->version = details.version;
  return found;
}

bool Cache::contains(std::string_view key) noexcept { return peek(*handle_, key, nullptr, nullptr); }

/// What another one has loaded for us: the get has been counted.
bool Cache::get_quietly(std::string_view key, std::string& reused) { return peek(*handle_, key, &reused, nullptr); }

std::optional<std::chrono::milliseconds> Cache::remaining_ttl(std::string_view key) noexcept {
  ReadDetails details;
  if (!peek(*handle_, key, nullptr, &details)) return std::nullopt;
  if (details.expiry_ms == kNeverExpires) return kForever;
  const std::uint64_t now = now_ms();
  return std::chrono::milliseconds(details.expiry_ms > now ? details.expiry_ms - now : 0);
}

std::vector<std::optional<std::string>> Cache::get_many(std::span<const std::string_view> keys) {
  std::vector<std::optional<std::string>> values(keys.size());
  for (std::size_t start = 0; start < keys.size(); start += kBatch) {
    const auto batch = keys.subspan(start, std::min(kBatch, keys.size() - start));
    const Engine& engine = handle_->engine();
    const Worker me = engine.worker();
    if (engine.retired()) {
      for (std::string_view key : batch)
        if (Key::is_valid(key)) me.count(CounterId::k_misses);
      continue;
    }
    const Reader reader(engine, me);
    // All buckets are asked for before the first one is needed.
    std::array<Key, kBatch> hashed;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!Key::is_valid(batch[i])) continue;
      hashed[i] = Key::of(engine, batch[i]);
      reader.prefetch(hashed[i]);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) reader.prefetch_item(hashed[i]);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!Key::is_valid(batch[i])) continue;
      auto& value = values[start + i];
      value.emplace();
      if (settle(*handle_, engine, me, reader.read(hashed[i], &*value, nullptr, me.lane != nullptr)) != Status::kOk) value.reset();
      engine.duel.note_request(hashed[i].stripe, hashed[i].tag, me);
    }
  }
  return values;
}

std::vector<Status> Cache::set_many(std::span<const KeyValue> items, std::chrono::milliseconds ttl) {
  std::vector<Status> answers;
  answers.reserve(items.size());
  for (const KeyValue& item : items) answers.push_back(set(item.key, item.value, ttl));
  return answers;
}

std::vector<Status> Cache::erase_many(std::span<const std::string_view> keys) {
  std::vector<Status> answers;
  answers.reserve(keys.size());
  for (std::string_view key : keys) answers.push_back(erase(key));
  return answers;
}

void Cache::for_each_item(const std::function<bool(std::string_view, std::string_view)>& visitor) {
  const Engine& engine = handle_->engine();
  if (!engine.retired()) visit_items(engine, engine.worker(), visitor);
}

}  // namespace v0
}  // namespace carafe
