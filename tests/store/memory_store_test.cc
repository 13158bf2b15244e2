// SPDX-License-Identifier: MIT
// What MemoryStore has beside the rules of all stores: its bound.
#include "carafe/memory_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/random.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

std::string key_of(int i) { return "key" + std::to_string(i); }

TEST(MemoryStoreTest, WhatWasUsedLeastRecentlyGoes) {
  MemoryStore store(16 << 10);
  const std::string value(1'000, 'v');
  for (int i = 0; i < 10; ++i) ASSERT_EQ(store.set(key_of(i), value), Status::kOk);
  EXPECT_TRUE(store.get(key_of(0)));
  for (int i = 10; i < 18; ++i) ASSERT_EQ(store.set(key_of(i), value), Status::kOk);  // fourteen fit
  EXPECT_TRUE(store.contains(key_of(0))) << "was used";
  for (int i = 1; i < 5; ++i) EXPECT_FALSE(store.contains(key_of(i))) << i;
  for (int i = 5; i < 18; ++i) EXPECT_TRUE(store.contains(key_of(i))) << i;
}

TEST(MemoryStoreTest, ItNeverHoldsMoreThanItsCapacity) {
  MemoryStore store(64 << 10);
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(store.set(key_of(i), std::string(static_cast<std::size_t>(i % 300), 'v')), Status::kOk);
  std::size_t bytes = 0;
  std::size_t items = 0;
  for (int i = 0; i < 10'000; ++i)
    if (const auto value = store.get(key_of(i))) bytes += value->size() + key_of(i).size(), ++items;
  EXPECT_LE(bytes, std::size_t{64 << 10});
  EXPECT_GT(items, 100U);
  EXPECT_EQ(store.erase_prefix(""), items);
}

TEST(MemoryStoreTest, ReplacingGivesBackTheRoom) {
  MemoryStore store(16 << 10);
  ASSERT_EQ(store.set("other", "value"), Status::kOk);
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(store.set("key", std::string(4'000, 'v')), Status::kOk);
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(store.erase(i % 2 == 0 ? "key" : "none"), i == 0 ? Status::kOk : Status::kNotFound);
  EXPECT_TRUE(store.contains("other"));
}

TEST(MemoryStoreTest, AQuarterOfTheCapacityIsTheLargestValue) {
  MemoryStore store(16 << 10);
  EXPECT_EQ(store.set("key", std::string(4 << 10, 'v')), Status::kOk);
  EXPECT_EQ(store.set("key", std::string((4 << 10) + 1, 'v')), Status::kTooLarge);
  EXPECT_FALSE(store.contains("key"));
  EXPECT_EQ(store.get_or_load("key", [] { return std::string(10 << 10, 'v'); }).size(), std::size_t{10 << 10});
  EXPECT_FALSE(store.contains("key"));
  MemoryStore least(4 << 10);
  EXPECT_EQ(least.set(std::string(4'096, 'k'), "v"), Status::kTooLarge) << "a key that needs all of it";
}

TEST(MemoryStoreTest, TooLittleCapacityIsRefused) {
  try {
    const MemoryStore store(1'000);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::kBadOption);
  }
}

TEST(MemoryStoreTest, ItMoves) {
  MemoryStore store;
  ASSERT_EQ(store.set("key", "value"), Status::kOk);
  MemoryStore moved = std::move(store);
  EXPECT_EQ(moved.get("key"), "value");
  store = std::move(moved);
  EXPECT_EQ(store.get("key"), "value");
}

/// Each value says which key it is of, and comes from a set or a load.
TEST(MemoryStoreTest, ThreadsMayDoEverythingAtOnce) {
  MemoryStore store(32 << 10);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Random random(t);
      for (int i = 0; i < 5'000; ++i) {
        const std::string key = key_of(static_cast<int>(random.below(50)));
        const std::string value = key + std::string(random.below(2'000), '.');
        switch (random.below(8)) {
          case 0:
            static_cast<void>(store.set(key, value, std::chrono::milliseconds(random.below(3))));
            break;
          case 1:
            static_cast<void>(store.erase(key));
            break;
          case 2:
            if (random.one_in(20)) store.clear();
            break;
          case 3:
            if (random.one_in(20)) store.erase_prefix("key1");
            break;
          case 4:
            if (const auto found = store.get(key); found && !found->starts_with(key)) ++wrong;
            break;
          default:
            if (!store.get_or_load(key, [&] { return value; }, {.max_wait = 1ms}).starts_with(key)) ++wrong;
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace carafe::test
