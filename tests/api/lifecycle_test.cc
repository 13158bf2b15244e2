// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "carafe/carafe.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

static_assert(std::is_nothrow_move_constructible_v<Cache> && std::is_nothrow_move_assignable_v<Cache>);
static_assert(!std::is_copy_constructible_v<Cache> && !std::is_copy_assignable_v<Cache> && !std::is_default_constructible_v<Cache>);

class LifecycleTest : public ::testing::Test {
 protected:
  ScratchName name_{"lifecycle"};
};

TEST_F(LifecycleTest, RemoveSaysWhetherThereWasOne) {
  EXPECT_FALSE(Cache::remove(name_));
  { Cache cache = Cache::create(name_, with_capacity(kMiB)); }
  EXPECT_TRUE(Cache::remove(name_));
  EXPECT_FALSE(Cache::remove(name_));
  EXPECT_TRUE(shared_files_with(name_.str()).empty());
}

TEST_F(LifecycleTest, AfterRemoveOpenHandlesMissAtOnceAndTheirWritesSayRetired) {
  Cache cache = Cache::create(name_, with_capacity(kMiB));
  Cache reader = Cache::open_read_only(name_);
  ASSERT_EQ(cache.set("key", "1"), Status::kOk);
  const auto seen = cache.get_versioned("key");
  ASSERT_TRUE(seen.has_value());

  ASSERT_TRUE(Cache::remove(name_));

  EXPECT_EQ(cache.get("key"), std::nullopt);
  EXPECT_EQ(reader.get("key"), std::nullopt);
  EXPECT_FALSE(cache.contains("key"));
  EXPECT_EQ(cache.get_versioned("key"), std::nullopt);
  EXPECT_EQ(cache.remaining_ttl("key"), std::nullopt);
  std::string reused = "before";
  EXPECT_NE(cache.get("key", reused), Status::kOk);
  EXPECT_EQ(reused, "");
  const std::string_view keys[] = {"key"};
  EXPECT_EQ(cache.get_many(keys), std::vector<std::optional<std::string>>{std::nullopt});
  cache.for_each([](std::string_view, std::string_view) { ADD_FAILURE() << "an item of a retired segment was visited"; });

  const KeyValue items[] = {{"key", "2"}};
  EXPECT_EQ(cache.set("key", "2"), Status::kRetired);
  EXPECT_EQ(cache.set("key", "2", SetOptions{}), Status::kRetired);
  EXPECT_EQ(cache.add("other", "2"), Status::kRetired);
  EXPECT_EQ(cache.replace("key", "2"), Status::kRetired);
  EXPECT_EQ(cache.increment("key", 1).status, Status::kRetired);
  EXPECT_EQ(cache.compare_and_set("key", seen->version, "2"), Status::kRetired);
  EXPECT_EQ(cache.touch("key", 1h), Status::kRetired);
  EXPECT_EQ(cache.erase("key"), Status::kRetired);
  EXPECT_EQ(cache.set_many(items), std::vector<Status>{Status::kRetired});
  EXPECT_EQ(cache.erase_many(keys), std::vector<Status>{Status::kRetired});
  cache.clear();
  EXPECT_TRUE(cache.stats().retired);
  EXPECT_TRUE(cache.info().retired);
  EXPECT_TRUE(shared_files_with(name_.str()).empty()) << "a write made the name come back";
}

TEST_F(LifecycleTest, HandlesMoveToANewSegmentOfTheNameWithinASecond) {
  Cache old = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(old.set("key", "old"), Status::kOk);
  ASSERT_TRUE(Cache::remove(name_));
  ASSERT_EQ(old.set("key", "nowhere"), Status::kRetired);

  Cache fresh = Cache::create(name_, with_capacity(2 * kMiB));
  ASSERT_EQ(fresh.set("key", "new"), Status::kOk);

  EXPECT_TRUE(eventually(1000ms, [&old] {
    const auto value = old.get("key");
    EXPECT_NE(value, "old");
    EXPECT_NE(value, "nowhere");
    return value == "new";
  })) << "did not move within a second";
  ASSERT_EQ(old.set("back", "from the old handle"), Status::kOk);
  EXPECT_EQ(fresh.get("back"), "from the old handle");
  EXPECT_EQ(old.info().capacity_bytes, 2 * kMiB);
  EXPECT_FALSE(old.stats().retired);
}

TEST_F(LifecycleTest, AHandleThatOnlyWritesMovesToo) {
  Cache old = Cache::create(name_, with_capacity(kMiB));
  ASSERT_TRUE(Cache::remove(name_));
  Cache fresh = Cache::create(name_, with_capacity(kMiB));
  EXPECT_TRUE(eventually(1000ms, [&old] {
    const Status status = old.set("key", "value");
    EXPECT_TRUE(status == Status::kOk || status == Status::kRetired) << to_string(status);
    return status == Status::kOk;
  }));
  EXPECT_EQ(fresh.get("key"), "value");
}

