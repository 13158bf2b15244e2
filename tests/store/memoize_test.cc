// SPDX-License-Identifier: MIT
// Functions that ask a store first: what makes two calls the same, what is kept, and what is outdated.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "carafe/carafe.h"
#include "support/fake_clock.h"
#include "support/scratch.h"
#include "support/scratch_directory.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

std::atomic<int> free_calls{0};
int add(int a, int b) noexcept {
  ++free_calls;
  return a + b;
}

struct Repository {
  [[nodiscard]] std::string find(int id) const { return "user " + std::to_string(id); }
};

struct Item {
  std::uint32_t version = 0;
  std::uint32_t price = 0;
  friend bool operator==(const Item&, const Item&) = default;
};

class MemoizeTest : public ::testing::Test {
 protected:
  Cache cache_ = Cache::create_anonymous(with_capacity(kMiB));
  int calls_ = 0;
};

TEST_F(MemoizeTest, ComputesOnceForEachArgument) {
  const auto square = memoize(cache_, "square", [&](int n) { return ++calls_, n * n; }, {.ttl = 5min});
  EXPECT_EQ(square(3), 9);
  EXPECT_EQ(square(3), 9);
  EXPECT_EQ(square(4), 16);
  EXPECT_EQ(calls_, 2);
}

TEST_F(MemoizeTest, TakesFunctionsLambdasFunctionObjectsAndMembers) {
  free_calls = 0;
  const auto sum = memoize(cache_, "add", &add);
  EXPECT_EQ(sum(1, 2) + sum(1, 2), 6);
  EXPECT_EQ(free_calls, 1);
  const std::function<int(int)> twice = [](int n) { return 2 * n; };
  EXPECT_EQ(memoize(cache_, "twice", twice)(4), 8);
  EXPECT_EQ(memoize(cache_, "twice", twice)(4), 8);
  const Repository repository;
  EXPECT_EQ(memoize(cache_, "find", [&](int id) { return repository.find(id); })(7), "user 7");
  EXPECT_EQ(memoize(cache_, "find2", std::bind_front(&Repository::find, &repository))(7), "user 7");
  EXPECT_EQ(memoize(cache_, "none", [] { return 5; })(), 5);
}

TEST_F(MemoizeTest, ArgumentsBecomeWhatTheFunctionTakes) {
  const auto length =
      memoize(cache_, "length", [&](const std::string& text, long n) { return ++calls_, text.size() + static_cast<std::size_t>(n); });
  const std::string text = "abc";
  EXPECT_EQ(length("abc", 1), 4U);
  EXPECT_EQ(length(text, 1L), 4U);
  EXPECT_EQ(calls_, 1);
  const auto view = memoize(cache_, "view", [&](std::string_view a) { return ++calls_, std::string(a); });
  EXPECT_EQ(view("a") + view(std::string("a")), "aa");
  EXPECT_EQ(calls_, 2);
}

TEST_F(MemoizeTest, GenericFunctionsTakeTheCallersTypesIntoTheKey) {
  const auto size = memoize(cache_, "size", [&](const auto& value) { return ++calls_, sizeof value; });
  EXPECT_EQ(size(1), sizeof(int));
  EXPECT_EQ(size(1L), sizeof(long));
  EXPECT_EQ(size(1), sizeof(int));
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(size.invalidate(1), Status::kOk);
  EXPECT_EQ(size.refresh(1), sizeof(int));
  EXPECT_EQ(calls_, 3);
  const auto text = memoize(cache_, "text", [&](const auto& value) { return ++calls_, std::string(value); });
  EXPECT_EQ(text("a") + text(std::string("a")) + text(std::string_view("a")), "aaa");
  EXPECT_EQ(calls_, 4);
}

TEST_F(MemoizeTest, NeighbouringArgumentsAreNotMixedUp) {
  const auto join = memoize(cache_, "join", [](const std::string& a, const std::string& b) { return a + "|" + b; });
  EXPECT_EQ(join("ab", "c"), "ab|c");
  EXPECT_EQ(join("a", "bc"), "a|bc");
  EXPECT_EQ(join("", "abc"), "|abc");
}

