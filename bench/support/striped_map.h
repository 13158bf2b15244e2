// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace carafe::bench {

/// The peer that every reader knows: std::unordered_map inside one process, 64 of them, each behind a std::mutex. Written as well as that
/// can be: the key is hashed once, looked up without making a std::string, its hash is kept in the node, tables are reserved, and a value is
/// copied into the caller's buffer while the lock is held.
///
/// It does less than carafe: one process, no expiry, no counters, no limit but (when asked) a number of items, with the oldest going first.
class StripedMap {
 public:
  static constexpr std::size_t kStripes = 64;

  /// `most_items` 0: no limit.
  explicit StripedMap(std::size_t expected_items, std::size_t most_items = 0) : most_per_stripe_(most_items / kStripes) {
    for (auto& stripe : stripes_) stripe.map.reserve(expected_items / kStripes + expected_items / kStripes / 8 + 8);
  }

  bool get(std::string_view key, std::string& reused) {
    const Hashed hashed{key, std::hash<std::string_view>{}(key)};
    Stripe& stripe = stripes_[hashed.hash % kStripes];
    const std::lock_guard lock(stripe.mutex);
    const auto found = stripe.map.find(hashed);
    if (found == stripe.map.end()) return false;
    reused.assign(found->second);
    return true;
  }

  bool set(std::string_view key, std::string_view value) {
    const Hashed hashed{key, std::hash<std::string_view>{}(key)};
    Stripe& stripe = stripes_[hashed.hash % kStripes];
    const std::lock_guard lock(stripe.mutex);
    if (const auto found = stripe.map.find(hashed); found != stripe.map.end()) {
      found->second.assign(value);
      return true;
    }
    const auto placed = stripe.map.emplace(key, value).first;
    if (most_per_stripe_ != 0) evict_oldest(stripe, placed->first);
    return true;
  }

  [[nodiscard]] std::size_t items() {
    std::size_t sum = 0;
    for (auto& stripe : stripes_) {
      const std::lock_guard lock(stripe.mutex);
      sum += stripe.map.size();
    }
    return sum;
  }

 private:
  struct Hashed {
    std::string_view key;
    std::size_t hash;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Hashed& hashed) const noexcept { return hashed.hash; }
    std::size_t operator()(const std::string& key) const {
      return std::hash<std::string_view>{}(key);
    }  // not noexcept: libstdc++ then keeps it in the node
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const std::string& a, const std::string& b) const noexcept { return a == b; }
    bool operator()(const Hashed& a, const std::string& b) const noexcept { return a.key == b; }
    bool operator()(const std::string& a, const Hashed& b) const noexcept { return a == b.key; }
  };
  struct alignas(64) Stripe {
    std::mutex mutex;
    std::unordered_map<std::string, std::string, Hash, Equal> map;
    std::deque<const std::string*> by_age;
  };

  void evict_oldest(Stripe& stripe, const std::string& placed) {
    stripe.by_age.push_back(&placed);
    if (stripe.map.size() <= most_per_stripe_) return;
    const std::string* oldest = stripe.by_age.front();
    stripe.by_age.pop_front();
    stripe.map.erase(stripe.map.find(*oldest));
  }

  std::size_t most_per_stripe_;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace carafe::bench
