// SPDX-License-Identifier: MIT
#include "cache/items.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "cache/reader.h"
#include "cache/stripe_guard.h"
#include "cache/verify.h"
#include "cache/writer.h"
#include "support/small_engine.h"

namespace carafe {
namespace {

/// A million damaged images found it: a head that says that nothing follows read as a shorter value, and verify was content.
TEST(ItemsTest, AChainOfOneChunkIsBroken) {
  const Engine engine = test::small_engine();
  const Worker me = engine.worker();
  const Key key = Key::of(engine, "key");
  ASSERT_EQ(Writer(engine, me).store(key, std::string(50'000, 'v'), ItemTraits{}, Condition::kAlways), Status::kOk);
  ASSERT_TRUE(verify_segment(engine).ok);

  const Found found = find_locked(engine, Table::of(engine.view, key.stripe), key, engine.epoch());
  ASSERT_TRUE(found.item.header.chained());
  const std::uint64_t nothing_follows[] = {0, found.item.header.value_bytes()};
  std::memcpy(const_cast<std::byte*>(found.item.bytes) + found.item.header.chain_at(), nothing_follows, sizeof nothing_follows);
  std::string value;
  EXPECT_EQ(Reader(engine, me).read(key, &value, nullptr, false), ReadResult::kCorrupt);
  EXPECT_FALSE(verify_segment(engine).ok);
}

}  // namespace
}  // namespace carafe