TEST_F(LifecycleTest, AReadOnlyHandleMovesToo) {
  { Cache cache = Cache::create(name_, with_capacity(kMiB)); }
  Cache reader = Cache::open_read_only(name_);
  ASSERT_TRUE(Cache::remove(name_));
  ASSERT_EQ(reader.get("key"), std::nullopt);
  Cache fresh = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(fresh.set("key", "new"), Status::kOk);
  EXPECT_TRUE(eventually(1000ms, [&reader] { return reader.get("key") == "new"; }));
}

TEST_F(LifecycleTest, AHandleFollowsTheNameThroughTwentyDeployments) {
  Cache old = Cache::create(name_, with_capacity(kMiB));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Cache::remove(name_));
    Cache fresh = Cache::create(name_, with_capacity(kMiB));
    ASSERT_EQ(fresh.set("round", std::to_string(i)), Status::kOk);
    ASSERT_TRUE(eventually(1000ms, [&] { return old.get("round") == std::to_string(i); })) << i;
  }
}

TEST_F(LifecycleTest, ANameUnlinkedBehindOurBackIsNoticedWithinASecondOfActivity) {
  Cache cache = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  ASSERT_EQ(::unlink(name_.path().c_str()), 0);
  EXPECT_TRUE(eventually(1200ms, [&cache] { return cache.set("key", "value") == Status::kRetired; }));
  EXPECT_EQ(cache.get("key"), std::nullopt);
  EXPECT_TRUE(shared_files_with(name_.str()).empty());
}

TEST_F(LifecycleTest, ReadingAloneNoticesAnUnlinkedNameToo) {
  Cache cache = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  ASSERT_EQ(::unlink(name_.path().c_str()), 0);
  EXPECT_TRUE(eventually(1200ms, [&cache] { return !cache.get("key").has_value(); }));
}

TEST_F(LifecycleTest, AReadOnlyHandleFollowsANameUnlinkedBehindItsBack) {
  {
    Cache cache = Cache::create(name_, with_capacity(kMiB));
    ASSERT_EQ(cache.set("key", "old"), Status::kOk);
  }
  Cache reader = Cache::open_read_only(name_);
  ASSERT_EQ(reader.get("key"), "old");
  ASSERT_EQ(::unlink(name_.path().c_str()), 0);
  Cache fresh = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(fresh.set("key", "new"), Status::kOk);
  EXPECT_TRUE(eventually(1500ms, [&reader] { return reader.get("key") == "new"; }));
}

