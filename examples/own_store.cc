// SPDX-License-Identifier: MIT
// A backend of your own: whatever has these verbs is a carafe::Store, and memoize and AnyStore take it. This one is a map behind a mutex that
// forgets nothing; yours may talk to a server elsewhere.
#include <carafe/carafe.h>

#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

class MapStore {
 public:
  std::optional<std::string> get(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto found = items_.find(key);
    return found == items_.end() || found->second.end <= Clock::now() ? std::nullopt : std::optional(found->second.value);
  }
  bool contains(std::string_view key) { return get(key).has_value(); }
  carafe::Status set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = carafe::kForever) {
    const auto end = ttl == carafe::kForever ? Clock::time_point::max() : Clock::now() + ttl;
    const std::lock_guard lock(mutex_);
    items_.insert_or_assign(std::string(key), Item{std::string(value), end});
    return carafe::Status::kOk;
  }
  carafe::Status set(std::string_view key, std::string_view value, const carafe::SetOptions& options) {
    return set(key, value, options.ttl);
  }
  carafe::Status erase(std::string_view key) {
    const std::lock_guard lock(mutex_);
    return items_.erase(std::string(key)) != 0 ? carafe::Status::kOk : carafe::Status::kNotFound;
  }
  std::uint64_t erase_prefix(std::string_view prefix) {
    const std::lock_guard lock(mutex_);
    return std::erase_if(items_, [prefix](const auto& item) { return item.first.starts_with(prefix); });
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    items_.clear();
  }
  /// The least that will do. What it lacks: one loader at a time, and erase keeping out what is being loaded (carafe/store.h has the rules).
  template <typename Loader>
  std::string get_or_load(std::string_view key, Loader&& loader, const carafe::LoadOptions& options = {}) {
    if (std::optional<std::string> value = get(key)) return *std::move(value);
    std::string value = loader();
    if (!options.cache_if || options.cache_if(value)) static_cast<void>(set(key, value, options.ttl));
    return value;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Item {
    std::string value;
    Clock::time_point end;
  };
  std::mutex mutex_;
  std::map<std::string, Item, std::less<>> items_;
};
static_assert(carafe::Store<MapStore>);

int main() {
  using namespace std::chrono_literals;
  MapStore store;
  int queries = 0;
  const auto price_of = carafe::memoize(store, "price_of", [&](int id) { return ++queries, id * 1.5; }, {.ttl = 5min});
  const double paid = price_of(42) + price_of(42);  // the second one is found
  price_of.invalidate(42);
  std::cout << paid + price_of(42) << " paid, " << queries << " queries\n";
  return queries == 2 ? 0 : 1;
}
