// SPDX-License-Identifier: MIT
/// Huge pages, page tables filled beforehand, NUMA: that they do what they say where the machine allows it, and harm nothing where not.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "carafe/carafe.h"
#include "company/inmate.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kCapacity = 32 * kMiB;
constexpr std::uint64_t kItems = 5000;  // of 4 KiB: most pages
constexpr std::size_t kHugePage = 2 * kMiB;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kFewFaults = 1'000'000;  // a sanitizer touches memory of its own
#else
constexpr long kFewFaults = 20;
#endif

Options with(Pages pages, Populate populate) {
  Options options = with_capacity(kCapacity);
  options.pages = pages;
  options.populate = populate;
  return options;
}

void fill(Cache& cache) {
  for (std::uint64_t i = 0; i < kItems; ++i) ASSERT_EQ(cache.set(numbered_key("k", i), std::string(4096, 'v')), Status::kOk);
}

long minor_faults() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

/// Page faults of getting everything.
long faults_of_gets(Cache& cache) {
  std::uint64_t hits = 0;
  const long before = minor_faults();
  for (std::uint64_t i = 0; i < kItems; ++i) hits += cache.get(numbered_key("k", i)).has_value() ? 1 : 0;
  const long faults = minor_faults() - before;
  EXPECT_EQ(hits, kItems);
  return faults;
}

std::size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

class MemoryTest : public ::testing::Test {
 protected:
  ScratchName name_{"memory"};
};

TEST_F(MemoryTest, PageTablesFilledAtOpeningSpareTheGetsTheirFaults) {
  Cache made = Cache::create(name_, with(Pages::kSmall, Populate::kNone));
  fill(made);
  Cache lazy = Cache::open(name_, with(Pages::kSmall, Populate::kNone));
  const long with_faults = faults_of_gets(lazy);
  Cache ready = Cache::open(name_, with(Pages::kSmall, Populate::kAtOpening));
  EXPECT_GE(ready.memory().mapped_bytes, kCapacity);
  const long without = faults_of_gets(ready);
  std::fprintf(stderr, "page faults of %llu gets: %ld, and %ld in a mapping that was filled\n", static_cast<unsigned long long>(kItems),
               with_faults, without);
  EXPECT_GT(with_faults, 5) << "then this shows nothing";  // 16 small pages each; one where the file lies on huge ones
  EXPECT_LT(without, kFewFaults);
  EXPECT_TRUE(ready.memory().refused.empty());
}

TEST_F(MemoryTest, OrInTheBackground) {
  Cache made = Cache::create(name_, with(Pages::kSmall, Populate::kInBackground));
  EXPECT_TRUE(eventually(10s, [&] { return made.memory().mapped_bytes >= kCapacity; }));
  fill(made);
  Cache opened = Cache::open(name_, with(Pages::kSmall, Populate::kInBackground));
  ASSERT_TRUE(eventually(10s, [&] { return opened.memory().mapped_bytes >= kCapacity; }));
  EXPECT_LT(faults_of_gets(opened), kFewFaults);
}

TEST_F(MemoryTest, AHandleThatGoesTakesItsThreadAlong) {
  const std::size_t before = threads();
  for (int round = 0; round < 30; ++round) {
    std::optional<Cache> cache(Cache::open_or_create(name_, with(round % 2 == 0 ? Pages::kHuge : Pages::kAuto, Populate::kInBackground)));
    ASSERT_EQ(cache->set("key", "value"), Status::kOk);
    Cache moved = std::move(*cache);
    cache.reset();
    ASSERT_EQ(moved.get("key"), "value");
  }
  EXPECT_TRUE(eventually(2s, [before] { return threads() == before; })) << threads() << " threads, " << before << " before";
}

TEST_F(MemoryTest, AChildOfAPopulatingParentWaitsForNoThread) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer takes the clone for a thread of its parent";
#endif
  for (int round = 0; round < 3; ++round) {
    std::optional<Cache> cache(Cache::create_anonymous(with(Pages::kHuge, Populate::kInBackground)));  // which takes a while
    // By a raw clone: after fork, glibc would know that the thread is not there.
    Cloned child(0, [&cache] {
      CHILD_REQUIRE(cache->set("key", "value") == Status::kOk);
      cache.reset();
      return 0;
    });
    ASSERT_EQ(child.wait(), 0);
    ASSERT_EQ(cache->get("key"), "value");
  }
}

TEST_F(MemoryTest, AChildMayFillPageTablesOfItsOwn) {
  Cache cache = Cache::create(name_, with(Pages::kSmall, Populate::kAtOpening));
  fill(cache);
  Child child = Child::fork([&cache] {
    cache.populate();
    CHILD_REQUIRE(cache.memory().mapped_bytes >= kCapacity);
    CHILD_REQUIRE(faults_of_gets(cache) < kFewFaults);
    return HasFailure() ? 1 : 0;
  });
  ASSERT_EQ(child.wait(20s), 0);
}

TEST_F(MemoryTest, WhoFollowsANamePopulatesTheNewSegmentToo) {
  Cache cache = Cache::create(name_, with(Pages::kSmall, Populate::kAtOpening));
  ASSERT_TRUE(Cache::remove(name_));
  Cache other = Cache::create(name_, with(Pages::kSmall, Populate::kNone));
  ASSERT_TRUE(eventually(5s, [&] { return cache.set("key", "value") == Status::kOk; }));
  EXPECT_TRUE(eventually(10s, [&] { return cache.memory().mapped_bytes >= kCapacity; }));
  EXPECT_EQ(other.get("key"), "value");
}

