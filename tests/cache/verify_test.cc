// SPDX-License-Identifier: MIT
#include "cache/verify.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "cache/items.h"
#include "cache/writer.h"
#include "support/small_engine.h"

namespace carafe {
namespace {

/// A segment with a short value, "key", and a chain, "long", at peace; then one word of it is changed.
class VerifyTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(Writer(engine_, me_).store(key_, std::string(300, 'v'), ItemTraits{}, Condition::kAlways), Status::kOk);
    ASSERT_EQ(Writer(engine_, me_).store(long_, std::string(50'000, 'v'), ItemTraits{}, Condition::kAlways), Status::kOk);
    ASSERT_TRUE(verify_segment(engine_).ok);
    found_ = find_locked(engine_, table(), key_, engine_.epoch());
    chain_ = find_locked(engine_, Table::of(engine_.view, long_.stripe), long_, engine_.epoch());
    ASSERT_TRUE(found_ && chain_ && chain_.item.header.chained());
  }

  [[nodiscard]] Table table() const { return Table::of(engine_.view, key_.stripe); }
  [[nodiscard]] const View& view() const { return engine_.view; }
  [[nodiscard]] Atomic<std::uint64_t>& side(const Chunk& chunk) const { return engine_.slabs.side(chunk); }
  [[nodiscard]] static std::byte* bytes(const Found& found) { return const_cast<std::byte*>(found.item.bytes); }
  /// A chunk that nobody has, of a page that is cut.
  [[nodiscard]] Chunk free_chunk() const {
    Chunk chunk = found_.chunk;
    do chunk = engine_.slabs.chunk_at(chunk.page, chunk.index + 1, chunk.size_class);
    while (SideWord::state(side(chunk).load()) != SideWord::kFree);
    return chunk;
  }

  /// While `word` says `wrong`, verify has a problem with `what` in it. After that, none.
  template <typename T>
  void expect_told(Atomic<T>& word, T wrong, const std::string& what) const {
    const T right = word.exchange(wrong);
    const VerifyReport report = verify_segment(engine_);
    word.store(right);
    EXPECT_FALSE(report.ok) << what;
    bool told = false;
    std::string all;
    for (const std::string& problem : report.problems) {
      told |= problem.find(what) != std::string::npos;
      all += "\n" + problem;
    }
    EXPECT_TRUE(told) << "wanted: " << what << all;
    EXPECT_TRUE(verify_segment(engine_).ok) << what << ": not put back";
  }

  Engine engine_ = test::small_engine();
  const Worker me_ = engine_.worker();
  const Key key_ = Key::of(engine_, "key");
  const Key long_ = Key::of(engine_, "long");
  Found found_;
  Found chain_;
};

TEST_F(VerifyTest, TellsOfLocksOfNobody) {
  const std::uint64_t nobody = LockWord::of({5, 77});
  expect_told(view().stripe(3).lock, nobody, "stripe 3 is locked by a worker that never existed");
  expect_told(view().page_info(0).lock, nobody, "page 0 is locked by a worker that never existed");
  expect_told(view().header().slots_used, decltype(view().header().slots_used.load()){1'000'000}, "slots_used is 1000000");
}

TEST_F(VerifyTest, TellsOfTablesThatAreNone) {
  auto& directory = view().directory(key_.stripe);
  const std::uint64_t word = directory.load();
  const std::uint32_t buckets = DirectoryWord::buckets(word);
  const std::string stripe = "stripe " + std::to_string(key_.stripe) + ": ";
  expect_told(directory, DirectoryWord::make(64, buckets, 1), stripe + "its table lies outside the pages");
  expect_told(directory, DirectoryWord::make(view().page_offset(found_.chunk.page), buckets, 1),
              stripe + "its table lies outside the pages");
  expect_told(directory, DirectoryWord::make(DirectoryWord::offset(word), buckets + 1, 1),
              stripe + "its table is not a chunk of its index class");
  Chunk chunk;
  ASSERT_TRUE(engine_.slabs.locate(DirectoryWord::offset(word), chunk));
  expect_told(side(chunk), SideWord::linked(0, key_.stripe + 1, 0), stripe + "its table's chunk does not say that it is this stripe's");
}

TEST_F(VerifyTest, TellsOfEntriesThatReferToNothingOfTheirs) {
  const std::uint64_t word = found_.word;
  Chunk of_table;
  ASSERT_TRUE(engine_.slabs.locate(DirectoryWord::offset(table().directory_word), of_table));
  expect_told(*found_.entry, Entry::make(key_.tag, 8), "refers to no chunk");
  expect_told(*found_.entry, Entry::make(key_.tag, of_table.offset), "refers to a chunk of an index class");
  expect_told(*found_.entry, Entry::make(key_.tag, free_chunk().offset), "refers to a chunk that is not linked to it");
  expect_told(side(found_.chunk), SideWord::linked(0, key_.stripe, key_.tag ^ 1), "refers to a chunk that is not linked to it");

  auto* const bucket = reinterpret_cast<Bucket*>(reinterpret_cast<std::uintptr_t>(found_.entry) & ~std::uintptr_t{63});
  for (auto& free : bucket->entries)
    if (free.load() == Entry::kEmpty) {
      expect_told(free, word | 1, "stands there twice");  // whatever its counter says
      break;
    }
  if (table().count > 1) expect_told(table().other_bucket(*bucket, key_.tag).entries[6], word, "stands in both its buckets");
  for (std::uint32_t i = 0; i < table().count; ++i) {
    Bucket& stranger = table().buckets[i];
    if (&stranger == bucket || &stranger == &table().other_bucket(*bucket, key_.tag)) continue;
    expect_told(stranger.entries[6], word, "stands in a bucket where its tag does not belong");
    break;
  }
}

TEST_F(VerifyTest, TellsOfItemsThatAreNotWhatTheyShouldBe) {
  auto& header = *reinterpret_cast<Atomic<std::uint64_t>*>(bytes(found_));
  expect_told(header, ItemHeader::make(engine_.epoch(), 3, 100'000, false, false).word, "refers to an item longer than its chunk");
  auto& key_bytes = *reinterpret_cast<Atomic<std::uint8_t>*>(bytes(found_) + found_.item.header.key_at());
  expect_told(key_bytes, std::uint8_t{'K'}, "refers to an item whose key belongs elsewhere");

  const std::string broken = "begins a chain that is broken";
  Chunk part;
  ASSERT_TRUE(engine_.slabs.locate(PartRef::offset(chain_.item.first_part()), part));
  auto& next = *reinterpret_cast<Atomic<std::uint64_t>*>(bytes(chain_) + chain_.item.header.chain_at());
  expect_told(next, PartRef::make(8, 1'000), broken);
  expect_told(next, PartRef::make(part.offset + 8, PartRef::bytes(next.load())), broken);
  expect_told(side(part), SideWord::part(0, long_.stripe + 1, long_.tag), broken);
  expect_told(side(part), SideWord::part(0, long_.stripe, long_.tag ^ 1), broken);
  expect_told(side(part), SideWord::linked(0, long_.stripe, long_.tag), broken);
  expect_told(*reinterpret_cast<Atomic<std::uint64_t>*>(engine_.view.base() + part.offset + kPartChainIdAt), std::uint64_t{4711}, broken);
}

TEST_F(VerifyTest, TellsOfPagesAndChunksOfNobody) {
  const std::uint32_t page = found_.chunk.page;
  expect_told(view().page_class(page), 200U, "page " + std::to_string(page) + " has the unknown class 200");
  const Chunk chunk = free_chunk();
  const std::string what = "page " + std::to_string(page) + ", chunk " + std::to_string(chunk.index) + " ";
  expect_told(side(chunk), SideWord::free(1) | 5, what + "is free, but not only that");
  expect_told(side(chunk), SideWord::claimed(1, {9, 77}), what + "is claimed by a worker that never existed");
  expect_told(side(chunk), SideWord::claimed(1, {4'000, 1}), what + "is claimed by a worker that never existed");
  expect_told(side(chunk), SideWord::part(1, (1U << kStripeBits) - 1, 0), what + "belongs to an unknown stripe");
}

TEST_F(VerifyTest, ToldProblemsAreAHundredAtMost) {
  for (std::uint32_t i = 0; i < view().geometry().page_count; ++i) view().page_class(i).store(200);
  for (std::uint32_t i = 0; i < view().geometry().stripe_count; ++i) view().directory(i).store(DirectoryWord::make(64, 1, 1));
  EXPECT_EQ(verify_segment(engine_).problems.size(), 100U);
}

/// Chunks that a death left without anything that refers to them are no damage: they are counted, and come back by themselves.
TEST_F(VerifyTest, CountsWhatTheDeadHaveLeft) {
  found_.entry->store(Entry::kEmpty);
  const VerifyReport report = verify_segment(engine_);
  EXPECT_TRUE(report.ok);
  EXPECT_EQ(report.unreferenced, 1U);
}

}  // namespace
}  // namespace carafe