TEST_F(LifecycleTest, AFewOperationsASecondAreActivityEnough) {
  Cache cache = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  ASSERT_EQ(::unlink(name_.path().c_str()), 0);
  bool noticed = false;
  for (int i = 0; i < 8 && !noticed; ++i) {
    noticed = !cache.get("key").has_value();
    ::usleep(200'000);
  }
  EXPECT_TRUE(noticed);
}

TEST_F(LifecycleTest, AfterAnUnlinkBehindOurBackTheHandleMovesToTheNewSegment) {
  Cache old = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(old.set("key", "old"), Status::kOk);
  ASSERT_EQ(::unlink(name_.path().c_str()), 0);
  Cache fresh = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(fresh.set("key", "new"), Status::kOk);
  EXPECT_TRUE(eventually(1500ms, [&old] { return old.get("key") == "new"; }));
}

TEST_F(LifecycleTest, ClosingNeverUnlinks) {
  {
    Cache cache = Cache::create(name_, with_capacity(kMiB));
    ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  }
  ASSERT_EQ(shared_files_with(name_.str()).size(), 1U);
  for (int i = 0; i < 10; ++i) {
    Cache again = Cache::open(name_);
    EXPECT_EQ(again.get("key"), "value");
  }
  EXPECT_EQ(shared_files_with(name_.str()).size(), 1U);
}

TEST_F(LifecycleTest, OpeningAndClosingALotTakesNoDescriptorsMemoryOrSlotsForGood) {
  Options options = with_capacity(kMiB);
  options.max_workers = 4;
  Cache cache = Cache::create(name_, options);
  const int before = ::dup(0);
  ::close(before);
  for (int i = 0; i < 500; ++i) {
    Cache again = Cache::open(name_);
    ASSERT_EQ(again.set("key", "value"), Status::kOk) << i;
  }
  const int after = ::dup(0);
  ::close(after);
  EXPECT_EQ(after, before) << "descriptors were left open";
  EXPECT_EQ(mappings_of(name_.path(), kMiB).size(), 1U);
  EXPECT_LE(mappings_of(name_.path(), 1).size(), 2U) << "the segment, and the one page that holds the slot";
}

TEST_F(LifecycleTest, AMovedHandleGoesOnAndAnAssignedOneLeavesItsOldSegment) {
  const ScratchName other_name("other");
  Cache first = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(first.set("key", "first"), Status::kOk);
  Cache moved = std::move(first);
  EXPECT_EQ(moved.get("key"), "first");

  Cache other = Cache::create(other_name, with_capacity(kMiB));
  ASSERT_EQ(other.set("key", "other"), Status::kOk);
  moved = std::move(other);
  EXPECT_EQ(moved.get("key"), "other");
  EXPECT_EQ(moved.info().name, other_name.str());
  EXPECT_EQ(Cache::open(name_).get("key"), "first");
}

TEST_F(LifecycleTest, HandlesCanBeKeptInAnOptionalAndSwapped) {
  std::optional<Cache> one = Cache::create_anonymous(with_capacity(kMiB));
  std::optional<Cache> two = Cache::create_anonymous(with_capacity(kMiB));
  ASSERT_EQ(one->set("key", "one"), Status::kOk);
  ASSERT_EQ(two->set("key", "two"), Status::kOk);
  std::swap(one, two);
  EXPECT_EQ(one->get("key"), "two");
  EXPECT_EQ(two->get("key"), "one");
  one.reset();
  EXPECT_EQ(two->get("key"), "one");
}

TEST_F(LifecycleTest, AReadOnlyHandleReadsEverythingAndChangesNotOneByte) {
  {
    Cache writer = Cache::create(name_, with_capacity(kMiB));
    for (std::uint64_t i = 0; i < 500; ++i) ASSERT_EQ(writer.set(numbered_key("k", i), value_for("k", i, i)), Status::kOk);
    ASSERT_EQ(writer.set("large", value_for("large", 1, kMiB / 8)), Status::kOk);
    ASSERT_EQ(writer.set("brief", "value", 1ms), Status::kOk);
    ASSERT_EQ(writer.set("counter", "5"), Status::kOk);
    ::usleep(20'000);
  }
  const std::string before = read_file(name_.path());
  ASSERT_EQ(before.size(), kMiB);
  {
    Cache reader = Cache::open_read_only(name_);
    std::string reused;
    for (std::uint64_t i = 0; i < 500; ++i) {
      EXPECT_EQ(reader.get(numbered_key("k", i)), value_for("k", i, i));
      EXPECT_EQ(reader.get(numbered_key("absent", i)), std::nullopt);
    }
    EXPECT_EQ(reader.get("counter", reused), Status::kOk);
    EXPECT_EQ(reused, "5");
    EXPECT_EQ(reader.get("large"), value_for("large", 1, kMiB / 8));
    EXPECT_EQ(reader.get("brief"), std::nullopt);
    const std::string_view keys[] = {"counter", "absent"};
    EXPECT_EQ(reader.get_many(keys), (std::vector<std::optional<std::string>>{"5", std::nullopt}));
    EXPECT_TRUE(reader.contains("counter"));
    EXPECT_EQ(reader.remaining_ttl("counter"), kForever);
    const auto seen = reader.get_versioned("counter");
    ASSERT_TRUE(seen.has_value());

    const KeyValue items[] = {{"key", "2"}};
    EXPECT_EQ(reader.set("key", "value"), Status::kReadOnly);
    EXPECT_EQ(reader.add("key", "value"), Status::kReadOnly);
    EXPECT_EQ(reader.replace("counter", "value"), Status::kReadOnly);
    EXPECT_EQ(reader.increment("counter", 1).status, Status::kReadOnly);
    EXPECT_EQ(reader.compare_and_set("counter", seen->version, "6"), Status::kReadOnly);
    EXPECT_EQ(reader.touch("counter", 1h), Status::kReadOnly);
    EXPECT_EQ(reader.erase("counter"), Status::kReadOnly);
    EXPECT_EQ(reader.set_many(items), std::vector<Status>{Status::kReadOnly});
    EXPECT_EQ(reader.erase_many(keys), (std::vector<Status>{Status::kReadOnly, Status::kReadOnly}));
    reader.clear();

    std::uint64_t visited = 0;
    reader.for_each([&visited](std::string_view, std::string_view) { ++visited; });
    EXPECT_EQ(visited, 502U);
    EXPECT_TRUE(reader.verify().ok);
    EXPECT_EQ(reader.stats().sets, 503U);
    EXPECT_FALSE(reader.slabs().empty());
    EXPECT_EQ(reader.info().name, name_.str());
    for (const WorkerStats& worker : reader.workers()) EXPECT_FALSE(worker.alive);
  }
  EXPECT_TRUE(read_file(name_.path()) == before) << "bytes of the segment were changed";
}

TEST_F(LifecycleTest, AReadOnlyHandleTakesNoWorkerSlot) {
  Cache writer = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(writer.set("key", "value"), Status::kOk);
  const std::uint64_t registrations = writer.stats().registrations;
  Cache reader = Cache::open_read_only(name_);
  EXPECT_EQ(reader.get("key"), "value");
  EXPECT_EQ(writer.stats().workers, 1U);
  EXPECT_EQ(writer.stats().registrations, registrations);
}

TEST_F(LifecycleTest, AnAnonymousSegmentHasNoNameInDevShm) {
  const auto before = shared_files_with("carafe");
  Cache cache = Cache::create_anonymous(with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  for (const std::string& file : shared_files_with("carafe")) {
    EXPECT_EQ(file.find("." + std::to_string(::getpid()) + "."), std::string::npos) << file;
  }
}

}  // namespace
}  // namespace carafe::test
