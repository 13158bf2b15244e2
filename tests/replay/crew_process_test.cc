// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "replay/crew.h"
#include "replay/replayer.h"

namespace carafe::replay {
namespace {

/// Skewed gets over `keys` keys.
Trace skewed(std::size_t requests, std::size_t keys) {
  Trace trace;
  std::uint64_t random = 3;
  for (std::size_t i = 0; i < requests; ++i) {
    random = random * 6364136223846793005 + 1442695040888963407;
    const double unit = static_cast<double>(random >> 11) / 9007199254740992.0;
    Request request;
    request.key = trace.keys.number(std::to_string(static_cast<std::size_t>(static_cast<double>(keys) * unit * unit * unit)));
    trace.add(request);
  }
  return trace;
}

CrewResult replay_in_fresh_segment(const Trace& trace, const CrewPlan& plan) {
  Options options;
  options.capacity_bytes = 1 << 20;
  Cache cache = Cache::create_anonymous(options);
  const CrewResult result = replay(cache, trace, Payload::uniform(1000), plan, {});
  const VerifyReport report = cache.verify();
  EXPECT_TRUE(report.ok) << report.problems.front();
  EXPECT_EQ(result.wrong_values, 0U);
  EXPECT_EQ(result.outcome.gets, trace.size());
  return result;
}

TEST(CrewTest, WorkersInOrderMissAsOftenAsOneProcess) {
  const Trace trace = skewed(30'000, 3000);
  const double one = replay_in_fresh_segment(trace, {}).outcome.miss_ratio();
  EXPECT_GT(one, 0.1);
  EXPECT_LT(one, 0.9);
  for (const unsigned processes : {2U, 3U}) {
    EXPECT_NEAR(replay_in_fresh_segment(trace, {.processes = processes}).outcome.miss_ratio(), one, 0.01) << processes;
  }
  // Of two requests for one key so close together, both may miss.
  EXPECT_NEAR(replay_in_fresh_segment(trace, {.processes = 2, .overlap = 8}).outcome.miss_ratio(), one, 0.025);
}

TEST(CrewTest, WithRoomForAllEachKeyMissesOnceHoweverManyWorkers) {
  const Trace trace = skewed(5000, 300);
  EXPECT_EQ(replay_in_fresh_segment(trace, {.processes = 3}).outcome.misses(), trace.keys.size());
}

TEST(CrewTest, KilledWorkersAreReplacedAndEveryRequestCountsOnce) {
  const Trace trace = skewed(30'000, 3000);
  const double one = replay_in_fresh_segment(trace, {}).outcome.miss_ratio();
  const CrewResult result = replay_in_fresh_segment(trace, {.processes = 3, .kill_every = 1000});
  EXPECT_GE(result.kills, 20U);
  EXPECT_LE(result.kills, 30U);
  EXPECT_NEAR(result.outcome.miss_ratio(), one, 0.01);
}

TEST(CrewTest, AnAnswerGivenOnceStays) {
  Cache cache = Cache::create_anonymous({});
  const Trace trace = skewed(10, 3);
  Tally tally;
  Replayer replayer(cache, trace, Payload::uniform(10), tally);
  std::uint8_t answer = 0;
  replayer.serve(0, answer);
  EXPECT_EQ(answer, static_cast<std::uint8_t>(Answer::kMiss));
  replayer.serve(0, answer);  // done once more, as after a death
  EXPECT_EQ(answer, static_cast<std::uint8_t>(Answer::kMiss));
  answer = 0;
  replayer.serve(0, answer);
  EXPECT_EQ(answer, static_cast<std::uint8_t>(Answer::kHit));
}

TEST(CrewTest, AValueOfAnotherKeyIsNoticed) {
  Cache cache = Cache::create_anonymous({});
  const Trace trace = skewed(10, 3);
  Payload payload = Payload::uniform(10);
  ASSERT_EQ(cache.set(payload.uniform_key(trace[0].key), payload.value_of(trace[0].key + 1, 10)), Status::kOk);
  EXPECT_EQ(replay(cache, trace, payload, {}, {}).wrong_values > 0, true);
}

}  // namespace
}  // namespace carafe::replay
