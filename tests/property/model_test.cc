// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "carafe/carafe.h"
#include "support/capacity.h"
#include "support/fake_clock.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/values.h"

/// Random operations on a cache, beside a plain map that says what each may answer.
///
/// The model knows every item that could be there: a hit has to be exactly the model's value, and absent is absent. What the model
/// has and the cache has not must have been evicted, so at no time may there have been more such losses than the cache says that it
/// evicted; and in a roomy cache, at most a tenth full, there may be none at all.
///
/// CARAFE_PROPERTY_OPS   operations in all (default 2 million)
/// CARAFE_PROPERTY_SEED  repeats the choices of a run; the segment's own hash seed differs each time
namespace carafe::test {
namespace {

using std::chrono::milliseconds;

std::uint64_t run_seed() {
  static const std::uint64_t seed = [] {
    const std::uint64_t chosen = number_from_environment("CARAFE_PROPERTY_SEED", std::random_device{}());
    std::printf("CARAFE_PROPERTY_SEED=%llu\n", static_cast<unsigned long long>(chosen));
    std::fflush(stdout);
    return chosen;
  }();
  return seed;
}

struct Case {
  const char* name;
  std::size_t capacity_bytes;
  std::uint64_t share;  // of the operations, in percent
  bool roomy;           // at most a tenth full: no miss is excused
  bool two_handles;     // operations alternate between two mappings
};

/// Which sizes and how many keys are used for a while.
struct Regime {
  std::size_t low;
  std::size_t high;
  bool small_likelier;
  std::uint64_t keys;
};

/// An item that the cache may have. Its value is value_for(key, sequence, bytes), or `number` as text.
struct Item {
  std::uint64_t sequence = 0;
  std::size_t bytes = 0;
  std::optional<std::int64_t> number;
  std::optional<std::int64_t> expiry_ms;  // on the fake clock
  std::optional<std::uint64_t> version;   // once get_versioned told it
};

class ModelRun {
 public:
  ModelRun(const Case& which, std::uint64_t seed)
      : case_(which), random_(seed), name_(which.name), one_(Cache::create(name_, with_capacity(which.capacity_bytes))) {
    if (which.two_handles) two_.emplace(Cache::open(name_));
    largest_ = which.capacity_bytes / 4;
  }

  void run(std::uint64_t operations) {
    for (std::uint64_t done = 0; done < operations && !::testing::Test::HasFailure(); ++done) {
      if (regime_left_-- == 0) choose_regime();
      step();
      if (::testing::Test::HasFailure()) std::printf("failed at operation %llu of %s\n", static_cast<unsigned long long>(done), case_.name);
    }
    if (!::testing::Test::HasFailure()) check_at_the_end();
  }

 private:
  Cache& cache() { return two_ && random_.one_in(2) ? *two_ : one_; }
  std::int64_t now() const { return clock_.elapsed().count(); }

  // --- choosing