TEST_F(MemoizeTest, LongArgumentsGoIntoAHash) {
  const auto last = memoize(cache_, "last", [&](const std::string& text) { return ++calls_, text.back(); });
  const std::string most(10'000, 'x');
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(last(most + "a"), 'a');
    EXPECT_EQ(last(most + "b"), 'b');
  }
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(last.invalidate(most + "a"), Status::kOk);
  last.invalidate_all();
  EXPECT_EQ(last(most + "b"), 'b');
  EXPECT_EQ(calls_, 3) << "its key still has the name in front";
  for (std::size_t size = 4'000; size < 4'100; ++size) EXPECT_EQ(last(std::string(size, 'y')), 'y');
  EXPECT_EQ(cache_.stats().lone_loads, 0U) << "a key longer than a key may be";
}

TEST_F(MemoizeTest, NamesAndVersionsKeepFunctionsApart) {
  const auto answering = [&](int answer) { return [this, answer](int) { return ++calls_, answer; }; };
  const auto one = memoize(cache_, "f", answering(1));
  const auto next = memoize(cache_, "f", answering(2), {.version = 1});
  const auto longer = memoize(cache_, "f2", answering(3));
  const auto other = memoize(cache_, "g", answering(4));
  const auto all = [&] { return std::vector<int>{one(0), next(0), longer(0), other(0)}; };
  EXPECT_EQ(all(), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(all(), (std::vector<int>{1, 2, 3, 4})) << "old and new workers side by side keep each other's answers";
  EXPECT_EQ(calls_, 4);
  one.invalidate_all();
  EXPECT_EQ(all(), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(calls_, 6) << "both versions of f, and neither f2 nor g";
}

TEST_F(MemoizeTest, AChangedTypeIsAnotherFunction) {
  EXPECT_EQ(memoize(cache_, "f", [](int) { return 1; })(0), 1);
  EXPECT_EQ(memoize(cache_, "f", [](int) { return std::string("text"); })(0), "text");
  EXPECT_EQ(memoize(cache_, "f", [](long) { return 3; })(0), 3);
}

TEST_F(MemoizeTest, AnswersEndWithTheirTimeToLive) {
  FakeClock clock;
  const auto f = memoize(cache_, "f", [&](int n) { return ++calls_, n; }, {.ttl = 10s});
  EXPECT_EQ(f(1), 1);
  clock.advance(9s);
  EXPECT_EQ(f(1), 1);
  clock.advance(2s);
  EXPECT_EQ(f(1), 1);
  EXPECT_EQ(calls_, 2);
  const auto g = memoize(cache_, "g", [&](int n) { return ++calls_, n; }, {.load = {.ttl = 10s}});
  EXPECT_EQ(g(1), 1);
  clock.advance(11s);
  EXPECT_EQ(g(1), 1);
  EXPECT_EQ(calls_, 4);
}

TEST_F(MemoizeTest, AllKindsOfAnswersComeBack) {
  using Answer = std::map<std::string, std::vector<std::tuple<Item, std::optional<std::string>, double>>>;
  const Answer answer{{"a", {{Item{1, 2}, "x", 0.5}, {Item{}, std::nullopt, -1.0}}}, {"", {}}};
  const auto f = memoize(cache_, "f", [&](std::pair<std::string, std::vector<int>> key) {
    return ++calls_, Answer{{key.first, {}}, *answer.begin()};
  });
  const Answer first = f({"k", {1, 2}});
  EXPECT_EQ(f({"k", {1, 2}}), first);
  EXPECT_EQ(f({"k", {1, 2, 3}}), first);
  EXPECT_EQ(calls_, 2);
}

TEST_F(MemoizeTest, WhatTheFunctionThrowsIsNotKept) {
  const auto f = memoize(cache_, "f", [&](int n) { return ++calls_ == 1 ? throw std::runtime_error("no database") : n; });
  EXPECT_THROW((void)f(1), std::runtime_error);
  EXPECT_EQ(f(1), 1);
  EXPECT_EQ(f(1), 1);
  EXPECT_EQ(calls_, 2);
}

TEST_F(MemoizeTest, AnEmptyOptionalIsNotKept) {
  const auto find = memoize(cache_, "find", [&](int id) { return ++calls_, id > 0 ? std::optional<std::string>("") : std::nullopt; });
  EXPECT_EQ(find(0), std::nullopt);
  EXPECT_EQ(find(0), std::nullopt);
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(find(1), "");
  EXPECT_EQ(find(1), "");
  EXPECT_EQ(calls_, 3);
}

TEST_F(MemoizeTest, AnEmptyOptionalIsKeptForNegativeTtl) {
  FakeClock clock;
  const auto find = memoize(cache_, "find", [&](int) { return ++calls_, std::optional<int>(); }, {.load = {.negative_ttl = 10s}});
  EXPECT_EQ(find(0), std::nullopt);
  EXPECT_EQ(find(0), std::nullopt);
  EXPECT_EQ(calls_, 1);
  clock.advance(11s);
  EXPECT_EQ(find(0), std::nullopt);
  EXPECT_EQ(calls_, 2);
}

TEST_F(MemoizeTest, InvalidateOutdatesOneAnswerAndInvalidateAllAllOfThem) {
  const auto f = memoize(cache_, "f", [&](int n) { return ++calls_, n; });
  EXPECT_EQ(f.invalidate(1), Status::kNotFound);
  EXPECT_EQ(f(1) + f(2), 3);
  EXPECT_EQ(f.invalidate(1), Status::kOk);
  EXPECT_EQ(f(1) + f(2), 3);
  EXPECT_EQ(calls_, 3);
  f.invalidate_all();
  EXPECT_EQ(f(1) + f(2), 3);
  EXPECT_EQ(calls_, 5);
}

TEST_F(MemoizeTest, WhatIsInvalidatedWhileItIsComputedIsNotKept) {
  MemoryStore store;
  bool all = false;
  std::function<void()> outdate;
  const auto f = memoize(store, "f", [&](int n) { return ++calls_ == 1 ? outdate() : void(), n; });
  for (const bool each : {false, true}) {
    all = each;
    calls_ = 0;
    outdate = [&] { all ? f.invalidate_all() : void(f.invalidate(1)); };
    EXPECT_EQ(f(1), 1);
    EXPECT_EQ(f(1), 1);
    EXPECT_EQ(calls_, 2) << "invalidate_all: " << all;
    f.invalidate_all();
  }
}

TEST_F(MemoizeTest, RefreshComputesAnewAndKeepsThat) {
  const auto f = memoize(cache_, "f", [&](int) { return ++calls_; });
  EXPECT_EQ(f.refresh(1), 1);
  EXPECT_EQ(f(1), 1);
  EXPECT_EQ(f.refresh(1), 2);
  EXPECT_EQ(f(1), 2);
}

/// Remembers the last key.
struct Spy : MemoryStore {
  template <typename Loader>
  [[nodiscard]] auto get_or_load(std::string_view asked, Loader&& loader, const LoadOptions& options = {}) {
    key = asked;
    return MemoryStore::get_or_load(asked, loader, options);
  }
  std::string key;
};

TEST_F(MemoizeTest, AnAnswerThatCannotBeReadIsComputedAnewAndStored) {
  Spy store;
  const auto f = memoize(store, "f", [&](const std::string& text) { return ++calls_, text + "!"; });
  EXPECT_EQ(f("a"), "a!");
  for (const std::string& damaged : {std::string(), std::string("abc"), std::string("\xff\xff\xff\xff\xff\xff\xff\xff"), encode(7)}) {
    calls_ = 0;
    ASSERT_EQ(store.set(store.key, damaged), Status::kOk);
    EXPECT_EQ(f("a"), "a!");
    EXPECT_EQ(f("a"), "a!");
    EXPECT_EQ(calls_, 1);
  }
}

TEST_F(MemoizeTest, OptionsOfLoadsCount) {
  const auto f = memoize(cache_, "f", [&](int n) { return ++calls_, n; },
                         {.load = {.cache_if = [](std::string_view bytes) { return decode<int>(bytes) != 0; }}});
  EXPECT_EQ(f(0) + f(0), 0);
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(f(1) + f(1), 2);
  EXPECT_EQ(calls_, 3);
}

TEST_F(MemoizeTest, ThreadsComputeOnce) {
  std::atomic<int> computed{0};
  const auto slow = memoize(cache_, "slow", [&](int n) {
    ++computed;
    std::this_thread::sleep_for(50ms);
    return n;
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_EQ(slow(1), 1); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(computed, 1);
}

TEST_F(MemoizeTest, NamesThatAreNoneAreRefused) {
  for (const std::string& name : {std::string(), std::string(89, 'n'), std::string("a\0b", 3)}) {
    try {
      static_cast<void>(memoize(cache_, name, &add));
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::kBadName);
    }
  }
}

TEST_F(MemoizeTest, ReadOnlyStoresAreComputedFor) {
  const ScratchName name("memoize");
  Cache writer = Cache::create(name, with_capacity(kMiB));
  Cache reader = Cache::open_read_only(name);
  const auto function = [&](int n) { return ++calls_, n; };
  EXPECT_EQ(memoize(writer, "f", function)(1), 1);
  const auto f = memoize(reader, "f", function);
  EXPECT_EQ(f(1), 1);
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(f(2), 2);
  EXPECT_EQ(f.refresh(1), 1);
  EXPECT_EQ(calls_, 3) << "refresh computes, though it cannot store";
}

/// A store with namespaces, each with a clear of its own.
class Spaces : public MemoryStore {
 public:
  struct Space {
    [[nodiscard]] std::optional<std::string> get(std::string_view key) const { return store->get(key); }
    [[nodiscard]] bool contains(std::string_view key) const { return store->contains(key); }
    Status set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = kForever) const {
      return store->set(key, value, ttl);
    }
    Status set(std::string_view key, std::string_view value, const SetOptions& options) const { return store->set(key, value, options); }
    Status erase(std::string_view key) const { return store->erase(key); }
    std::uint64_t erase_prefix(std::string_view prefix) const { return store->erase_prefix(prefix); }
    void clear() const { ++*clears, store->clear(); }
    template <typename Loader>
    [[nodiscard]] auto get_or_load(std::string_view key, Loader&& loader, const LoadOptions& options = {}) const {
      return store->get_or_load(key, loader, options);
    }
    MemoryStore* store;
    int* clears;
  };
  [[nodiscard]] Space in(std::string_view name) { return {&spaces_.try_emplace(std::string(name)).first->second, &clears}; }
  int clears = 0;

 private:
  std::map<std::string, MemoryStore> spaces_;
};

TEST_F(MemoizeTest, WhereThereAreNamespacesEachFunctionHasOne) {
  Spaces store;
  const auto f = memoize(store, "f", [&](int n) { return ++calls_, n; });
  const auto g = memoize(store, "g", [&](int n) { return ++calls_, -n; });
  EXPECT_EQ(f(1) + f(1) + g(1), 1);
  EXPECT_EQ(calls_, 2);
  f.invalidate_all();
  EXPECT_EQ(store.clears, 1);
  EXPECT_EQ(f(1) + g(1), 0);
  EXPECT_EQ(calls_, 3);
}

template <typename S>
void use(S store) {
  int calls = 0;
  const auto f = memoize(store, "f", [&](int n) { return ++calls, std::to_string(n); }, {.ttl = 5min});
  EXPECT_EQ(f(1) + f(1), "11");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(f.refresh(1), "1");
  f.invalidate_all();
  EXPECT_EQ(f(1), "1");
  EXPECT_EQ(calls, 3);
}

TEST_F(MemoizeTest, AnyStoreWillDo) {
  use(MemoryStore());
  const ScratchDirectory directory;
  use(FileStore::open(directory.path()));
  use(AnyStore(MemoryStore()));
  use(AnyStore(Cache::create_anonymous(with_capacity(kMiB))));
}

}  // namespace
}  // namespace carafe::test
