// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <set>

#include "layout/bucket.h"
#include "layout/item.h"
#include "layout/lock_word.h"
#include "layout/named_slot.h"
#include "layout/side_word.h"

namespace carafe {
namespace {

TEST(WordsTest, AnEntryKeepsTagOffsetAndCounterApart) {
  const std::uint64_t entry = Entry::make(0xfffff, (std::uint64_t{1} << 42) - 8);
  EXPECT_EQ(Entry::tag(entry), 0xfffffU);
  EXPECT_EQ(Entry::offset(entry), (std::uint64_t{1} << 42) - 8);
  EXPECT_EQ(Entry::counter(entry), 0U);
  EXPECT_EQ(Entry::counter(entry + 3), 3U);
  EXPECT_TRUE(Entry::same_item(entry, entry + 3));
  EXPECT_FALSE(Entry::same_item(entry, Entry::make(0xfffff, 8)));
}

TEST(WordsTest, AHoldersWordIsALockWordWithAThread) {
  const WorkerId id{kMaxWorkers - 1, 0xffffffffU};
  for (const std::uint32_t thread : {0U, 1U, HolderWord::kThreads - 1, HolderWord::kThreads, ~0U}) {
    const std::uint64_t word = HolderWord::of(LockWord::of(id), thread);
    EXPECT_EQ(LockWord::owner(word), id);
    EXPECT_EQ(word & LockWord::kWaiters, 0U);
    EXPECT_NE(word, LockWord::of(id)) << "no thread is nobody";
  }
  EXPECT_NE(HolderWord::of(LockWord::of(id), 0), HolderWord::of(LockWord::of(id), HolderWord::kThreads - 1));
}

TEST(WordsTest, ADirectoryWordKeepsOffsetBucketsAndChanges) {
  const std::uint64_t word = DirectoryWord::make((std::uint64_t{1} << 40) - 64, kMaxTableBuckets, 0x1ffff);
  EXPECT_EQ(DirectoryWord::offset(word), (std::uint64_t{1} << 40) - 64);
  EXPECT_EQ(DirectoryWord::buckets(word), kMaxTableBuckets);
  EXPECT_EQ(DirectoryWord::changes(word), 0xffffU);
}

TEST(WordsTest, ASideWordKeepsGenerationStateAndPayload) {
  const std::uint64_t linked = SideWord::linked(0xabcdef, kMaxStripes - 1, 0xfffff);
  EXPECT_EQ(SideWord::state(linked), SideWord::kLinked);
  EXPECT_EQ(SideWord::generation(linked), 0xabcdefU);
  EXPECT_EQ(SideWord::stripe(linked), kMaxStripes - 1);
  EXPECT_EQ(SideWord::tag(linked), 0xfffffU);
  const std::uint64_t claimed = SideWord::claimed(0xffffff + 1, {kMaxWorkers - 1, 0xffffffffU});
  EXPECT_EQ(SideWord::state(claimed), SideWord::kClaimed);
  EXPECT_EQ(SideWord::generation(claimed), 0U);
  EXPECT_EQ(SideWord::claimant(claimed).slot, kMaxWorkers - 1);
  EXPECT_EQ(SideWord::claimant(claimed).incarnation, SideWord::kIncarnationMask);
  EXPECT_EQ(SideWord::state(SideWord::free(7)), SideWord::kFree);
  EXPECT_EQ(SideWord::state(SideWord::part(7, 1, 2)), SideWord::kPart);
}

TEST(WordsTest, ALockWordNamesItsOwnerAndIsNeverZero) {
  const std::uint64_t word = LockWord::of({0, 1});
  EXPECT_NE(word, LockWord::kFree);
  EXPECT_EQ(LockWord::owner(word | LockWord::kWaiters), (WorkerId{0, 1}));
  EXPECT_EQ(LockWord::owner(LockWord::of({4095, 0xffffffffU})), (WorkerId{4095, 0xffffffffU}));
}

TEST(WordsTest, AnItemHeaderKeepsItsLengths) {
  for (bool expires : {false, true})
    for (bool chained : {false, true}) {
      const ItemHeader header = ItemHeader::make(0xdeadbeef, kMaxKeyBytes, ItemHeader::kMaxValueBytes, expires, chained);
      EXPECT_EQ(header.epoch(), 0xdeadbeefU);
      EXPECT_EQ(header.key_bytes(), kMaxKeyBytes);
      EXPECT_EQ(header.value_bytes(), ItemHeader::kMaxValueBytes);
      EXPECT_EQ(header.expires(), expires);
      EXPECT_EQ(header.chained(), chained);
      EXPECT_EQ(header.key_at(), 8U + (expires ? 8 : 0) + (chained ? 24 : 0));
    }
  EXPECT_EQ(ItemHeader::make(1, 1, 0, false, false).bytes(), 9U);
}

TEST(WordsTest, ATagHasTwoDifferentBucketsInRange) {
  for (std::uint32_t buckets : {1U, 2U, 3U, 7U, 64U, 131U, kMaxTableBuckets})
    for (std::uint32_t tag = 0; tag < (1U << kTagBits); tag += 997) {
      const std::uint32_t first = Place::first(tag, buckets);
      const std::uint32_t second = Place::second(tag, buckets, first);
      ASSERT_LT(first, buckets);
      ASSERT_LT(second, buckets);
      if (buckets > 1) {
        ASSERT_NE(first, second);
      }
    }
}

TEST(WordsTest, TagsOfOneBucketSpreadOverTheOthers) {
  constexpr std::uint32_t kBuckets = 100;
  std::set<std::uint32_t> others;
  for (std::uint32_t tag = 0; tag < (1U << kTagBits); ++tag)
    if (Place::first(tag, kBuckets) == 17) others.insert(Place::second(tag, kBuckets, 17));
  EXPECT_EQ(others.size(), kBuckets - 1);
}

}  // namespace
}  // namespace carafe
