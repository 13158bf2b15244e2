// SPDX-License-Identifier: MIT
// Explores the scenarios, as the product is and with one order weakened. README.md says what that covers.
//   CARAFE_WEAK_PREEMPTIONS=n  so many preemptions an execution, instead of each scenario's own number
//   CARAFE_WEAK_SHOW=n         traces the n-th execution of each scenario
//   CARAFE_WEAK_ONLY=name      only scenarios whose name has this in it
//   CARAFE_TEST_SHORT=1        without the three scenarios that take most of the time
//   CARAFE_WEAK_SURVEY=1       weakens every ordered access of the product, one by one, and lists those that no scenario misses
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "model/weak/scenarios.h"

namespace carafe::weak {
namespace {

struct Mutant {
  const char* name;
  const char* scenario;  // where it must be found
  std::vector<Rule> rules;
};

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> all = {
      {"no release fence after claiming a free chunk", "replace", {{"claim_page_locked", Op::kFence}}},
      {"no release fence after claiming an evicted one", "evict and reuse", {{"take_linked", Op::kFence}}},
      // The look before the claim is an acquire, too, and reads the same word: the claim is relaxed only without both.
      {"claim relaxed",
       "replace",
       {{"claim_page_locked", Op::kChange, Kind::kSide},
        {"claim_hinted", Op::kLoad, Kind::kSide},
        {"claim_in_page", Op::kLoad, Kind::kSide}}},
      {"free relaxed", "replace", {{"release", Op::kStore, Kind::kSide}}},
      {"version raise relaxed", "replace", {{"raise_version", Op::kStore, Kind::kVersion}}},
      {"publish relaxed", "replace", {{"publish_locked", Op::kStore, Kind::kEntry}}},
      {"a glance's first version load relaxed", "replace", {{"glance", Op::kLoad, Kind::kVersion}}},
      {"a glance's entry load relaxed", "replace", {{"glance", Op::kLoad, Kind::kEntry}}},
      {"no acquire fence before a glance's second load", "replace", {{"glance", Op::kFence}}},
      {"a glance's directory load relaxed", "rebuild and reuse", {{"glance", Op::kLoad, Kind::kDirectory}}},
      {"first version load relaxed", "replace, all asked for", {{"read_item", Op::kLoad, Kind::kVersion}}},
      {"entry load relaxed", "replace, all asked for", {{"find_in", Op::kLoad, Kind::kEntry}}},
      {"no acquire fence before the second version load", "replace, all asked for", {{"read_item", Op::kFence}}},
      {"the patient reader's fence missing", "patient", {{"read_patiently", Op::kFence}}},
      {"no release fence before a page is cut", "erase, move page", {{"format_page_locked", Op::kFence}}},
      {"table published relaxed", "rebuild and reuse", {{"replace_table", Op::kStore, Kind::kDirectory}}},
      {"directory load relaxed", "rebuild and reuse", {{"read_item", Op::kLoad, Kind::kDirectory}}},
      {"a displaced entry cleared relaxed",
       "displace, walk",
       {{"displace", Op::kStore, Kind::kUncut}, {"displace", Op::kStore, Kind::kEntry}}},
      {"moves counted relaxed, and cleared",
       "displace back, walk",
       {{"displace", Op::kStore, Kind::kUncut}, {"displace", Op::kStore, Kind::kEntry}, {"displace", Op::kStore, Kind::kStripe}}},
  };
  return all;
}

bool is_wanted(const Scenario& scenario) {
  if (scenario.long_one && std::getenv("CARAFE_TEST_SHORT") != nullptr) return false;
  const char* only = std::getenv("CARAFE_WEAK_ONLY");
  return only == nullptr || scenario.name.find(only) != std::string::npos;
}

TEST(WeakMemoryTest, TheProductsOrdersHold) {
  for (const Scenario& scenario : scenarios()) {
    if (!is_wanted(scenario)) continue;
    const auto start = std::chrono::steady_clock::now();
    const Verdict verdict = explore(scenario);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%-22s %9llu executions %6.2f s%s\n", scenario.name.c_str(), static_cast<unsigned long long>(verdict.executions),
                took.count(), verdict.complete ? "" : ", not all");
    std::fflush(stdout);
    EXPECT_EQ(verdict.violation, "") << scenario.name << "\n" << verdict.trace;
    EXPECT_TRUE(verdict.complete || !verdict.violation.empty()) << scenario.name;
  }
}

TEST(WeakMemoryTest, EachWeakenedOrderIsFound) {
  for (const Mutant& mutant : mutants()) {
    const auto scenario =
        std::find_if(scenarios().begin(), scenarios().end(), [&](const Scenario& s) { return s.name == mutant.scenario; });
    ASSERT_NE(scenario, scenarios().end()) << mutant.scenario;
    if (scenario->long_one && !is_wanted(*scenario)) continue;
    const Verdict verdict = explore(*scenario, mutant.rules);
    EXPECT_GT(verdict.weakened, 0U) << mutant.name << ": there is no such access any more; put the mutant right";
    EXPECT_NE(verdict.violation, "") << mutant.name << " was not found";
    std::printf("%-48s %-18s %6llu executions: %s\n", mutant.name, mutant.scenario, static_cast<unsigned long long>(verdict.executions),
                verdict.violation.c_str());
    std::fflush(stdout);
  }
}

TEST(WeakMemoryTest, Survey) {
  if (std::getenv("CARAFE_WEAK_SURVEY") == nullptr) GTEST_SKIP() << "only with CARAFE_WEAK_SURVEY=1";
  constexpr std::uint64_t kMost = 4'000;  // executions of one scenario
  std::map<OrderedSite, std::vector<const Scenario*>> sites;
  for (const Scenario& scenario : scenarios())
    if (is_wanted(scenario))
      for (const OrderedSite& site : explore(scenario, {}, kMost).sites) sites[site].push_back(&scenario);
  for (const auto& [site, where] : sites) {
    const auto& [function, op, kind, line] = site;
    std::string found = "not missed in " + std::to_string(where.size()) + " scenarios";
    for (const Scenario* scenario : where) {
      const Verdict verdict = explore(*scenario, {{function, op, kind, line}}, kMost);
      if (verdict.violation.empty()) continue;
      found = scenario->name + ": " + verdict.violation;
      break;
    }
    static constexpr const char* kOps[] = {"load", "store", "change", "fence"};
    std::printf("%-22s %4d %-6s %-11s %s\n", function.c_str(), line, kOps[static_cast<int>(op)], name_of(kind), found.c_str());
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace carafe::weak
