// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/racy_copy.h"

namespace carafe::bench {

/// The least that a cache in shared memory can do: what carafe's time is made of beyond this is eviction, expiry, counters, and the safety
/// of those who outlive a death.
///
///   | cursor | bucket | bucket | ... | item | item | ...          bucket: a cache line: version, 7 words of {tag 16, offset 48}
///                                                                 item: {key bytes, value bytes} key value
///
/// A get hashes the key (XXH3), reads one line, compares the whole key and copies the value, then looks whether the version is still the one
/// it began with (a seqlock; odd means that somebody writes). A set takes the bucket by making its version odd, and overwrites the value in
/// place. Nothing is ever freed: another length gets new room, and a full memory refuses. Who dies within a set leaves the bucket locked.
class Floor {
 public:
  static constexpr std::size_t kEntries = 7;

  /// Bytes for `items` of these sizes, at three to a bucket: one in eighty buckets overflows into the next.
  static std::size_t bytes_for(std::size_t items, std::size_t key_bytes, std::size_t value_bytes) {
    return sizeof(Header) + bucket_count(items) * sizeof(Bucket) + items * item_bytes(key_bytes, value_bytes);
  }

  /// In `bytes` zeroed bytes that all processes have mapped.
  Floor(void* memory, std::size_t bytes, std::size_t items)
      : memory_(static_cast<std::byte*>(memory)),
        bytes_(bytes),
        header_(new (memory) Header),
        buckets_(reinterpret_cast<Bucket*>(memory_ + sizeof(Header))),
        bucket_count_(bucket_count(items)) {
    header_->cursor.store(sizeof(Header) + bucket_count_ * sizeof(Bucket), std::memory_order_relaxed);
  }

  bool get(std::string_view key, std::string& reused) const {
    const std::uint64_t hash = hash_key(key, 0);
    for (std::size_t number = home(hash);; number = after(number)) {
      const Bucket& bucket = buckets_[number];
      for (;;) {
        const std::uint64_t version = bucket.version.load(std::memory_order_acquire);
        if ((version & 1) != 0) {
          sched_yield();
          continue;
        }
        const Found found = find(bucket, hash, key);
        if (found.item != nullptr) {
          reused.resize(found.item->value_bytes);
          racy_copy_out(reused.data(), found.item->value(), reused.size());
        }
        std::atomic_thread_fence(std::memory_order_acquire);
        if (bucket.version.load(std::memory_order_relaxed) != version) continue;
        if (found.item != nullptr) return true;
        if (found.entry < kEntries) return false;
        break;
      }
    }
  }

  bool set(std::string_view key, std::string_view value) {
    const std::uint64_t hash = hash_key(key, 0);
    for (std::size_t number = home(hash);; number = after(number)) {
      Bucket& bucket = buckets_[number];
      const std::uint64_t version = lock(bucket);
      const Found found = find(bucket, hash, key);
      if (found.item != nullptr && found.item->value_bytes == value.size()) {
        racy_copy_in(found.item->value(), value.data(), value.size());
      } else if (found.entry < kEntries) {
        const std::uint64_t offset = add(key, value);
        if (offset != 0) bucket.entries[found.entry].store(tag(hash) | offset, std::memory_order_relaxed);
        bucket.version.store(version + 2, std::memory_order_release);
        return offset != 0;
      } else {
        bucket.version.store(version, std::memory_order_release);  // full, and nothing of ours
        continue;
      }
      bucket.version.store(version + 2, std::memory_order_release);
      return true;
    }
  }

 private:
  struct alignas(64) Header {
    std::atomic<std::uint64_t> cursor{0};
  };
  struct alignas(64) Bucket {
    std::atomic<std::uint64_t> version;
    std::array<std::atomic<std::uint64_t>, kEntries> entries;
  };
  struct Item {
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;

    [[nodiscard]] const std::byte* key() const noexcept { return reinterpret_cast<const std::byte*>(this + 1); }
    [[nodiscard]] const std::byte* value() const noexcept { return key() + key_bytes; }
    std::byte* key() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
    std::byte* value() noexcept { return key() + key_bytes; }
  };
  /// The item and its entry; or none, and the first free entry; or none, and kEntries.
  struct Found {
    Item* item;
    std::size_t entry;
  };

  static constexpr std::uint64_t kOffsetMask = (std::uint64_t{1} << 48) - 1;

  static std::size_t bucket_count(std::size_t items) noexcept { return items / 3 + 1; }
  static std::size_t item_bytes(std::size_t key_bytes, std::size_t value_bytes) noexcept {
    return (sizeof(Item) + key_bytes + value_bytes + 7) / 8 * 8;
  }
  static std::uint64_t tag(std::uint64_t hash) noexcept { return hash << 48; }
  [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(((hash >> 32) * bucket_count_) >> 32);
  }
  [[nodiscard]] std::size_t after(std::size_t number) const noexcept { return number + 1 == bucket_count_ ? 0 : number + 1; }

  [[nodiscard]] Found find(const Bucket& bucket, std::uint64_t hash, std::string_view key) const noexcept {
    for (std::size_t i = 0; i < kEntries; ++i) {
      const std::uint64_t word = bucket.entries[i].load(std::memory_order_relaxed);
      if (word == 0) return {nullptr, i};
      if (((word ^ tag(hash)) & ~kOffsetMask) != 0) continue;
      auto* item = reinterpret_cast<Item*>(memory_ + (word & kOffsetMask));
      if (item->key_bytes == key.size() && racy_equal(item->key(), key.data(), key.size())) return {item, i};
    }
    return {nullptr, kEntries};
  }

  static std::uint64_t lock(Bucket& bucket) noexcept {
    for (;;) {
      std::uint64_t version = bucket.version.load(std::memory_order_relaxed);
      if ((version & 1) == 0 && bucket.version.compare_exchange_weak(version, version + 1, std::memory_order_acquire)) {
        std::atomic_thread_fence(std::memory_order_release);  // nobody sees a new byte beside the even version
        return version;
      }
      sched_yield();
    }
  }

  std::uint64_t add(std::string_view key, std::string_view value) noexcept {
    const std::size_t bytes = item_bytes(key.size(), value.size());
    const std::uint64_t offset = header_->cursor.fetch_add(bytes, std::memory_order_relaxed);
    if (offset + bytes > bytes_) return 0;
    auto* item = new (memory_ + offset) Item{static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size())};
    racy_copy_in(item->key(), key.data(), key.size());
    racy_copy_in(item->value(), value.data(), value.size());
    return offset;
  }

  std::byte* memory_;
  std::size_t bytes_;
  Header* header_;
  Bucket* buckets_;
  std::size_t bucket_count_;
};

}  // namespace carafe::bench
