// SPDX-License-Identifier: MIT
#include "cache/evictor.h"

#include <gtest/gtest.h>

#include <string>

#include "cache/items.h"
#include "cache/writer.h"
#include "support/small_engine.h"

namespace carafe {
namespace {

class EvictorTest : public testing::Test {
 protected:
  /// The chunk of "key", which has `value` from now on; `entry` is its place in the index.
  Chunk store(const std::string& value) {
    EXPECT_EQ(Writer(engine_, me_).store(key_, value, ItemTraits{}, Condition::kAlways), Status::kOk);
    const StripeGuard guard = StripeGuard::attempt(engine_, me_, key_.stripe);
    const Found found = find_locked(engine_, table(), key_, engine_.epoch());
    EXPECT_TRUE(found);
    entry_ = found.entry;
    return found.chunk;
  }
  [[nodiscard]] Claim take(const Chunk& chunk, EvictWhen when) {
    EXPECT_TRUE(engine_.slabs.lock_page(chunk.page, me_));
    const Claim claim = Evictor(engine_, me_).try_take(chunk, when);
    engine_.slabs.unlock_page(chunk.page);
    return claim;
  }
  [[nodiscard]] Table table() const { return Table::of(engine_.view, key_.stripe); }
  [[nodiscard]] std::uint64_t first_version() const { return table().first(key_.tag).version.load(); }
  [[nodiscard]] std::uint64_t second_version() const { return table().second(key_.tag).version.load(); }

  Engine engine_ = test::small_engine();
  const Worker me_ = engine_.worker();
  const Key key_ = Key::of(engine_, "key");
  Atomic<std::uint64_t>* entry_ = nullptr;
};

TEST_F(EvictorTest, DeadMeansNeitherColdNorLive) {
  const Chunk chunk = store("value");
  EXPECT_FALSE(take(chunk, EvictWhen::kDead));
  EXPECT_TRUE(take(chunk, EvictWhen::kAnyway));
}

/// Whoever found it while it had an entry may still be copying. Those who take over a dead writer's lock raise all versions too; this is the
/// second lock on that door.
TEST_F(EvictorTest, WhatNothingRefersToIsTakenUnderNewVersionsOfBothItsBuckets) {
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{50'000}}) {
    const Chunk chunk = store(std::string(bytes, 'v'));
    entry_->store(Entry::kEmpty);
    const std::uint64_t first = first_version();
    const std::uint64_t second = second_version();
    EXPECT_TRUE(take(chunk, EvictWhen::kDead));
    EXPECT_NE(first_version(), first);
    EXPECT_NE(second_version(), second);
  }
}

}  // namespace
}  // namespace carafe
