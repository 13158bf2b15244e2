// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "base/racy_copy.h"
#include "carafe/carafe.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

class GetViewTest : public ::testing::Test {
 protected:
  /// What each call of the visitor saw.
  Status look(std::string_view key) {
    seen_.clear();
    return cache_.get_view(key, [this](std::string_view value) { seen_.emplace_back(value); });
  }

  Cache cache_ = Cache::create_anonymous(with_capacity(8 * kMiB));
  std::vector<std::string> seen_;
};

/// A visitor reads without atomics, which ThreadSanitizer calls a race with a writer: there it is always handed a copy.
class GetViewInPlaceTest : public GetViewTest {
#ifdef CARAFE_TSAN
 protected:
  void SetUp() override { GTEST_SKIP() << "under ThreadSanitizer a visitor gets a copy"; }
#endif
};

TEST_F(GetViewTest, TheValueIsSeenOnce) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  ASSERT_EQ(look("key"), Status::kOk);
  EXPECT_EQ(seen_, std::vector<std::string>{"value"});
}

TEST_F(GetViewTest, AnEmptyValueIsSeen) {
  ASSERT_EQ(cache_.set("key", ""), Status::kOk);
  ASSERT_EQ(look("key"), Status::kOk);
  EXPECT_EQ(seen_, std::vector<std::string>{""});
}

TEST_F(GetViewTest, WhatIsNotThereIsNotVisited) {
  EXPECT_EQ(look("absent"), Status::kNotFound);
  EXPECT_EQ(look(""), Status::kBadKey);
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  cache_.clear();
  EXPECT_EQ(look("key"), Status::kNotFound);
  EXPECT_TRUE(seen_.empty());
}

TEST_F(GetViewTest, ValuesOfManyChunksAreSeenWhole) {
  const std::string value = value_for("key", 1, 500'000);
  ASSERT_EQ(cache_.set("key", value), Status::kOk);
  ASSERT_EQ(look("key"), Status::kOk);
  ASSERT_EQ(seen_.size(), 1U);
  EXPECT_EQ(seen_[0], value);
}

TEST_F(GetViewInPlaceTest, NothingIsCopied) {
  ASSERT_EQ(cache_.set("key", std::string(1'000, 'v')), Status::kOk);
  const char* first = nullptr;
  const char* again = nullptr;
  ASSERT_EQ(cache_.get_view("key", [&](std::string_view value) { first = value.data(); }), Status::kOk);
  const std::string copy = cache_.get("key").value();
  ASSERT_EQ(cache_.get_view("key", [&](std::string_view value) { again = value.data(); }), Status::kOk);
  EXPECT_EQ(first, again);
  EXPECT_NE(first, copy.data());
}

TEST_F(GetViewInPlaceTest, WhatWasReplacedMeanwhileIsVisitedAgainAsItIsNow) {
  ASSERT_EQ(cache_.set("key", "before"), Status::kOk);
  const Status status = cache_.get_view("key", [&](std::string_view value) {
    seen_.emplace_back(value);
    if (seen_.size() > 1) return;
    ASSERT_EQ(cache_.set("key", "after"), Status::kOk);
  });
  EXPECT_EQ(status, Status::kOk);
  EXPECT_EQ(seen_, (std::vector<std::string>{"before", "after"}));
}

TEST_F(GetViewInPlaceTest, WhatIsReplacedAtEachLookIsSeenTwiceAtMost) {
  ASSERT_EQ(cache_.set("key", "0"), Status::kOk);
  const Status status = cache_.get_view("key", [&](std::string_view value) {
    seen_.emplace_back(value);
    ASSERT_EQ(cache_.set("key", std::to_string(seen_.size())), Status::kOk);
  });
  EXPECT_EQ(status, Status::kOk);  // the copy was whole
  EXPECT_EQ(seen_, (std::vector<std::string>{"0", "1"}));
}

TEST_F(GetViewInPlaceTest, WhatIsErasedMeanwhileDoesNotCount) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const Status status = cache_.get_view("key", [&](std::string_view) { ASSERT_EQ(cache_.erase("key"), Status::kOk); });
  EXPECT_EQ(status, Status::kNotFound);
}

TEST_F(GetViewTest, AVisitorsExceptionComesThrough) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  EXPECT_THROW(static_cast<void>(cache_.get_view("key", [](std::string_view) { throw std::runtime_error("no"); })), std::runtime_error);
  EXPECT_EQ(cache_.set("key", "other"), Status::kOk);
  EXPECT_EQ(cache_.get("key"), "other");
}

TEST_F(GetViewTest, AnyCallableWillDo) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  static std::size_t bytes;
  EXPECT_EQ(cache_.get_view(
                "key", +[](std::string_view value) { bytes = value.size(); }),
            Status::kOk);
  EXPECT_EQ(bytes, 5U);
  const auto answers = [](std::string_view value) { return value.size(); };
  EXPECT_EQ(cache_.get_view("key", answers), Status::kOk);
}

TEST_F(GetViewTest, CountsAsAGet) {
  ASSERT_EQ(cache_.set("key", "value"), Status::kOk);
  const Stats before = cache_.stats();
  static_cast<void>(look("key"));
  static_cast<void>(look("absent"));
  EXPECT_EQ(cache_.stats().hits, before.hits + 1);
  EXPECT_EQ(cache_.stats().misses, before.misses + 1);
}

TEST_F(GetViewTest, InANamespaceWithTagsAndATimeToLive) {
  Namespace users = cache_.in("users");
  ASSERT_EQ(users.set("key", "theirs", {.ttl = std::chrono::hours(1), .tags = {"price"}}), Status::kOk);
  ASSERT_EQ(cache_.set("key", "ours"), Status::kOk);
  ASSERT_EQ(users.get_view("key", [this](std::string_view value) { seen_.emplace_back(value); }), Status::kOk);
  EXPECT_EQ(seen_, std::vector<std::string>{"theirs"});
  ASSERT_EQ(cache_.invalidate_tag("price"), Status::kOk);
  EXPECT_EQ(users.get_view("key", [](std::string_view) { FAIL(); }), Status::kNotFound);
}

}  // namespace
}  // namespace carafe::test