  void choose_regime() {
    const std::size_t most = case_.roomy ? case_.capacity_bytes / 2000 : largest_;
    const std::size_t budget = case_.capacity_bytes;
    switch (random_.below(8)) {
      case 0:
        regime_ = {0, 16, false, 2'000};
        break;
      case 1:
        regime_ = {0, 200, false, 5'000};
        break;
      case 2:
        regime_ = {100, 100, false, 20'000};
        break;
      case 3:
        regime_ = {0, 4'000, true, 3'000};
        break;
      case 4:
        regime_ = {0, most, true, 1'000};
        break;
      case 5:
        regime_ = {most / 16, most / 4, false, 60};
        break;
      case 6:
        regime_ = {most / 2, most, false, 12};
        break;
      default:
        regime_ = {random_.below(3'000), 3'000, false, 2'000};
    }
    if (case_.roomy) {  // keys of all regimes together stay within a tenth
      const std::size_t mean = (regime_.low + regime_.high) / 2 + 150;
      regime_.keys = std::max<std::uint64_t>(4, std::min<std::uint64_t>(regime_.keys, budget / 10 / mean));
      erase_everything();
    }
    regime_.high = std::min(regime_.high, most);
    regime_.low = std::min(regime_.low, regime_.high);
    // Enough to turn the whole cache over several times, and not so much that copying large values takes all the time.
    const std::uint64_t mean = 100 + (regime_.small_likelier ? regime_.high / 16 : (regime_.low + regime_.high) / 2);
    regime_left_ = std::clamp<std::uint64_t>(40 * case_.capacity_bytes / mean, 300, 20'000);
  }

  std::string choose_key() {
    // Neighbouring regimes share their low keys, so that values of one size replace those of another.
    const std::uint64_t number = random_.below(regime_.keys);
    return numbered_key("k", number, number % 97 == 0 ? 7 + number % 1000 : 0);
  }
  std::size_t choose_bytes() {
    if (regime_.low == regime_.high) return regime_.low;
    const std::size_t span = regime_.high - regime_.low;
    return regime_.low + (regime_.small_likelier ? random_.log_uniform(span) : random_.below(span + 1));
  }
  milliseconds choose_ttl() {
    switch (random_.below(12)) {
      case 0:
        return milliseconds(random_.between(1, 50));
      case 1:
        return milliseconds(random_.between(1, 5'000));
      case 2:
        return std::chrono::hours(1);
      case 3:
        return random_.one_in(8) ? milliseconds(-static_cast<std::int64_t>(random_.below(3))) : kForever;
      default:
        return kForever;
    }
  }

  // --- the model

  /// What the key holds now, if anything: expired items are dropped as they are met.
  Item* find(const std::string& key) {
    const auto found = model_.find(key);
    if (found == model_.end()) return nullptr;
    if (found->second.expiry_ms && *found->second.expiry_ms <= now()) {
      model_.erase(found);
      return nullptr;
    }
    return &found->second;
  }
  void store(const std::string& key, Item item, milliseconds ttl) {
    if (ttl <= milliseconds(0)) {
      model_.erase(key);
      return;
    }
    if (ttl != kForever) item.expiry_ms = now() + ttl.count();
    model_[key] = std::move(item);
  }
  std::string_view expected_value(const std::string& key, const Item& item) {
    if (item.number) {
      expected_ = std::to_string(*item.number);
    } else {
      make_value(expected_, key, item.sequence, item.bytes);
    }
    return expected_;
  }
  /// The model has it, the cache has not: excused by an eviction that nobody else was excused by.
  void lose(const std::string& key, const char* verb) {
    model_.erase(key);
    ++losses_;
    EXPECT_FALSE(case_.roomy) << verb << " misses " << key << " in a cache that is at most a tenth full";
    if (losses_ > evictions_) evictions_ = one_.stats().evictions;
    EXPECT_LE(losses_, evictions_) << verb << " misses " << key << ", but nothing was evicted";
  }
  void expect_status(Status got, Status expected, const char* verb, const std::string& key) {
    EXPECT_EQ(got, expected) << verb << ' ' << key << ": " << to_string(got) << " instead of " << to_string(expected);
  }

  // --- the operations

  void step() {
    const std::uint64_t choice = random_.below(1000);
    if (choice < 330) return get();
    if (choice < 640) return set();
    if (choice < 680) return add();
    if (choice < 720) return replace();
    if (choice < 780) return increment();
    if (choice < 830) return compare_and_set();
    if (choice < 890) return erase();
    if (choice < 920) return touch();
    if (choice < 940) return remaining_ttl();
    if (choice < 960) return contains();
    if (choice < 970) return get_many();
    if (choice < 980) return set_many();
    if (choice < 984) return erase_many();
    if (choice < 986) return bad_input();
    if (choice < 998) return clock_.advance(milliseconds(random_.log_uniform(200)));
    if (random_.one_in(20)) return walk();
    if (random_.one_in(40)) return clear();
    if (random_.one_in(4)) return count();
  }

  void check_get(const std::string& key, const std::optional<std::string>& got, const char* verb) {
    const Item* item = find(key);
    if (item == nullptr) {
      EXPECT_FALSE(got.has_value()) << verb << ' ' << key << ": a value of " << got->size() << " bytes where nothing can be";
    } else if (got.has_value()) {
      EXPECT_TRUE(*got == expected_value(key, *item)) << verb << ' ' << key << ": wrong value of " << got->size() << " bytes";
    } else {
      lose(key, verb);
    }
  }

  void get() {
    const std::string key = choose_key();
    if (random_.one_in(2)) return check_get(key, cache().get(key), "get");
    const Status status = cache().get(key, reused_);
    if (status == Status::kOk) return check_get(key, reused_, "get into a string");
    expect_status(status, Status::kNotFound, "get into a string", key);
    EXPECT_TRUE(reused_.empty());
    check_get(key, std::nullopt, "get into a string");
  }

  void set() {
    const std::string key = choose_key();
    const milliseconds ttl = choose_ttl();
    Item item{++sequence_, choose_bytes(), {}, {}, {}};
    make_value(value_, key, item.sequence, item.bytes);
    Cache& writer = cache();
    const Status status = random_.one_in(2) ? writer.set(key, value_, ttl) : writer.set(key, value_, SetOptions{.ttl = ttl});
    expect_status(status, Status::kOk, "set", key);
    store(key, std::move(item), ttl);
    if (ttl > milliseconds(0) && random_.one_in(4)) {
      EXPECT_TRUE(cache().get(key) == value_) << "a get right after the set of " << key << ", " << value_.size() << " bytes";
    }
  }

  void add() {
    const std::string key = choose_key();
    const milliseconds ttl = choose_ttl();
    Item item{++sequence_, choose_bytes(), {}, {}, {}};
    make_value(value_, key, item.sequence, item.bytes);
    const Status status = cache().add(key, value_, ttl);
    const bool there = find(key) != nullptr;
    if (there && status == Status::kOk) lose(key, "add");
    if (there && status != Status::kOk) return expect_status(status, Status::kExists, "add", key);
    expect_status(status, Status::kOk, "add", key);
    store(key, std::move(item), ttl);
  }

  void replace() {
    const std::string key = choose_key();
    const milliseconds ttl = choose_ttl();
    Item item{++sequence_, choose_bytes(), {}, {}, {}};
    make_value(value_, key, item.sequence, item.bytes);
    const Status status = cache().replace(key, value_, ttl);
    if (find(key) == nullptr) return expect_status(status, Status::kNotFound, "replace", key);
    if (status == Status::kNotFound) return lose(key, "replace");
    expect_status(status, Status::kOk, "replace", key);
    store(key, std::move(item), ttl);
  }

  void increment() {
    const std::string key = random_.one_in(8) ? choose_key() : numbered_key("count", random_.below(30));
    const auto delta = static_cast<std::int64_t>(random_.log_uniform(1'000'000'000)) - 1000;
    const auto initial = static_cast<std::int64_t>(random_.below(100));
    if (const Item* before = find(key); before != nullptr && !before->number && before->bytes != 0 && before->bytes < kCertifiedBytes &&
                                        expected_value(key, *before).find_first_not_of("+-0123456789 ") == std::string_view::npos)
      return;  // random bytes that may happen to be a number
    const milliseconds ttl = choose_ttl();
    const Counter counter = cache().increment(key, delta, initial, ttl);
    Item* item = find(key);
    if (item != nullptr && !item->number && counter.status != Status::kOk) {
      if (counter.status == Status::kNotANumber) return;
    } else if (item != nullptr && item->number && counter.status == Status::kOk && counter.value == *item->number + delta) {
      item->number = counter.value;
      item->version.reset();
      return;
    }
    if (item != nullptr) lose(key, "increment");
    expect_status(counter.status, Status::kOk, "increment", key);
    EXPECT_EQ(counter.value, initial + delta) << key;
    store(key, Item{++sequence_, 0, counter.value, {}, {}}, ttl);
  }

  void compare_and_set() {
    const std::string key = choose_key();
    if (random_.one_in(2)) {  // learn a version, now or for later
      const auto seen = cache().get_versioned(key);
      check_get(key, seen ? std::optional(seen->value) : std::nullopt, "get_versioned");
      Item* item = find(key);
      if (!seen || item == nullptr) return;
      if (item->version) {
        EXPECT_EQ(seen->version, *item->version) << key << ": the version changed without a write";
      }
      item->version = seen->version;
      if (random_.one_in(8)) old_versions_[key] = seen->version;
      if (random_.one_in(2)) return;  // and use it later
    }
    Item* item = find(key);
    std::uint64_t version = random_.next();
    bool current = false;
    if (item != nullptr && item->version && !random_.one_in(4)) {
      version = *item->version;
      current = true;
    } else if (const auto old = old_versions_.find(key); old != old_versions_.end()) {
      version = old->second;
      current = item != nullptr && item->version == version;
      if (item != nullptr && !item->version) return;  // it may be this very version: we do not know
    }
    const milliseconds ttl = choose_ttl();
    Item next{++sequence_, choose_bytes(), {}, {}, {}};
    make_value(value_, key, next.sequence, next.bytes);
    const Status status = cache().compare_and_set(key, version, value_, ttl);
    if (item == nullptr) return expect_status(status, Status::kNotFound, "compare_and_set", key);
    if (status == Status::kNotFound) return lose(key, "compare_and_set");
    if (!current) return expect_status(status, Status::kVersionChanged, "compare_and_set with an old version", key);
    expect_status(status, Status::kOk, "compare_and_set", key);
    store(key, std::move(next), ttl);
  }

  void check_erase(const std::string& key, Status status, const char* verb) {
    const bool there = find(key) != nullptr;
    if (there && status == Status::kNotFound) return lose(key, verb);
    expect_status(status, there ? Status::kOk : Status::kNotFound, verb, key);
    model_.erase(key);
  }
  void erase() {
    const std::string key = choose_key();
    check_erase(key, cache().erase(key), "erase");
  }

  void touch() {
    const std::string key = choose_key();
    const milliseconds ttl = choose_ttl();
    const Status status = cache().touch(key, ttl);
    Item* item = find(key);
    if (item == nullptr) return expect_status(status, Status::kNotFound, "touch", key);
    if (status == Status::kNotFound) return lose(key, "touch");
    expect_status(status, Status::kOk, "touch", key);
    if (ttl <= milliseconds(0)) {
      model_.erase(key);
    } else if (ttl == kForever) {
      item->expiry_ms.reset();
    } else {
      item->expiry_ms = now() + ttl.count();
    }
    if (Item* touched = find(key)) touched->version.reset();  // whether touch makes a new version is not promised
    old_versions_.erase(key);
  }

  void remaining_ttl() {
    const std::string key = choose_key();
    const auto left = cache().remaining_ttl(key);
    const Item* item = find(key);
    if (item == nullptr) {
      EXPECT_EQ(left, std::nullopt) << key;
    } else if (!left) {
      lose(key, "remaining_ttl");
    } else {
      EXPECT_EQ(*left, item->expiry_ms ? milliseconds(*item->expiry_ms - now()) : kForever) << key;
    }
  }

  void contains() {
    const std::string key = choose_key();
    const bool there = cache().contains(key);
    if (find(key) == nullptr) {
      EXPECT_FALSE(there) << key;
    } else if (!there) {
      lose(key, "contains");
    }
  }

  void choose_batch() {
    keys_.clear();
    views_.clear();
    const std::size_t count = random_.below(20);
    for (std::size_t i = 0; i < count; ++i) keys_.push_back(choose_key());
    for (const std::string& key : keys_) views_.emplace_back(key);
  }

  void get_many() {
    choose_batch();
    const auto got = cache().get_many(views_);
    ASSERT_EQ(got.size(), keys_.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (find(keys_[i]) == nullptr && !got[i]) continue;
      check_get(keys_[i], got[i], "get_many");
    }
  }

  void set_many() {
    choose_batch();
    const milliseconds ttl = choose_ttl();
    std::vector<Item> items;
    values_.resize(keys_.size());
    pairs_.clear();
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      items.push_back({++sequence_, choose_bytes(), {}, {}, {}});
      make_value(values_[i], keys_[i], items[i].sequence, items[i].bytes);
      pairs_.push_back({keys_[i], values_[i]});
    }
    const auto statuses = cache().set_many(pairs_, ttl);
    ASSERT_EQ(statuses.size(), keys_.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      expect_status(statuses[i], Status::kOk, "set_many", keys_[i]);
      store(keys_[i], std::move(items[i]), ttl);
    }
  }

  void erase_many() {
    choose_batch();
    const auto statuses = cache().erase_many(views_);
    ASSERT_EQ(statuses.size(), keys_.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) check_erase(keys_[i], statuses[i], "erase_many");
  }

  void bad_input() {
    const std::string bad = random_.one_in(2) ? std::string() : std::string(4097 + random_.below(100), 'k');
    expect_status(cache().set(bad, "value"), Status::kBadKey, "set", bad);
    EXPECT_EQ(cache().get(bad), std::nullopt);
    const std::string key = choose_key();
    expect_status(cache().set(key, std::string(largest_ + 1 + random_.below(1000), 'x')), Status::kTooLarge, "set", key);
    model_.erase(key);
    EXPECT_EQ(cache().get(key), std::nullopt) << "after a set that was too large";
  }

  void clear() {
    cache().clear();
    model_.clear();
  }

  void walk() {
    std::unordered_map<std::string, int> seen;
    cache().for_each([&](std::string_view key_view, std::string_view value) {
      const std::string key(key_view);
      EXPECT_EQ(++seen[key], 1) << key << " was visited twice";
      const Item* item = find(key);
      if (item == nullptr) {
        ADD_FAILURE() << "for_each visits " << key << ", which cannot be there";
      } else {
        EXPECT_TRUE(value == expected_value(key, *item)) << "for_each " << key << ": wrong value";
      }
    });
    std::vector<std::string> missing;
    for (const auto& [key, item] : model_) {
      if (seen.count(key) == 0) missing.push_back(key);
    }
    for (const std::string& key : missing) {
      if (find(key) != nullptr) lose(key, "for_each");
    }
  }

  void count() {
    const Stats stats = cache().stats();
    EXPECT_EQ(stats.gets, stats.hits + stats.misses);
    EXPECT_EQ(stats.no_space, 0U);
    EXPECT_EQ(stats.busy, 0U);
    EXPECT_EQ(stats.corruptions, 0U);
    if (case_.roomy) {
      EXPECT_EQ(stats.evictions, 0U);
    }
  }

  void erase_everything() {
    for (const auto& [key, item] : model_) {
      const Status status = one_.erase(key);
      const bool expired = item.expiry_ms && *item.expiry_ms <= now();
      EXPECT_EQ(status, expired ? Status::kNotFound : Status::kOk) << key;
    }
    model_.clear();
  }

  void check_at_the_end() {
    walk();
    count();
    const VerifyReport report = one_.verify();
    EXPECT_TRUE(report.ok) << (report.problems.empty() ? "" : report.problems.front());
    EXPECT_EQ(one_.stats().no_space, 0U);
    for (const std::size_t bytes : {std::size_t{100}, std::size_t{1'000}, case_.capacity_bytes / 40}) {
      EXPECT_HOLDS_98_PERCENT_OF_FRESH(one_, 17U, bytes);
    }
  }

  const Case& case_;
  Random random_;
  FakeClock clock_;
  ScratchName name_;
  Cache one_;
  std::optional<Cache> two_;
  std::size_t largest_ = 0;
  Regime regime_{};
  std::uint64_t regime_left_ = 0;  // operations

  std::unordered_map<std::string, Item> model_;
  std::unordered_map<std::string, std::uint64_t> old_versions_;
  std::uint64_t sequence_ = 0;
  std::uint64_t losses_ = 0;     // items found missing that no verb of ours removed
  std::uint64_t evictions_ = 0;  // of the cache, when last asked

  std::string value_;
  std::string expected_;
  std::string reused_;
  std::vector<std::string> keys_;
  std::vector<std::string> values_;
  std::vector<std::string_view> views_;
  std::vector<KeyValue> pairs_;
};

class ModelTest : public ::testing::TestWithParam<Case> {};

TEST_P(ModelTest, NoAnswerContradictsAPlainMap) {
  const std::uint64_t operations = number_from_environment("CARAFE_PROPERTY_OPS", 2'000'000) * GetParam().share / 100;
  ModelRun run(GetParam(), run_seed() + GetParam().capacity_bytes + (GetParam().roomy ? 1 : 0));
  run.run(operations);
}

INSTANTIATE_TEST_SUITE_P(Caches, ModelTest,
                         ::testing::Values(Case{"Tight1MiB", kMiB, 35, false, true}, Case{"Tight2MiB", 2 * kMiB, 15, false, false},
                                           Case{"Tight8MiB", 8 * kMiB, 15, false, true}, Case{"Roomy8MiB", 8 * kMiB, 15, true, false},
                                           Case{"Roomy64MiB", 64 * kMiB, 20, true, true}),
                         [](const auto& which) { return std::string(which.param.name); });

}  // namespace
}  // namespace carafe::test
