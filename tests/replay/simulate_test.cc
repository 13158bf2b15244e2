// SPDX-License-Identifier: MIT
#include "replay/simulate.h"

#include <gtest/gtest.h>

#include <string>

#include "memory_source.h"
#include "replay/policies/all.h"
#include "replay/read_trace.h"

namespace carafe::replay {
namespace {

Outcome lru(const std::string& csv, Charge capacity, const Charging& charging = {}) {
  test::MemorySource source(csv);
  const Trace trace = read_csv(source, "T");
  const auto policy = make_lru({trace.keys.size(), capacity});
  return simulate(trace, *policy, charging);
}

TEST(SimulateTest, AnItemIsGoneTheMomentItsTimeIsOver) {
  EXPECT_EQ(lru("k,1,100,g,0\nk,1,100,g,99\n", 10).hits, 1U);
  EXPECT_EQ(lru("k,1,100,g,0\nk,1,100,g,100\n", 10).hits, 0U);
}

TEST(SimulateTest, AHitDoesNotRenewTheTimeToLiveAndASetDoes) {
  EXPECT_EQ(lru("k,1,100,g,0\nk,1,100,g,90\nk,1,100,g,150\n", 10).hits, 1U);
  EXPECT_EQ(lru("k,1,100,g,0\nk,1,100,s,90\nk,1,100,g,150\n", 10).hits, 1U);
  EXPECT_EQ(lru("k,1,100,g,0\nk,1,0,s,90\nk,1,100,g,9000\n", 10).hits, 1U) << "now for ever";
}

TEST(SimulateTest, WhatExpiredMakesRoomAtOnce) {
  // Room for two: when c comes, a has expired, so b stays.
  EXPECT_EQ(lru("b,1,0,g,0\na,1,10,g,1\nc,1,0,g,20\nb,1,0,g,21\n", 2).hits, 1U);
  EXPECT_EQ(lru("b,1,0,g,0\na,1,90,g,1\nc,1,0,g,20\nb,1,0,g,21\n", 2).hits, 0U);
}

TEST(SimulateTest, SetsAndDeletesAreNoGets) {
  const Outcome outcome = lru("key,op\nk,s\nk,g\nk,d\nk,g\nk,d\nx,d\n", 10);
  EXPECT_EQ(outcome.gets, 2U);
  EXPECT_EQ(outcome.hits, 1U);
  EXPECT_EQ(outcome.misses(), 1U);
  EXPECT_DOUBLE_EQ(outcome.miss_ratio(), 0.5);
}

TEST(SimulateTest, BytesAreChargedWithTheOverhead) {
  EXPECT_EQ(lru("a,44\nb,44\na,44\n", 200, {true, 56, std::nullopt}).hits, 1U);
  EXPECT_EQ(lru("a,44\nb,44\na,44\n", 199, {true, 56, std::nullopt}).hits, 0U);
  EXPECT_EQ(lru("a,500\na,500\n", 200, {true, 56, std::nullopt}).hits, 0U) << "larger than the room";
  EXPECT_EQ(lru("a\nb\na\n", 200, {true, 56, 44}).hits, 1U) << "no sizes in the trace";
}

TEST(SimulateTest, ASetOfAnotherSizeIsChargedAnew) {
  // b grows from 10 to 90, so a has to go.
  EXPECT_EQ(lru("key,size,op\na,10,g\nb,10,g\nb,90,s\na,10,g\n", 99, {true, 0, std::nullopt}).hits, 0U);
  EXPECT_EQ(lru("key,size,op\na,10,g\nb,10,g\nb,80,s\na,10,g\n", 99, {true, 0, std::nullopt}).hits, 1U);
}

}  // namespace
}  // namespace carafe::replay
