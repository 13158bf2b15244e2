// SPDX-License-Identifier: MIT
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "carafe/carafe.h"
#include "fuzz/bytes.h"
#include "fuzz/require.h"
#include "support/scratch.h"

/// The input as a list of operations on a cache of 1 MiB, beside a map that says what each may answer; time moves only when told.
///
/// A hit is exactly the map's value, and what the map has not the cache has not. What the cache alone has lost it must have evicted: never
/// more than it counts, and nothing at all while everything ever stored would have had a page of its own.
namespace carafe::fuzz {
namespace {

using std::chrono::milliseconds;

std::atomic<std::uint64_t> clock_ms{0};
std::uint64_t read_clock() noexcept { return clock_ms.load(std::memory_order_relaxed); }

constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr std::size_t kCapacityBytes = test::kMiB;
constexpr std::size_t kLargest = kCapacityBytes / 4;
constexpr std::size_t kMostOperations = 500;

struct Item {
  std::string value;
  std::uint64_t expiry_ms = kNever;
  std::optional<std::uint64_t> version;  // once the cache told it
  bool tagged = false;
};

/// When something with this time to live ends; nothing when it has ended already.
std::optional<std::uint64_t> expiry_of(milliseconds ttl) {
  if (ttl == kForever) return kNever;
  if (ttl.count() <= 0) return std::nullopt;
  return clock_ms + static_cast<std::uint64_t>(ttl.count());  // neither is near the end of 64 bits
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.size() > 20 || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

class ModelRun {
 public:
  explicit ModelRun(Bytes in) : in_(in), cache_(Cache::create_anonymous(options())) {}

  void run() {
    for (std::size_t i = 0; i < kMostOperations && !in_.empty(); ++i) {
      step();
      if (i % 32 == 31) check_counts();
    }
    compare_all();
    check_counts();
    const VerifyReport report = cache_.verify();
    require(report.ok, "verify: " + (report.ok ? std::string() : report.problems[0]));
  }

 private:
  static Options options() {
    Options options = test::with_capacity(kCapacityBytes);
    options.max_workers = 4;
    return options;
  }

  // --- choosing

  std::string key() {
    const std::uint8_t which = in_.byte();
    if (which == 255) return {};
    if (which == 254) return std::string(4097, 'k');
    const std::size_t number = which % 24;
    constexpr std::size_t kBytes[] = {1, 2, 8, 17, 100, 1000, 4095, 4096};
    std::string key(kBytes[number % 8], static_cast<char>('a' + number));
    return key;
  }
  std::string value() {
    if (in_.below(3) == 0) return std::string(in_.text(in_.below(24)));
    constexpr std::size_t kMost[] = {40, 200, 1000, 5000, 9000, 20'000, 100'000, kLargest + 2};
    std::string value(in_.below(in_.pick(kMost)), static_cast<char>(in_.byte()));
    if (in_.below(64) == 0) value.resize(kLargest + in_.below(2));
    for (std::size_t i = 0; i < value.size(); i += 509) value[i] = static_cast<char>(i * 31 >> 3);
    return value;
  }
  milliseconds ttl() {
    switch (in_.below(8)) {
      case 0:
        return milliseconds(in_.byte());
      case 1:
        return milliseconds(in_.number<std::uint16_t>());
      case 2:
        return milliseconds(-static_cast<std::int64_t>(in_.byte()));
      case 3:
        return milliseconds::min();
      case 4:
        return kForever - milliseconds(1);
      default:
        return kForever;
    }
  }

  // --- the map

  [[nodiscard]] Item* live(const std::string& key) {
    const auto found = model_.find(key);
    if (found == model_.end()) return nullptr;
    if (found->second.expiry_ms > clock_ms) return &found->second;
    model_.erase(found);
    return nullptr;
  }
  /// The cache has not what the map has.
  void lose(const std::string& key) {
    require(budget_ > kRoomy, "what has room is not lost");
    model_.erase(key);
    ++lost_;
  }
  void spend(std::size_t bytes) { budget_ += 8192 + bytes; }
  void keep(const std::string& key, std::string value, milliseconds ttl) {
    if (const auto expiry = expiry_of(ttl)) {
      model_[key] = {std::move(value), *expiry, std::nullopt, false};
    } else {
      model_.erase(key);
    }
  }
  static bool is_valid(const std::string& key) { return !key.empty() && key.size() <= 4096; }

  // --- the verbs

  void step() {
    const std::size_t what = in_.below(24);
    const std::string key = this->key();
    switch (what) {
      case 0:
      case 1:
        return get(key);
      case 2:
        return get_versioned(key);
      case 3:
      case 4:
      case 5:
      case 6:
        return set(key);
      case 7:
        return add(key);
      case 8:
        return replace(key);
      case 9:
        return compare_and_set(key);
      case 10:
      case 11:
        return increment(key);
      case 12:
        return touch(key);
      case 13:
        return erase(key);
      case 14:
        return look(key);
      case 15:
        return many();
      case 16:
        return compare_all();
      case 17:
        if (in_.below(4) == 0) clear();
        return;
      case 18:
        clock_ms += std::uint64_t{1} << in_.below(20);
        return;
      case 19:
        return set_tagged(key);
      case 20:
        return invalidate_tag();
      case 21:
        return erase_prefix(key);
      case 22:
        return load(key);
      default:
        return fill();
    }
  }

  void check_hit(const std::string& key, const std::string& value) {
    const Item* item = live(key);
    require(item != nullptr, "a hit that the map has not");
    require(item->value == value, "a hit with another value");
  }
  void get(const std::string& key) {
    std::string value = "before";
    const Status status = cache_.get(key, value);
    if (!is_valid(key)) return require(status == Status::kBadKey, "get of a bad key");
    require(status == Status::kOk || (status == Status::kNotFound && value.empty()), "get's status");
    if (status == Status::kOk) return check_hit(key, value);
    if (live(key) != nullptr) lose(key);
  }
  void get_versioned(const std::string& key) {
    const auto found = cache_.get_versioned(key);
    if (!found) {
      if (live(key) != nullptr) lose(key);
      return;
    }
    check_hit(key, found->value);
    Item* item = live(key);
    require(!item->version || *item->version == found->version, "a version that changed with nothing else");
    item->version = found->version;
  }
  /// What set, add, replace and compare_and_set have in common, once their condition is met.
  void stored(Status status, const std::string& key, std::string value, milliseconds ttl) {
    const bool fits = value.size() <= kLargest;
    if (status == Status::kOk) {
      require(fits, "what is too large is not stored");
      return keep(key, std::move(value), ttl);
    }
    require(fits ? status == Status::kNoSpace && budget_ > kRoomy : status == Status::kTooLarge, "why a value is not stored");
    model_.erase(key);
  }
  void set(const std::string& key) {
    std::string value = this->value();
    const milliseconds ttl = this->ttl();
    spend(value.size());
    const Status status = cache_.set(key, value, ttl);
    if (!is_valid(key)) return require(status == Status::kBadKey, "set of a bad key");
    stored(status, key, std::move(value), ttl);
  }
  void add(const std::string& key) {
    std::string value = this->value();
    const milliseconds ttl = this->ttl();
    spend(value.size());
    const Status status = cache_.add(key, value, ttl);
    if (!is_valid(key)) return require(status == Status::kBadKey, "add of a bad key");
    if (status == Status::kExists) return require(live(key) != nullptr, "add: it exists");
    if (live(key) != nullptr) lose(key);
    stored(status, key, std::move(value), ttl);
  }
  void replace(const std::string& key) {
    std::string value = this->value();
    const milliseconds ttl = this->ttl();
    spend(value.size());
    const Status status = cache_.replace(key, value, ttl);
    if (!is_valid(key)) return require(status == Status::kBadKey, "replace of a bad key");
    if (status == Status::kNotFound) {
      if (live(key) != nullptr) lose(key);
      return;
    }
    require(live(key) != nullptr, "replace of what is not there");
    stored(status, key, std::move(value), ttl);
  }
  void compare_and_set(const std::string& key) {
    std::string value = this->value();
    const milliseconds ttl = this->ttl();
    spend(value.size());
    const Item* item = live(key);
    const bool knows = item != nullptr && item->version && in_.below(4) != 0;
    const std::uint64_t version = knows                              ? *item->version
                                  : item != nullptr && item->version ? *item->version + 1
                                                                     : in_.number<std::uint64_t>();
    const Status status = cache_.compare_and_set(key, version, value, ttl);
    if (!is_valid(key)) return require(status == Status::kBadKey, "compare_and_set of a bad key");
    if (status == Status::kNotFound) {
      if (live(key) != nullptr) lose(key);
      return;
    }
    require(item != nullptr, "compare_and_set of what is not there");
    if (status == Status::kVersionChanged) return require(!knows, "compare_and_set: the version that get_versioned told");
    require(knows || !item->version, "compare_and_set with another version");
    stored(status, key, std::move(value), ttl);
  }
  void increment(const std::string& key) {
    const auto delta = in_.below(2) == 0 ? std::int64_t{in_.byte()} - 100 : static_cast<std::int64_t>(in_.number<std::uint64_t>());
    const std::int64_t initial = std::int64_t{in_.byte()} - 128;
    const milliseconds ttl = this->ttl();
    spend(100);
    const Counter counter = cache_.increment(key, delta, initial, ttl);
    if (!is_valid(key)) return require(counter.status == Status::kBadKey, "increment of a bad key");
    if (counter.status == Status::kNoSpace) {
      require(budget_ > kRoomy, "why a counter is not stored");
      return;
    }
    Item* item = live(key);
    if (item != nullptr && increments(*item, delta, counter)) return;
    if (item != nullptr) lose(key);  // then it began anew
    std::int64_t sum = 0;
    if (__builtin_add_overflow(initial, delta, &sum)) return require(counter.status == Status::kNotANumber, "a counter that overflows");
    require(counter.status == Status::kOk && counter.value == sum, "a counter that begins");
    keep(key, std::to_string(sum), ttl);
  }
  static bool increments(Item& item, std::int64_t delta, const Counter& counter) {
    const auto before = number_of(item.value);
    std::int64_t sum = 0;
    if (!before || __builtin_add_overflow(*before, delta, &sum)) return counter.status == Status::kNotANumber;
    if (counter.status != Status::kOk || counter.value != sum) return false;
    item.value = std::to_string(sum);
    item.version.reset();
    return true;
  }
  void touch(const std::string& key) {
    const milliseconds ttl = this->ttl();
    Item* item = live(key);
    if (item != nullptr) spend(item->value.size());  // it may be copied
    const Status status = cache_.touch(key, ttl);
    if (!is_valid(key)) return require(status == Status::kBadKey, "touch of a bad key");
    if (status == Status::kNoSpace) return require(budget_ > kRoomy, "why an item is not touched");
    if (status == Status::kNotFound) {
      if (item != nullptr) lose(key);
      return;
    }
    require(status == Status::kOk && item != nullptr, "touch of what is not there");
    const auto expiry = expiry_of(ttl);
    if (!expiry) {
      model_.erase(key);
      return;
    }
    item->expiry_ms = *expiry;
    item->version.reset();
  }
  void erase(const std::string& key) { erased(key, cache_.erase(key)); }
  void erased(const std::string& key, Status status) {
    if (!is_valid(key)) return require(status == Status::kBadKey, "erase of a bad key");
    require(status == Status::kOk || status == Status::kNotFound, "erase's status");
    const bool had = live(key) != nullptr;
    require(had || status == Status::kNotFound, "erase of what is not there");
    if (had && status == Status::kNotFound) lose(key);
    model_.erase(key);
  }
  void look(const std::string& key) {
    const bool has = cache_.contains(key);
    const auto left = cache_.remaining_ttl(key);
    const Item* item = live(key);
    require(has == left.has_value() && (!has || item != nullptr), "contains and remaining_ttl");
    if (!has && item != nullptr) return lose(key);
    if (!has) return;
    require(item->expiry_ms == kNever ? *left == kForever : static_cast<std::uint64_t>(left->count()) == item->expiry_ms - clock_ms,
            "remaining_ttl");
  }
  void many() {
    std::vector<std::string> keys;
    for (std::size_t i = 0, count = in_.below(8); i < count; ++i) keys.push_back(key());
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    if (in_.below(4) == 0) {
      const auto answers = cache_.erase_many(views);
      for (std::size_t i = 0; i < keys.size(); ++i) erased(keys[i], answers[i]);
      return;
    }
    if (in_.below(2) == 0) {
      const std::string value = this->value();
      const milliseconds ttl = this->ttl();
      std::vector<KeyValue> items;
      for (const auto& view : views) items.push_back({view, value});
      for (std::size_t i = 0; i < keys.size(); ++i) spend(value.size());
      const auto answers = cache_.set_many(items, ttl);
      for (std::size_t i = 0; i < keys.size(); ++i)
        if (is_valid(keys[i])) stored(answers[i], keys[i], value, ttl);
      return;
    }
    const auto values = cache_.get_many(views);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (values[i]) {
        check_hit(keys[i], *values[i]);
      } else if (live(keys[i]) != nullptr) {
        lose(keys[i]);
      }
    }
  }
  void fill() {
    const std::size_t count = in_.byte();
    const std::string value(in_.below(4000), 'f');
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = "fill-" + std::to_string(i);
      spend(value.size());
      stored(cache_.set(key, value), key, value, kForever);
    }
  }
  void set_tagged(const std::string& key) {
    std::string value = this->value();
    const milliseconds ttl = this->ttl();
    spend(value.size());
    const Status status = cache_.set(key, value, {.ttl = ttl, .tags = {"tag", "another"}});
    if (!is_valid(key)) return require(status == Status::kBadKey, "set of a bad key");
    stored(status, key, std::move(value), ttl);
    if (Item* item = live(key)) item->tagged = true;
  }
  void invalidate_tag() {
    require(cache_.invalidate_tag("tag") == Status::kOk, "invalidate_tag");
    std::erase_if(model_, [](const auto& each) { return each.second.tagged; });
  }
  void erase_prefix(const std::string& key) {
    const std::string prefix = key.substr(0, in_.below(6));
    std::uint64_t there = 0;
    for (const auto& [each, item] : model_) there += each.starts_with(prefix) && item.expiry_ms > clock_ms ? 1 : 0;
    const std::uint64_t erased = cache_.erase_prefix(prefix);
    require(erased <= there && (erased == there || budget_ > kRoomy), "how many erase_prefix says it erased");
    lost_ += there - erased;
    std::erase_if(model_, [&](const auto& each) { return each.first.starts_with(prefix); });
  }
  void load(const std::string& key) {
    std::string value = this->value();
    const milliseconds ttl = this->ttl();
    spend(value.size());
    bool computed = false;
    const std::string loaded = cache_.get_or_load(key,
                                                  [&] {
                                                    computed = true;
                                                    return value;
                                                  },
                                                  {.ttl = ttl});
    if (!computed) return check_hit(key, loaded);
    require(loaded == value, "what was loaded");
    if (!is_valid(key)) return;
    if (live(key) != nullptr) lose(key);
    model_.erase(key);
    // Whether it was stored depends on room for the lease, and for it.
    std::string stored;
    if (cache_.get(key, stored) == Status::kOk) {
      require(stored == value && value.size() <= kLargest, "what a load stored");
      keep(key, std::move(value), ttl);
    } else {
      require(!expiry_of(ttl) || value.size() > kLargest || budget_ > kRoomy, "why a loaded value is not stored");
    }
  }
  void clear() {
    cache_.clear();
    model_.clear();
  }
  void compare_all() {
    std::set<std::string> seen;
    cache_.for_each([&](std::string_view key, std::string_view value) {
      require(seen.emplace(key).second, "for_each hands out a key once");
      check_hit(std::string(key), std::string(value));
    });
    std::vector<std::string> absent;
    for (const auto& [key, item] : model_)
      if (item.expiry_ms > clock_ms && !seen.contains(key)) absent.push_back(key);
    for (const std::string& key : absent) lose(key);
  }
  void check_counts() {
    const Stats stats = cache_.stats();
    require(stats.gets == stats.hits + stats.misses, "gets are hits and misses");
    require(lost_ <= stats.evictions, "no more is lost than was evicted");
    require(stats.corruptions == 0 && stats.busy == 0, "nothing is corrupt or busy");
    std::uint64_t alive = 0;
    for (const auto& [key, item] : model_) alive += item.expiry_ms > clock_ms ? 1 : 0;
    require(stats.items + stats.evictions >= alive + lost_, "items are counted");
  }

  static constexpr std::uint64_t kRoomy = 700'000;

  Bytes in_;
  Cache cache_;
  std::map<std::string, Item> model_;
  std::uint64_t lost_ = 0;
  std::uint64_t budget_ = 0;  // what all that was ever stored would take with a page each
};

}  // namespace
}  // namespace carafe::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace carafe;
  fuzz::clock_ms = 1'000'000'000;
  override_time_for_tests(&fuzz::read_clock);
  fuzz::ModelRun(fuzz::Bytes(data, size)).run();
  return 0;
}
