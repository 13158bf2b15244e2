// SPDX-License-Identifier: MIT
#include "replay/optimum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "replay/simulate.h"

namespace carafe::replay {
namespace {

Trace letters(std::string_view keys) {
  Trace trace;
  for (const char letter : keys) {
    Request request;
    request.key = trace.keys.number({&letter, 1});
    trace.add(request);
  }
  return trace;
}

std::uint64_t misses_of_optimum(const Trace& trace, Charge capacity) {
  const NextUse next_use = next_uses(trace);
  const auto optimum = make_optimum({trace.keys.size(), capacity}, next_use);
  return simulate(trace, *optimum, {}).misses();
}

/// Most hits that any choice of victims can have, by trying all of them. `keep_all` policies must store what was missed; else they may decline.
std::uint64_t most_hits_by_trying(const Trace& trace, const std::vector<Charge>& charges, Charge capacity, bool must_store) {
  const auto charge_of = [&](unsigned set) {
    Charge sum = 0;
    for (unsigned key = 0; key < charges.size(); ++key) sum += (set >> key & 1) != 0 ? charges[key] : 0;
    return sum;
  };
  std::map<unsigned, std::uint64_t> best{{0U, 0U}};  // set of keys held -> most hits so far
  for (std::size_t i = 0; i < trace.size(); ++i) {
    const unsigned mine = 1U << trace[i].key;
    std::map<unsigned, std::uint64_t> next;
    for (const auto& [set, hits] : best) {
      const std::uint64_t now = hits + ((set & mine) != 0 ? 1 : 0);
      const unsigned all = set | mine;
      for (unsigned kept = all;; kept = (kept - 1) & all) {  // every subset
        if (charge_of(kept) <= capacity && (!must_store || (kept & mine) != 0)) next[kept] = std::max(next[kept], now);
        if (kept == 0) break;
      }
    }
    best = std::move(next);
  }
  std::uint64_t most = 0;
  for (const auto& [set, hits] : best) most = std::max(most, hits);
  return most;
}

Trace random_trace(std::uint64_t seed, std::size_t requests, std::size_t keys) {
  std::string text;
  for (std::size_t i = 0; i < requests; ++i) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    text += static_cast<char>('a' + (seed >> 33) % keys);
  }
  return letters(text);
}

TEST(OptimumTest, TheTextbooksReferenceStringFaultsNineTimes) { EXPECT_EQ(misses_of_optimum(letters("70120304230321201701"), 3), 9U); }

TEST(OptimumTest, NobodyDoesBetterWithItemsOfOneSize) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Trace trace = random_trace(seed, 24, 6);
    const std::vector<Charge> charges(trace.keys.size(), 1);
    EXPECT_EQ(trace.size() - misses_of_optimum(trace, 3), most_hits_by_trying(trace, charges, 3, true)) << "seed " << seed;
  }
}

TEST(OptimumTest, TheBoundIsOneWithItemsOfManySizes) {
  std::uint64_t reached = 0;
  std::uint64_t bound = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Trace plain = random_trace(seed, 24, 6);
    std::vector<Charge> charges;
    for (std::size_t key = 0; key < plain.keys.size(); ++key) charges.push_back(1 + (seed * 7 + key * 3) % 5);
    Trace sized(Columns{.sizes = true});
    for (std::size_t i = 0; i < plain.size(); ++i) {
      Request request = plain[i];
      request.key = sized.keys.number(plain.keys.bytes(request.key));
      request.size = static_cast<std::uint32_t>(charges[request.key] - 1);
      sized.add(request);
    }
    const std::uint64_t most = most_hits_possible(sized, next_uses(sized), 7, {true, 1, std::nullopt});
    const std::uint64_t tried = most_hits_by_trying(sized, charges, 7, false);
    EXPECT_GE(most, tried) << "seed " << seed;
    reached += tried;
    bound += most;
  }
  EXPECT_LT(bound, reached * 3 / 2) << "a bound that says nothing";
}

TEST(OptimumTest, ASetOrADeleteEndsTheUseOfWhatWasStoredBefore) {
  Trace trace(Columns{.ops = true});
  const KeyId key = trace.keys.number("k");
  for (const Op op : {Op::kGet, Op::kGet, Op::kSet, Op::kGet, Op::kDelete, Op::kGet}) {
    Request request;
    request.key = key;
    request.op = op;
    trace.add(request);
  }
  EXPECT_EQ(next_uses(trace), (NextUse{1, kNever, 3, kNever, 5, kNever}));
}

TEST(OptimumTest, TheBoundCountsNoHitOnWhatHasExpired) {
  Trace trace(Columns{.ttls = true, .times = true});
  for (const std::uint64_t t : {0U, 50U, 120U, 400U}) {
    Request request;
    request.key = trace.keys.number("k");
    request.ttl_ms = 100;
    request.t_ms = t;
    trace.add(request);
  }
  // 50 hits what was set at 0; 120 could hit what a set at 50 would have left; 400 hits nothing.
  EXPECT_EQ(most_hits_possible(trace, next_uses(trace), 1'000'000, {true, 1, 10}), 2U);
}

}  // namespace
}  // namespace carafe::replay
