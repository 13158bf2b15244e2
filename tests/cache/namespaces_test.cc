// SPDX-License-Identifier: MIT
// The table of namespaces, and what happens in the moment between looking one up and using its number: the record has become another one's.
#include "cache/namespaces.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "cache/reader.h"
#include "cache/stamps.h"
#include "cache/writer.h"
#include "support/small_engine.h"

namespace carafe::test {
namespace {

class ChangedHandsTest : public ::testing::Test {
 protected:
  [[nodiscard]] NamespaceId make(std::string_view name) {
    NamespaceId id;
    EXPECT_EQ(namespaces_.find_or_make(name, "", id), Status::kOk);
    return id;
  }
  [[nodiscard]] Status store(const Key& key, std::string_view value, std::uint64_t stamp, Condition condition = Condition::kAlways) {
    ItemTraits traits;
    traits.stamp = stamp;
    return Writer(engine_, me_).store(key, value, traits, condition);
  }
  [[nodiscard]] std::string read(const Key& key) {
    std::string value;
    return Reader(engine_, me_).read(key, &value, nullptr, true) == ReadResult::kHit ? value : "";
  }

  const Engine engine_ = small_engine();
  const Worker me_ = engine_.worker();
  const Namespaces namespaces_{engine_, me_};
};

/// Looked up as the former's; then the former was dropped, and the latter has its record and has stored something under that key.
TEST_F(ChangedHandsTest, NothingOfTheLatterIsSeenOrChanged) {
  const NamespaceId former = make("former");
  const std::uint64_t stamp = stamp_now(engine_.view);
  const Key before = Key::of(engine_, "key", former);
  ASSERT_TRUE(namespaces_.drop(former));
  NamespaceId latter;
  for (int i = 0; latter.number != former.number; ++i) latter = make("latter" + std::to_string(i));
  const Key key = Key::of(engine_, "key", latter);
  ASSERT_EQ(store(key, "7", stamp_now(engine_.view)), Status::kOk);

  EXPECT_EQ(read(before), "");
  EXPECT_EQ(store(before, "former's", stamp), Status::kStale);
  EXPECT_EQ(store(before, "former's", stamp, Condition::kPresent), Status::kStale);
  EXPECT_EQ(Writer(engine_, me_).increment(before, 1, 0, Expiry{}, stamp).status, Status::kStale);
  EXPECT_EQ(Writer(engine_, me_).touch(before, Expiry::from_ttl(std::chrono::seconds(5))), Status::kStale);
  EXPECT_EQ(Writer(engine_, me_).erase(before), Status::kStale);
  EXPECT_EQ(read(key), "7");
}

/// And if it becomes the latter's only after all that was looked at: what is stored bears a number from before.
TEST_F(ChangedHandsTest, WhatWasBegunBeforeIsNotTheLatters) {
  const NamespaceId former = make("former");
  const std::uint64_t stamp = stamp_now(engine_.view);
  ASSERT_EQ(store(Key::of(engine_, "key", former), "former's", stamp), Status::kOk);
  ASSERT_TRUE(namespaces_.drop(former));
  NamespaceId latter;
  for (int i = 0; latter.number != former.number; ++i) latter = make("latter" + std::to_string(i));
  EXPECT_EQ(read(Key::of(engine_, "key", latter)), "");
  ASSERT_EQ(store(Key::of(engine_, "late", latter), "former's", stamp), Status::kOk);
  EXPECT_EQ(read(Key::of(engine_, "late", latter)), "");
}

}  // namespace
}  // namespace carafe::test
