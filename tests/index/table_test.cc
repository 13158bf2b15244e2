// SPDX-License-Identifier: MIT
#include "index/table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

namespace carafe {
namespace {

/// A table in private memory.
struct Scratch {
  explicit Scratch(std::uint32_t buckets) : memory(std::make_unique<Bucket[]>(buckets)), table{memory.get(), buckets, 0} {
    table.clear_private();
  }
  std::unique_ptr<Bucket[]> memory;
  Table table;
};

std::uint32_t random_tag(std::mt19937& random) { return random() & ((1U << kTagBits) - 1); }

bool insert(const Table& table, std::uint32_t tag, std::uint64_t offset) {
  auto* place = table.find_empty(tag);
  if (place == nullptr) place = table.displace(tag);
  if (place == nullptr) return false;
  place->store(Entry::make(tag, offset), kRelaxed);
  return true;
}

TEST(TableTest, NineTenthsFullWithHardlyAConflict) {
  std::mt19937 random(1);
  for (std::uint32_t buckets : {16U, 50U, 131U, 700U}) {
    int failures = 0;
    int inserts = 0;
    for (int round = 0; round < 20; ++round) {
      Scratch scratch(buckets);
      for (std::uint32_t i = 1; !TableSize::is_full(i, buckets); ++i, ++inserts)
        failures += insert(scratch.table, random_tag(random), i * 8) ? 0 : 1;
    }
    EXPECT_LE(failures * 500, inserts) << buckets;  // two choices without displacement fail in one of fifty
  }
}

TEST(TableTest, DisplacementLosesNothingAndRaisesBothVersions) {
  std::mt19937 random(2);
  Scratch scratch(40);
  std::map<std::uint64_t, std::uint32_t> held;
  for (std::uint64_t offset = 8; held.size() < 250; offset += 8) {
    const std::uint32_t tag = random_tag(random);
    if (insert(scratch.table, tag, offset)) held[offset] = tag;
  }
  for (const auto& [offset, tag] : held) ASSERT_NE(scratch.table.find_offset(tag, offset), nullptr);
  EXPECT_EQ(scratch.table.count_entries(), held.size());

  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (std::uint32_t i = 0; i < 40; ++i) before += scratch.memory[i].version.load();
  Atomic<std::uint64_t>* freed = nullptr;
  for (std::uint32_t tag = 0; freed == nullptr && tag < (1U << kTagBits); tag += 101) freed = scratch.table.displace(tag);
  ASSERT_NE(freed, nullptr);
  EXPECT_EQ(freed->load(), Entry::kEmpty);
  for (std::uint32_t i = 0; i < 40; ++i) after += scratch.memory[i].version.load();
  EXPECT_EQ(after, before + 2);
  for (const auto& [offset, tag] : held) ASSERT_NE(scratch.table.find_offset(tag, offset), nullptr);
}

TEST(TableTest, TwinsOfADisplacementCutShortAreRemoved) {
  Scratch scratch(10);
  const std::uint32_t tag = 12345;
  scratch.table.first(tag).entries[3].store(Entry::make(tag, 64), kRelaxed);
  scratch.table.second(tag).entries[5].store(Entry::make(tag, 64) + 2, kRelaxed);  // its counter went its own way
  scratch.table.remove_twins();
  EXPECT_EQ(scratch.table.count_entries(), 1U);
  EXPECT_NE(scratch.table.find_offset(tag, 64), nullptr);
}

TEST(TableTest, ARebuiltTableHoldsEveryEntryWithItsCounter) {
  std::mt19937 random(3);
  Scratch from(30);
  std::map<std::uint64_t, std::uint32_t> held;
  for (std::uint64_t offset = 8; held.size() < 180; offset += 8) {
    const std::uint32_t tag = random_tag(random);
    if (insert(from.table, tag, offset)) held[offset] = tag;
    if (auto* entry = from.table.find_offset(tag, offset)) entry->fetch_add(offset / 8 % 4);
  }
  for (std::uint32_t buckets : {30U, 31U, 45U, 200U}) {
    Scratch to(buckets);
    ASSERT_EQ(to.table.copy_private(from.table), 0U);
    for (const auto& [offset, tag] : held) {
      auto* entry = to.table.find_offset(tag, offset);
      ASSERT_NE(entry, nullptr);
      EXPECT_EQ(Entry::counter(entry->load()), offset / 8 % 4);
    }
  }
}

TEST(TableTest, WhatDoesNotFitIsReported) {
  std::mt19937 random(4);
  Scratch from(30);
  for (std::uint64_t offset = 8; offset <= 180 * 8; offset += 8) ASSERT_TRUE(insert(from.table, random_tag(random), offset));
  Scratch to(10);
  EXPECT_EQ(to.table.copy_private(from.table) + to.table.count_entries(), 180U);
}

TEST(TableTest, TheColdestEntryIsTheLeastUsedOne) {
  Scratch scratch(2);
  for (std::uint64_t offset = 8; scratch.table.count_entries() < 14; offset += 8) {
    auto* place = scratch.table.find_empty(static_cast<std::uint32_t>(offset));
    ASSERT_NE(place, nullptr);
    place->store(Entry::make(static_cast<std::uint32_t>(offset), offset) + (offset == 40 ? 1 : 3), kRelaxed);
  }
  EXPECT_EQ(Entry::offset(scratch.table.find_coldest(99)->load()), 40U);
}

TEST(TableTest, WideAndPortableTagMatchingAgree) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 100000; ++round) {
    Bucket bucket{};
    const auto tag = static_cast<std::uint32_t>(random()) & ((1U << kTagBits) - 1);
    bucket.version.store(random() % 2 == 0 ? random() : Entry::make(tag, 8), kRelaxed);  // the version must never match
    for (auto& entry : bucket.entries) {
      const std::uint64_t kind = random() % 4;
      entry.store(kind == 0 ? 0 : kind == 1 ? Entry::make(tag, random() % 1000 * 8) : random(), kRelaxed);
    }
    ASSERT_EQ(match_tags(bucket, tag), match_tags_portably(bucket, tag));
  }
}

TEST(TableTest, AnAbsentTableFindsNothing) {
  const Table none;
  EXPECT_EQ(none.find_offset(1, 8), nullptr);
  EXPECT_EQ(none.find_empty(1), nullptr);
  EXPECT_EQ(none.displace(1), nullptr);
  EXPECT_EQ(none.find_coldest(1), nullptr);
  EXPECT_EQ(none.count_entries(), 0U);
}

}  // namespace
}  // namespace carafe