TEST_F(MemoryTest, HugePagesAreCollectedForEverybodyOrItIsSaidWhyNot) {
  Cache made = Cache::create(name_, with(Pages::kSmall, Populate::kNone));
  fill(made);
  Cache huge = Cache::open(name_, with(Pages::kHuge, Populate::kNone));
  const MemoryStats memory = huge.memory();
  EXPECT_GE(memory.bytes, kCapacity);
  struct stat file {};
  ASSERT_EQ(::stat(name_.path().c_str(), &file), 0);
  EXPECT_GE(file.st_blocks * 512, static_cast<off_t>(kCapacity)) << "no longer reserved in full";
  EXPECT_GE(faults_of_gets(made), 0) << "whoever had small ones mapped goes on";
  if (memory.huge_bytes < kCapacity) {
    EXPECT_FALSE(memory.refused.empty()) << memory.huge_bytes;
    GTEST_SKIP() << "no huge pages here: " << (memory.refused.empty() ? "?" : memory.refused.front());
  }
  EXPECT_TRUE(memory.refused.empty());
  EXPECT_EQ(Cache::open(name_).memory().huge_bytes, kCapacity) << "not mapped as such by others";
  EXPECT_EQ(Cache::open_read_only(name_).memory().huge_bytes, kCapacity);
  EXPECT_EQ(Cache::open(name_, with(Pages::kSmall, Populate::kNone)).memory().huge_bytes, 0U);
  Cache ready = Cache::open(name_);
  EXPECT_LT(faults_of_gets(ready), static_cast<long>(kCapacity / kHugePage) + kFewFaults);
}

TEST_F(MemoryTest, ManyMayCollectTheSamePages) {
  const Cache made = Cache::create(name_, with(Pages::kSmall, Populate::kNone));
  std::vector<std::thread> openers;
  for (int i = 0; i < 4; ++i) {
    openers.emplace_back([this] {
      Cache cache = Cache::open(name_, with(Pages::kHuge, Populate::kAtOpening));
      EXPECT_EQ(cache.set("key", "value"), Status::kOk);
    });
  }
  for (std::thread& opener : openers) opener.join();
  const MemoryStats memory = Cache::open(name_, with(Pages::kHuge, Populate::kNone)).memory();
  EXPECT_EQ(memory.huge_bytes < kCapacity, !memory.refused.empty()) << memory.huge_bytes;
}

TEST_F(MemoryTest, AnonymousSegmentsToo) {
  Cache cache = Cache::create_anonymous(with(Pages::kHuge, Populate::kAtOpening));
  fill(cache);
  EXPECT_LT(faults_of_gets(cache), kFewFaults);
  const MemoryStats memory = cache.memory();
  EXPECT_TRUE(memory.huge_bytes == kCapacity || !memory.refused.empty()) << memory.huge_bytes;
}

TEST_F(MemoryTest, AnEndThatFillsNoHugePageIsNoFailure) {
  Options options = with(Pages::kHuge, Populate::kAtOpening);
  options.capacity_bytes = 5 * kMiB + 4097;
  Cache cache = Cache::create(name_, options);
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache.get("key"), "value");
  EXPECT_GE(cache.memory().mapped_bytes, options.capacity_bytes);
  options.capacity_bytes = kMiB;
  EXPECT_TRUE(Cache::create_anonymous(options).memory().refused.empty()) << "nothing to collect in 1 MiB";
}

TEST_F(MemoryTest, ManyWhoOpenAtOnceTakeNoPlaceFromEachOther) {
  ASSERT_EQ(Cache::create(name_, with(Pages::kAuto, Populate::kNone)).set("key", "value"), Status::kOk);
  std::vector<std::thread> openers;
  for (int i = 0; i < 4; ++i) {
    openers.emplace_back([this] {
      for (int round = 0; round < 200; ++round) EXPECT_EQ(Cache::open_read_only(name_).get("key"), "value");
    });
  }
  for (std::thread& opener : openers) opener.join();
  EXPECT_TRUE(mappings_of(name_.path(), kMiB).empty()) << "left mapped";
}

TEST_F(MemoryTest, AMappingTakesNoMoreAddressSpaceThanItsBytes) {
  static_cast<void>(Cache::create(name_, with(Pages::kAuto, Populate::kNone)));
  const auto address_space = [] { return std::stoull(read_file_of_unknown_size("/proc/self/statm")); };
  for (const Pages pages : {Pages::kSmall, Pages::kAuto}) {
    static_cast<void>(Cache::open(name_, with(pages, Populate::kNone)));  // the heap has what it needs
    const auto before = address_space();
    const Cache cache = Cache::open(name_, with(pages, Populate::kNone));
    EXPECT_LE(address_space() - before, kCapacity / 4096 + 64);
  }
}

TEST_F(MemoryTest, InterleavingIsDoneOrItIsSaidWhyNot) {
  Options options = with_capacity(4 * kMiB);
  options.interleave = true;
  Cache cache = Cache::create(name_, options);
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  EXPECT_EQ(cache.get("key"), "value");
  const MemoryStats memory = cache.memory();
  if (memory.numa_nodes > 1 && memory.refused.empty()) {
    EXPECT_EQ(memory.numa_policy.rfind("interleave", 0), 0U) << memory.numa_policy;
    EXPECT_EQ(Cache::open_read_only(name_).memory().numa_policy, memory.numa_policy);
    return;
  }
  ASSERT_EQ(memory.refused.size(), 1U);
  EXPECT_EQ(memory.refused.front().rfind("interleave: ", 0), 0U) << memory.refused.front();
  EXPECT_TRUE(Cache::create_anonymous(with_capacity(kMiB)).memory().refused.empty()) << "who asked for nothing was refused nothing";
}

}  // namespace
}  // namespace carafe::test
