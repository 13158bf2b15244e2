// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "carafe/carafe.h"
#include "support/striped_map.h"
#include "support/workload.h"

/// One adapter per store: the same few calls for every benchmark. A further peer is a further struct like these.
///
///   static constexpr const char* kName;
///   Store(std::uint32_t items, std::size_t value_bytes, Room room);
///   bool get(std::string_view key, std::string& reused);  bool set(std::string_view key, std::string_view value);
namespace carafe::bench {

/// How much a store may hold: everything without evicting, or about as many items as asked and no more.
enum class Room { kAmple, kTight };

struct CarafeStore {
  static constexpr const char* kName = "carafe";
  static constexpr bool kForks = true;

  static Options options_for(std::uint32_t items, std::size_t value_bytes, Room room) {
    Options options;
    const std::uint64_t per_item = kKeyBytes + value_bytes + 44;
    const std::uint64_t bytes = items * per_item;
    options.capacity_bytes =
        static_cast<std::size_t>(room == Room::kAmple ? bytes + bytes * 3 / 10 + (16 << 20) : std::max<std::uint64_t>(bytes, 1 << 20));
    return options;
  }

  CarafeStore(std::uint32_t items, std::size_t value_bytes, Room room)
      : CarafeStore(options_for(items, value_bytes, room), Eviction::kDuel) {}

  bool get(std::string_view key, std::string& reused) { return cache.get(key, reused) == Status::kOk; }
  bool set(std::string_view key, std::string_view value) { return cache.set(key, value) == Status::kOk; }
  [[nodiscard]] std::uint64_t evictions() const { return cache.stats().evictions; }
  [[nodiscard]] std::uint64_t items() const { return cache.stats().items; }

  Cache cache;

 protected:
  CarafeStore(Options options, Eviction eviction) : cache(make(options, eviction)) {}
  static Cache make(Options options, Eviction eviction) {
    options.eviction = eviction;
    return Cache::create_anonymous(options);
  }
};

/// What the duel is compared with.
struct CarafeClockStore : CarafeStore {
  static constexpr const char* kName = "carafe_clock";

  CarafeClockStore(std::uint32_t items, std::size_t value_bytes, Room room)
      : CarafeStore(options_for(items, value_bytes, room), Eviction::kClock) {}
};

struct StripedMapStore {
  static constexpr const char* kName = "striped_map";
  static constexpr bool kForks = false;

  StripedMapStore(std::uint32_t items, std::size_t, Room room) : map(items, room == Room::kTight ? items : 0) {}

  bool get(std::string_view key, std::string& reused) { return map.get(key, reused); }
  bool set(std::string_view key, std::string_view value) { return map.set(key, value); }
  [[nodiscard]] std::uint64_t items() { return map.items(); }

  StripedMap map;
};

/// Stores keys `first` to `first + count - 1`. A store that refuses ends the program: no figure is better than a wrong one.
template <typename Store>
void fill(Store& store, std::uint32_t first, std::uint32_t count, std::size_t value_bytes) {
  ItemMaker maker(value_bytes);
  for (std::uint32_t index = first; index != first + count; ++index) {
    if (!store.set(maker.key(index), maker.value(index))) {
      std::fprintf(stderr, "bench: %s refused item %u of %u\n", Store::kName, index - first, count);
      std::exit(1);
    }
  }
}

/// A store that holds keys 0 to items - 1. Made on first use and kept until another size is asked for, because Google Benchmark calls a
/// benchmark several times; the two stores of one size live side by side, so that their figures stem from the same minute.
template <typename Store>
Store& filled_store(std::uint32_t items, std::size_t value_bytes) {
  static std::unique_ptr<Store> store;
  static std::uint32_t store_items = 0;
  static std::size_t store_value_bytes = 0;
  if (!store || store_items != items || store_value_bytes != value_bytes) {
    store.reset();
    store = std::make_unique<Store>(items, value_bytes, Room::kAmple);
    fill(*store, 0, items, value_bytes);
    store_items = items;
    store_value_bytes = value_bytes;
  }
  return *store;
}

}  // namespace carafe::bench
