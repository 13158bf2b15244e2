// SPDX-License-Identifier: MIT
// The rules of carafe/store.h, for every Store there is: who changes from one to another finds the same answers.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "carafe/carafe.h"
#include "support/fake_clock.h"
#include "support/scratch.h"
#include "support/scratch_directory.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

static_assert(Store<Cache> && Store<MemoryStore> && Store<FileStore>);
static_assert(Store<AnyStore> && Store<Namespace>);
static_assert(LoadsOptional<Cache> && LoadsOptional<MemoryStore> && LoadsOptional<FileStore> && LoadsOptional<AnyStore> &&
              LoadsOptional<Namespace>);

template <typename S>
struct Made;

template <>
struct Made<Cache> {
  Cache store = Cache::create_anonymous(with_capacity(kMiB));
};

template <>
struct Made<MemoryStore> {
  MemoryStore store{kMiB};
};

template <>
struct Made<AnyStore> {
  AnyStore store{Cache::create_anonymous(with_capacity(kMiB))};
};

template <>
struct Made<FileStore> {
  ScratchDirectory directory;
  FileStore store = FileStore::open(directory.path());
};

template <typename S>
class RulesTest : public ::testing::Test {
 protected:
  [[nodiscard]] S& store() { return made_.store; }
  /// A loader that is counted.
  [[nodiscard]] std::function<std::string()> answering(std::string value) {
    return [this, value = std::move(value)] {
      ++computed_;
      return value;
    };
  }
  /// Eight threads ask for "key" together, and one computes it.
  void load_at_once() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([this] {
        EXPECT_EQ(store().get_or_load("key",
                                      [this] {
                                        ++computed_;
                                        std::this_thread::sleep_for(50ms);
                                        return std::string("value");
                                      }),
                  "value");
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(computed_, 1);
  }

  Made<S> made_;
  std::atomic<int> computed_{0};
};

struct NameOfStore {
  template <typename S>
  static std::string GetName(int) {
    if constexpr (std::same_as<S, Cache>) return "Cache";
    if constexpr (std::same_as<S, MemoryStore>) return "MemoryStore";
    if constexpr (std::same_as<S, FileStore>) return "FileStore";
    if constexpr (std::same_as<S, AnyStore>) return "AnyStore";
  }
};

using Stores = ::testing::Types<Cache, MemoryStore, FileStore, AnyStore>;
TYPED_TEST_SUITE(RulesTest, Stores, NameOfStore);

TYPED_TEST(RulesTest, WhatIsSetIsThereUntilItIsErased) {
  auto& store = this->store();
  EXPECT_FALSE(store.get("key"));
  EXPECT_FALSE(store.contains("key"));
  EXPECT_EQ(store.set("key", "one"), Status::kOk);
  EXPECT_EQ(store.set("key", "two"), Status::kOk);
  EXPECT_EQ(store.get("key"), "two");
  EXPECT_TRUE(store.contains("key"));
  EXPECT_FALSE(store.get("ke"));
  EXPECT_FALSE(store.get("key2"));
  EXPECT_EQ(store.erase("key"), Status::kOk);
  EXPECT_EQ(store.erase("key"), Status::kNotFound);
  EXPECT_FALSE(store.get("key"));
}

TYPED_TEST(RulesTest, EmptyZeroAndFalseAreValues) {
  auto& store = this->store();
  for (const char* value : {"", "0", "false", "null"}) {
    ASSERT_EQ(store.set(std::string("set ") + value, value), Status::kOk);
    EXPECT_EQ(store.get(std::string("set ") + value), value);
    EXPECT_TRUE(store.contains(std::string("set ") + value));
    EXPECT_EQ(store.get_or_load(std::string("set ") + value, this->answering("loaded")), value);
    EXPECT_EQ(store.get_or_load(std::string("load ") + value, this->answering(value)), value);
    EXPECT_EQ(store.get_or_load(std::string("load ") + value, this->answering("again")), value);
  }
  EXPECT_EQ(this->computed_, 4);
}

TYPED_TEST(RulesTest, KeysAndValuesAreAnyBytes) {
  auto& store = this->store();
  const std::string bytes("\0/..\xff\n\0", 7);
  ASSERT_EQ(store.set(bytes, bytes), Status::kOk);
  EXPECT_EQ(store.get(bytes), bytes);
  EXPECT_FALSE(store.get(bytes.substr(0, 6)));
  const std::string longest(4096, 'k');
  ASSERT_EQ(store.set(longest, "of the longest key"), Status::kOk);
  EXPECT_EQ(store.get(longest), "of the longest key");
}

TYPED_TEST(RulesTest, KeysThatAreNoneAreNeverStored) {
  auto& store = this->store();
  for (const std::string& key : {std::string(), std::string(4097, 'k')}) {
    EXPECT_EQ(store.set(key, "value"), Status::kBadKey);
    EXPECT_FALSE(store.get(key));
    EXPECT_FALSE(store.contains(key));
    EXPECT_EQ(store.erase(key), Status::kBadKey);
    EXPECT_EQ(store.get_or_load(key, this->answering("value")), "value");
    EXPECT_EQ(store.get_or_load(key, this->answering("value")), "value");
  }
  EXPECT_EQ(this->computed_, 4);
}

TYPED_TEST(RulesTest, AValueBeyondTheLimitLeavesNothing) {
  auto& store = this->store();
  if constexpr (!std::same_as<TypeParam, FileStore>) {  // its limit takes half a GiB
    ASSERT_EQ(store.set("key", "old"), Status::kOk);
    EXPECT_EQ(store.set("key", std::string(kMiB, 'x')), Status::kTooLarge);
    EXPECT_FALSE(store.get("key"));
  }
  EXPECT_EQ(store.set("key", std::string(kMiB / 5, 'x')), Status::kOk);
  EXPECT_EQ(store.get("key"), std::string(kMiB / 5, 'x'));
}

TYPED_TEST(RulesTest, ATimeToLiveCountsFromTheStore) {
  auto& store = this->store();
  FakeClock clock;
  ASSERT_EQ(store.set("key", "value", 10s), Status::kOk);
  ASSERT_EQ(store.set("by options", "value", SetOptions{.ttl = 10s}), Status::kOk);
  ASSERT_EQ(store.set("for ever", "value"), Status::kOk);
  clock.advance(9s);
  EXPECT_EQ(store.get("key"), "value");
  EXPECT_EQ(store.get_or_load("key", this->answering("new")), "value");  // a hit does not lengthen it
  clock.advance(2s);
  EXPECT_FALSE(store.get("key"));
  EXPECT_FALSE(store.contains("key"));
  EXPECT_FALSE(store.get("by options"));
  EXPECT_EQ(store.erase("key"), Status::kNotFound);
  clock.advance(24h * 365);
  EXPECT_EQ(store.get("for ever"), "value");
}

TYPED_TEST(RulesTest, ALoadsTimeToLiveCountsFromItsEnd) {
  auto& store = this->store();
  FakeClock clock;
  const auto slow = [&] {
    clock.advance(30s);
    return std::string("value");
  };
  EXPECT_EQ(store.get_or_load("key", slow, {.ttl = 10s}), "value");
  clock.advance(9s);
  EXPECT_EQ(store.get("key"), "value");
  clock.advance(2s);
  EXPECT_FALSE(store.get("key"));
}

TYPED_TEST(RulesTest, WithoutATimeToLiveANewValueIsForEver) {
  auto& store = this->store();
  FakeClock clock;
  ASSERT_EQ(store.set("key", "value", 10s), Status::kOk);
  ASSERT_EQ(store.set("key", "value"), Status::kOk);
  clock.advance(11s);
  EXPECT_TRUE(store.contains("key"));
}

TYPED_TEST(RulesTest, ZeroOrLessIsAlreadyExpired) {
  auto& store = this->store();
  for (const auto ttl : {0ms, -1ms, std::chrono::milliseconds::min()}) {
    ASSERT_EQ(store.set("key", "old"), Status::kOk);
    EXPECT_EQ(store.set("key", "new", ttl), Status::kOk);
    EXPECT_FALSE(store.get("key")) << "neither the new value nor the old one";
    EXPECT_EQ(store.get_or_load("loaded", this->answering("value"), {.ttl = ttl}), "value");
    EXPECT_FALSE(store.contains("loaded"));
  }
  EXPECT_EQ(this->computed_, 3);
}

TYPED_TEST(RulesTest, EnormousTimesToLiveDoNotWrapAround) {
  auto& store = this->store();
  ASSERT_EQ(store.set("key", "value", kForever - 1ms), Status::kOk);
  EXPECT_EQ(store.get("key"), "value");
}

TYPED_TEST(RulesTest, ALoadIsAHitThen) {
  auto& store = this->store();
  EXPECT_EQ(store.get_or_load("key", this->answering("value")), "value");
  EXPECT_EQ(store.get_or_load("key", this->answering("again")), "value");
  EXPECT_EQ(store.get("key"), "value");
  EXPECT_EQ(this->computed_, 1);
}

TYPED_TEST(RulesTest, WhatALoaderThrowsComesThroughAndIsNotStored) {
  auto& store = this->store();
  EXPECT_THROW((void)store.get_or_load("key", []() -> std::string { throw std::runtime_error("no database"); }), std::runtime_error);
  EXPECT_FALSE(store.get("key"));
  EXPECT_EQ(store.get_or_load("key", this->answering("value"), {.max_wait = 10s}), "value");
  EXPECT_EQ(store.get("key"), "value") << "the lease was not given back";
}

TYPED_TEST(RulesTest, WhoWaitsForALoaderThatThrowsRunsHis) {
  auto& store = this->store();
  std::atomic<bool> begun{false};
  std::thread fails([&] {
    EXPECT_THROW((void)store.get_or_load("key",
                                         [&]() -> std::string {
                                           begun = true;
                                           std::this_thread::sleep_for(50ms);
                                           throw std::runtime_error("no database");
                                         }),
                 std::runtime_error);
  });
  while (!begun) std::this_thread::yield();
  EXPECT_EQ(store.get_or_load("key", this->answering("value")), "value");
  fails.join();
  EXPECT_EQ(store.get("key"), "value");
  EXPECT_EQ(this->computed_, 1);
}

TYPED_TEST(RulesTest, CacheIfDecidesWhatIsStored) {
  auto& store = this->store();
  const LoadOptions options{.cache_if = [](std::string_view value) { return value != "partial"; }};
  EXPECT_EQ(store.get_or_load("key", this->answering("partial"), options), "partial");
  EXPECT_FALSE(store.get("key"));
  EXPECT_EQ(store.get_or_load("key", this->answering("whole"), options), "whole");
  EXPECT_EQ(store.get("key"), "whole");
}

TYPED_TEST(RulesTest, JitterShortensByAShareAtMost) {
  auto& store = this->store();
  FakeClock clock;
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(store.get_or_load("key" + std::to_string(i), this->answering("value"), {.ttl = 1000s, .jitter = 0.5}), "value");
  const auto left = [&] {
    int count = 0;
    for (int i = 0; i < 50; ++i) count += store.contains("key" + std::to_string(i)) ? 1 : 0;
    return count;
  };
  clock.advance(499s);
  EXPECT_EQ(left(), 50);
  clock.advance(250s);
  EXPECT_GT(left(), 5);
  EXPECT_LT(left(), 45);
  clock.advance(252s);
  EXPECT_EQ(left(), 0);
}

TYPED_TEST(RulesTest, ThreadsComputeOnce) { this->load_at_once(); }

TYPED_TEST(RulesTest, ThreadsComputeOnceWhatHasExpired) {
  auto& store = this->store();
  FakeClock clock;
  ASSERT_EQ(store.set("key", "old", 1s), Status::kOk);
  clock.advance(2s);
  this->load_at_once();
}

TYPED_TEST(RulesTest, WhoHasWaitedLongEnoughComputesForItself) {
  auto& store = this->store();
  const auto start = std::chrono::steady_clock::now();
  const std::string value =
      store.get_or_load("key", [&] { return "outer " + store.get_or_load("key", this->answering("inner"), {.max_wait = 100ms}); });
  EXPECT_EQ(value, "outer inner");
  EXPECT_EQ(store.get("key"), "outer inner");
  EXPECT_GE(std::chrono::steady_clock::now() - start, 90ms);
  EXPECT_EQ(this->computed_, 1);
}

TYPED_TEST(RulesTest, LoadersMayLoadOtherKeys) {
  auto& store = this->store();
  EXPECT_EQ(store.get_or_load("outer", [&] { return store.get_or_load("inner", this->answering("value")) + "!"; }), "value!");
  EXPECT_EQ(store.get("inner"), "value");
}

/// The fence: whatever changes the key while it is computed keeps the computed value out.
TYPED_TEST(RulesTest, NothingComputedBeforeAChangeIsStoredAfterIt) {
  auto& store = this->store();
  std::vector<std::pair<const char*, std::function<void()>>> changes = {
      {"erase", [&] { EXPECT_EQ(store.erase("key"), Status::kNotFound); }},
      {"set", [&] { EXPECT_EQ(store.set("key", "new"), Status::kOk); }},
      {"set that expires at once", [&] { EXPECT_EQ(store.set("key", "new", 0s), Status::kOk); }},
      {"clear", [&] { store.clear(); }},
      {"clear, and a set",
       [&] {
         store.clear();
         EXPECT_EQ(store.set("key", "new"), Status::kOk);
       }},
      {"erase, and another load", [&] {
         EXPECT_EQ(store.erase("key"), Status::kNotFound);
         EXPECT_EQ(store.get_or_load("key", [] { return "new"; }), "new");
       }}};
  changes.push_back({"erase_prefix", [&] { EXPECT_EQ(store.erase_prefix("ke"), 0U); }});
  for (const auto& [name, change] : changes) {
    static_cast<void>(store.erase("key"));
    EXPECT_EQ(store.get_or_load("key",
                                [&, &made = change] {
                                  made();
                                  return std::string("old");
                                }),
              "old")
        << name;
    EXPECT_NE(store.get("key").value_or(""), "old") << name;
  }
}

TYPED_TEST(RulesTest, WhoWaitsWhenTheKeyIsErasedDoesNotGetWhatWasComputedBefore) {
  auto& store = this->store();
  std::atomic<bool> begun{false};
  std::atomic<bool> erased{false};
  std::thread owner([&] {
    EXPECT_EQ(store.get_or_load("key",
                                [&] {
                                  begun = true;
                                  while (!erased) std::this_thread::yield();
                                  std::this_thread::sleep_for(50ms);
                                  return std::string("old");
                                }),
              "old");
  });
  while (!begun) std::this_thread::yield();
  EXPECT_EQ(store.erase("key"), Status::kNotFound);
  erased = true;
  EXPECT_EQ(store.get_or_load("key", this->answering("new")), "new");
  owner.join();
  EXPECT_EQ(store.get("key"), "new");
}

TYPED_TEST(RulesTest, ClearLeavesNothingAndEverythingWorksOn) {
  auto& store = this->store();
  store.clear();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(store.set("key" + std::to_string(i), "value"), Status::kOk);
  store.clear();
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(store.get("key" + std::to_string(i)));
  ASSERT_EQ(store.set("key1", "again"), Status::kOk);
  EXPECT_EQ(store.get("key1"), "again");
}

TYPED_TEST(RulesTest, ErasePrefixRemovesThoseAndNoOthers) {
  auto& store = this->store();
  FakeClock clock;
  EXPECT_EQ(store.erase_prefix("user:"), 0U);
  ASSERT_EQ(store.set("user:old", "value", 1s), Status::kOk);
  clock.advance(2s);
  for (const char* key : {"user:1", "user:2", "user:", "user", "users", "x user:1"}) ASSERT_EQ(store.set(key, "value"), Status::kOk);
  EXPECT_EQ(store.erase_prefix("user:"), 3U);
  for (const char* key : {"user:1", "user:2", "user:"}) EXPECT_FALSE(store.contains(key)) << key;
  for (const char* key : {"user", "users", "x user:1"}) EXPECT_TRUE(store.contains(key)) << key;
  EXPECT_EQ(store.erase_prefix(""), 3U);
  EXPECT_EQ(store.erase_prefix(std::string(5'000, 'k')), 0U);
}

TYPED_TEST(RulesTest, ALoaderMayFindNothing) {
  auto& store = this->store();
  const auto absent = [&]() -> std::optional<std::string> {
    ++this->computed_;
    return std::nullopt;
  };
  const auto present = []() -> std::optional<std::string> { return "value"; };
  EXPECT_EQ(store.get_or_load("key", absent), std::nullopt);
  EXPECT_EQ(store.get_or_load("key", absent), std::nullopt);
  EXPECT_EQ(this->computed_, 2) << "stored, though nobody asked for that";
  EXPECT_EQ(store.get_or_load("key", present), "value");
  EXPECT_EQ(store.get_or_load("key", absent), "value");
  EXPECT_EQ(store.get("key"), "value");
}

TYPED_TEST(RulesTest, AnEmptyAnswerIsRememberedForNegativeTtl) {
  auto& store = this->store();
  FakeClock clock;
  const auto absent = [&]() -> std::optional<std::string> {
    ++this->computed_;
    return std::nullopt;
  };
  const LoadOptions options{.negative_ttl = 10s};
  EXPECT_EQ(store.get_or_load("key", absent, options), std::nullopt);
  EXPECT_EQ(store.get_or_load("key", absent, options), std::nullopt);
  EXPECT_EQ(this->computed_, 1);
  EXPECT_FALSE(store.get("key")) << "an empty answer is no value";
  EXPECT_FALSE(store.contains("key"));
  EXPECT_EQ(store.erase("key"), Status::kNotFound);
  EXPECT_EQ(store.get_or_load("key", absent, options), std::nullopt);
  EXPECT_EQ(this->computed_, 2) << "erase forgets empty answers too";
  clock.advance(11s);
  EXPECT_EQ(store.get_or_load("key", absent, options), std::nullopt);
  EXPECT_EQ(this->computed_, 3);
  EXPECT_EQ(store.get_or_load("key", [] { return std::string("a string"); }), "a string") << "who has no empty answer computes";
  EXPECT_EQ(store.get("key"), "a string");
}

}  // namespace
}  // namespace carafe::test
