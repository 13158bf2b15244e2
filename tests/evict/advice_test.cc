// SPDX-License-Identifier: MIT
// Ghosts, sketch and probation bits: what eviction remembers.
#include <gtest/gtest.h>

#include <array>
#include <bit>

#include "evict/ghosts.h"
#include "evict/sketch.h"
#include "slab/probation_bits.h"

namespace carafe {
namespace {

KeyId key(std::uint32_t number) { return KeyId::of(number % 16, number * 7919 % (1U << 20)); }

TEST(GhostWordTest, KeepsTheFiveNewest) {
  std::uint64_t word = 0;
  for (std::uint32_t i = 1; i <= 7; ++i) word = GhostWord::with(word, KeyId{i * 0x9e3779b9U});
  for (std::uint32_t i = 1; i <= 7; ++i) {
    std::uint64_t copy = word;
    EXPECT_EQ(GhostWord::take(copy, KeyId{i * 0x9e3779b9U}), i > 2) << i;
  }
}

TEST(GhostWordTest, AHoleIsFilledBeforeAnythingIsLost) {
  std::uint64_t word = 0;
  for (std::uint32_t i = 1; i <= 5; ++i) word = GhostWord::with(word, KeyId{i * 0x9e3779b9U});
  ASSERT_TRUE(GhostWord::take(word, KeyId{4 * 0x9e3779b9U}));
  EXPECT_FALSE(GhostWord::take(word, KeyId{4 * 0x9e3779b9U}));
  word = GhostWord::with(word, KeyId{6 * 0x9e3779b9U});
  for (std::uint32_t i : {1U, 2U, 3U, 5U, 6U}) {
    std::uint64_t copy = word;
    EXPECT_TRUE(GhostWord::take(copy, KeyId{i * 0x9e3779b9U})) << i;
  }
}

TEST(GhostsTest, AGhostComesBackOnceAndStrangersHardlyEver) {
  std::array<Atomic<std::uint64_t>, 400> words{};
  const Ghosts ghosts(words.data(), words.size());
  for (std::uint32_t i = 0; i < 1000; ++i) ghosts.put(key(i));
  int back = 0;
  int again = 0;
  int strangers = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) back += ghosts.take(key(i));
  for (std::uint32_t i = 0; i < 1000; ++i) again += ghosts.take(key(i));
  for (std::uint32_t i = 0; i < 1000; ++i) ghosts.put(key(i));
  for (std::uint32_t i = 5000; i < 6000; ++i) strangers += ghosts.take(key(i));
  EXPECT_GT(back, 950);  // half full: a word overflows seldom
  EXPECT_LT(again, 5);
  EXPECT_LT(strangers, 10);
}

TEST(GhostsTest, WithoutMemoryThereAreNone) {
  const Ghosts none(nullptr, 0);
  none.put(key(1));
  EXPECT_FALSE(none.take(key(1)));
}

TEST(SketchTest, CountsUpToFifteenAndNeverTooLow) {
  std::array<Atomic<std::uint64_t>, 64> words{};
  Atomic<std::uint64_t> cursor{0};
  const Sketch sketch(words.data(), words.size(), cursor, 1'000'000);  // so many items that nothing fades here
  for (std::uint32_t i = 0; i < 20; ++i) sketch.add(key(1));
  for (std::uint32_t i = 0; i < 3; ++i) sketch.add(key(2));
  sketch.add(key(3), 2);
  EXPECT_EQ(sketch.estimate(key(1)), 15U);
  EXPECT_GE(sketch.estimate(key(2)), 3U);
  EXPECT_GE(sketch.estimate(key(3)), 2U);
  int exact = 0;
  for (std::uint32_t i = 100; i < 200; ++i) exact += sketch.estimate(key(i)) == 0 ? 1 : 0;
  EXPECT_GT(exact, 95);
}

TEST(SketchTest, OldUseFades) {
  std::array<Atomic<std::uint64_t>, 512> words{};
  Atomic<std::uint64_t> cursor{0};
  const Sketch sketch(words.data(), words.size(), cursor, 5'000);
  for (std::uint32_t i = 0; i < 12; ++i) sketch.add(key(1));
  const std::uint32_t before = sketch.estimate(key(1));
  for (std::uint32_t i = 0; i < 100'000; ++i) sketch.add(key(2 + i % 200));  // twice ten a key
  EXPECT_LT(sketch.estimate(key(1)), before / 2);
}

TEST(SketchTest, NoWordIsLeftOutWhereFewKeysCompete) {
  for (const std::uint64_t items : {40U, 200U, 700U, 1'500U}) {
    std::array<Atomic<std::uint64_t>, 512> words{};
    Atomic<std::uint64_t> cursor{0};
    const Sketch sketch(words.data(), words.size(), cursor, items);
    for (auto& word : words) word.store(0xffffffffffffffffULL);
    for (std::uint32_t i = 0; i < 30 * items + 20'000; ++i) sketch.add(key(i % 3));
    std::uint64_t full = 0;
    for (const auto& word : words) full += word.load() == 0xffffffffffffffffULL ? 1 : 0;
    EXPECT_EQ(full, 0U) << items << " items";
  }
}

TEST(SketchTest, ACursorOfAnyValueCostsNothing) {
  std::array<Atomic<std::uint64_t>, 16> words{};
  for (const std::uint64_t cursor_says : {~std::uint64_t{0}, ~std::uint64_t{0} - 40, std::uint64_t{1} << 63}) {
    Atomic<std::uint64_t> cursor{cursor_says};
    const Sketch sketch(words.data(), words.size(), cursor, 5'000);
    for (std::uint32_t i = 0; i < 1'000; ++i) sketch.add(key(i));
    EXPECT_NE(cursor.load(), cursor_says);  // and we came here
  }
}

TEST(SketchTest, AKeysCountersLieInOneLine) {
  alignas(64) std::array<Atomic<std::uint64_t>, 512> words{};
  Atomic<std::uint64_t> cursor{0};
  const Sketch sketch(words.data(), words.size(), cursor, 1'000'000);
  for (std::uint32_t i = 0; i < 200; ++i) {
    for (auto& word : words) word.store(0);
    sketch.add(key(i));
    std::uint64_t lines = 0;
    std::uint64_t counters = 0;
    for (std::size_t word = 0; word < words.size(); ++word) {
      counters += static_cast<std::uint64_t>(std::popcount(words[word].load()));
      if (words[word].load() != 0) lines |= std::uint64_t{1} << (word / Sketch::kLineWords);
    }
    EXPECT_EQ(counters, Sketch::kRows) << i;
    EXPECT_EQ(std::popcount(lines), 1) << i;
  }
}

TEST(ProbationBitsTest, BeginsYoungAndEndsOnce) {
  std::array<Atomic<std::uint64_t>, 4> words{};
  const ProbationBits bits(words.data(), 2);
  EXPECT_TRUE(bits.begin(70));
  EXPECT_FALSE(bits.begin(70));  // young again, and still the same newcomer
  EXPECT_EQ(bits.count(), 1U);
  EXPECT_TRUE(bits.is_set(70));
  EXPECT_TRUE(bits.is_any_set());
  EXPECT_EQ(bits.young(1).load(), std::uint64_t{1} << 6);
  EXPECT_FALSE(bits.end(71));
  EXPECT_TRUE(bits.end(70));
  EXPECT_FALSE(bits.end(70));
  EXPECT_FALSE(bits.is_any_set());
  EXPECT_EQ(bits.young(1).load(), 0U);
}

}  // namespace
}  // namespace carafe
