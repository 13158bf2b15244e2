// SPDX-License-Identifier: MIT
/// The wall clock is set to and fro, by decades: nobody may notice. It is not really set, since it is the whole machine's; this program has a
/// clock_gettime, gettimeofday and time of its own, which all in it call instead of libc's, and which answer with a shifted time of day.
/// And a segment of another time namespace, whose monotonic clock is another: it is refused.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <functional>
#include <iterator>
#include <string>
#include <thread>

#include "carafe/carafe.h"
#include "company/inmate.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/values.h"
#include "support/workout.h"

namespace {

std::atomic<long> shift_seconds{0};
std::atomic<std::uint64_t> asked_for_wall_time{0};

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const long answer = ::syscall(SYS_clock_gettime, clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI) {
    now->tv_sec += shift_seconds.load();
    asked_for_wall_time.fetch_add(1);
  }
  return static_cast<int>(answer);
}
extern "C" time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}
extern "C" int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *out = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

constexpr long kYear = 366L * 86'400;
constexpr long kShifts[] = {kYear, -kYear, 40 * kYear, -60 * kYear, 0, 86'400, -3'600, 1};

class ClockTest : public ::testing::Test {
 protected:
  void TearDown() override { shift_seconds.store(0); }
  static std::chrono::milliseconds since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  }

  ScratchName name_{"clock"};
  Cache cache_ = Cache::create(name_, with_capacity(kMiB));
};

TEST_F(ClockTest, TheWallClockReallyIsAnotherHere) {
  const auto before = std::chrono::system_clock::now();
  shift_seconds.store(40 * kYear);
  EXPECT_GT(std::chrono::system_clock::now() - before, std::chrono::hours(24 * 366 * 39)) << "the C++ library does not ask us";
  EXPECT_GT(::time(nullptr), std::chrono::system_clock::to_time_t(before) + 39 * kYear);
}

TEST_F(ClockTest, NothingExpiresEarlyOrLateWhenTheWallClockIsSet) {
  ASSERT_EQ(cache_.set("for ever", "value"), Status::kOk);
  ASSERT_EQ(cache_.set("a day", "value", 24h), Status::kOk);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(cache_.set("brief", "value", 600ms), Status::kOk);
  int round = 0;
  while (since(start) < 540ms) {
    shift_seconds.store(kShifts[static_cast<std::size_t>(round++) % std::size(kShifts)]);
    const bool there = cache_.get("brief") == "value";
    ASSERT_TRUE(there || since(start) > 590ms) << "expired after " << since(start).count() << " ms, shift " << shift_seconds.load();
    ASSERT_EQ(cache_.get("a day"), "value");
    ASSERT_EQ(cache_.get("for ever"), "value");
    const auto left = cache_.remaining_ttl("a day");
    ASSERT_TRUE(left && *left <= 24h && *left > 24h - 60s) << "shift " << shift_seconds.load();
    ASSERT_EQ(cache_.remaining_ttl("for ever"), kForever);
    // And what is stored under a wrong time lives as long as it should.
    ASSERT_EQ(cache_.set("next", "value", 1h), Status::kOk);
    ASSERT_EQ(cache_.touch("a day", 24h), Status::kOk);
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_GT(round, 16);
  for (const long shift : kShifts) {
    shift_seconds.store(shift);
    if (shift == kShifts[0]) std::this_thread::sleep_until(start + 620ms);
    EXPECT_EQ(cache_.get("brief"), std::nullopt) << "shift " << shift;
    EXPECT_EQ(cache_.get("next"), "value");
    EXPECT_TRUE(cache_.verify().ok);
  }
}

TEST_F(ClockTest, WindowsUptimeAndWaitsDoNotFollowTheWallClock) {
  shift_seconds.store(-60 * kYear);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(cache_.set(numbered_key("k", static_cast<std::uint64_t>(i)), "value"), Status::kOk);
  const auto uptime = cache_.stats().uptime_ms;
  shift_seconds.store(60 * kYear);
  EXPECT_LT(cache_.stats().uptime_ms, uptime + 60'000);
  EXPECT_EQ(workout(cache_, "workout", 50), "");
  EXPECT_EQ(cache_.stats().busy, 0U);
}

/// Opening looks at the boot and the time namespace, never at when the segment was made.
TEST_F(ClockTest, ASegmentFromTheFutureOrThePastIsOpened) {
  for (const long made : {-50 * kYear, 50 * kYear}) {
    for (const long opened : {-55 * kYear, 0L, 55 * kYear}) {
      const ScratchName other("other");
      shift_seconds.store(made);
      {
        Cache cache = Cache::create(other, with_capacity(kMiB));
        ASSERT_EQ(cache.set("key", "value", 1h), Status::kOk);
      }
      shift_seconds.store(opened);
      Cache cache = Cache::open(other);
      EXPECT_EQ(cache.get("key"), "value");
      EXPECT_EQ(workout(cache, "workout", 20), "");
    }
  }
}

TEST_F(ClockTest, TheHotPathsNeverAskForTheTimeOfDay) {
  ASSERT_EQ(cache_.set("key", "value", 1h), Status::kOk);
  const std::uint64_t before = asked_for_wall_time.load();
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_EQ(cache_.set("key", "value", 1h), Status::kOk);
    ASSERT_EQ(cache_.get("key"), "value");
  }
  EXPECT_EQ(asked_for_wall_time.load(), before);
}

TEST_F(ClockTest, AProcessInAnotherTimeNamespaceIsRefused) {
  ASSERT_EQ(cache_.set("key", "value", 1h), Status::kOk);
  Child child = Child::fork([this] {
    if (::unshare(CLONE_NEWTIME) != 0) return forbidden(std::string("no time namespaces here: ") + std::strerror(errno));
    if (!write_file("/proc/self/timens_offsets", "monotonic 8640000 0\n")) return forbidden("may not set a time namespace's offset");
    Child inside = Child::fork([this] {  // the first process in it
      const auto refused = [&](const std::function<void()>& open) {
        try {
          open();
          ADD_FAILURE() << "opened, with another monotonic clock";
        } catch (const Error& error) {
          EXPECT_EQ(error.status(), Status::kForeignNamespace) << error.what();
          EXPECT_NE(std::string(error.what()).find(name_.str()), std::string::npos) << error.what();
        }
      };
      refused([&] { Cache::open(name_); });
      refused([&] { static_cast<void>(Cache::open_or_create(name_)); });
      refused([&] { static_cast<void>(Cache::open_read_only(name_)); });
      const ScratchName own("inside");
      Cache mine = Cache::create(own, with_capacity(kMiB));
      EXPECT_EQ(workout(mine, "inside", 20), "");
      EXPECT_TRUE(Cache::remove(own));
      EXPECT_TRUE(Cache::remove(name_)) << "what is foreign can be removed by name";
      return verdict();
    });
    return inside.wait() == 0 ? 0 : 1;
  });
  CARAFE_EXPECT_FINE(child);
}

}  // namespace
}  // namespace carafe::test
