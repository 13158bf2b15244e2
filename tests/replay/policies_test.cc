// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "replay/policies/all.h"
#include "replay/simulate.h"

namespace carafe::replay {
namespace {

/// Gets of one-letter keys, each set on a miss; "h" or "m" for each.
std::string play(Policy& policy, std::string_view keys, Charge charge = 1) {
  std::string answers;
  for (const char letter : keys) {
    const auto key = static_cast<KeyId>(letter);
    if (policy.contains(key)) {
      policy.hit(key);
      answers += 'h';
    } else {
      policy.insert(key, charge);
      answers += 'm';
    }
  }
  return answers;
}

std::string play(std::string_view name, Charge capacity, std::string_view keys) {
  const auto policy = find_policy(name)->make({128, capacity});
  return play(*policy, keys);
}

/// Which of these letters are held, without touching them.
std::string held(const Policy& policy, std::string_view keys) {
  std::string found;
  for (const char letter : keys) {
    if (policy.contains(static_cast<KeyId>(letter))) found += letter;
  }
  return found;
}

TEST(PoliciesTest, TheTextbooksReferenceStringFaultsAsInTheTextbook) {
  // Silberschatz, Galvin, Gagne, Operating System Concepts: three frames.
  constexpr std::string_view kString = "70120304230321201701";
  const auto faults = [&](std::string_view name) {
    const std::string answers = play(name, 3, kString);
    return std::count(answers.begin(), answers.end(), 'm');
  };
  EXPECT_EQ(faults("fifo"), 15);
  EXPECT_EQ(faults("lru"), 12);
}

TEST(PoliciesTest, FifoHasBeladysAnomaly) {
  constexpr std::string_view kString = "123412512345";
  const std::string three = play("fifo", 3, kString);
  const std::string four = play("fifo", 4, kString);
  EXPECT_EQ(std::count(three.begin(), three.end(), 'm'), 9);
  EXPECT_EQ(std::count(four.begin(), four.end(), 'm'), 10);
}

TEST(PoliciesTest, LruKeepsWhatWasUsedAndFifoDoesNot) {
  EXPECT_EQ(play("lru", 2, "abaca"), "mmhmh");
  EXPECT_EQ(play("fifo", 2, "abaca"), "mmhmm");
}

TEST(PoliciesTest, ClocksGiveOneOrThreeMoreTurns) {
  // "a" is hit three times; every newcomer makes the hand pass it by once.
  EXPECT_EQ(play("clock1", 2, "aaaabca"), "mhhhmmh");
  EXPECT_EQ(play("clock1", 2, "aaaabcda"), "mhhhmmmm");
  EXPECT_EQ(play("clock2", 2, "aaaabcdea"), "mhhhmmmmh");
  EXPECT_EQ(play("clock2", 2, "aaaabcdefa"), "mhhhmmmmmm");
}

TEST(PoliciesTest, SieveLeavesSurvivorsWhereTheyAre) {
  const auto sieve = find_policy("sieve")->make({128, 4});
  play(*sieve, "abcdab");  // a and b are visited
  play(*sieve, "e");       // the hand clears both, and c goes
  EXPECT_EQ(held(*sieve, "abcde"), "abde");
  play(*sieve, "fg");  // the hand goes on behind c: d and e, newer than a and b, go before them
  EXPECT_EQ(held(*sieve, "abcdefg"), "abfg");
}

TEST(PoliciesTest, SieveForgetsTheKeyUnderItsHand) {
  const auto sieve = find_policy("sieve")->make({128, 4});
  play(*sieve, "abcdabe");  // c went; d is next
  sieve->erase('d');
  sieve->erase('z');  // not there
  play(*sieve, "d");  // takes the room that it left, as the newest
  play(*sieve, "f");  // the hand was about to look at d; now e is its next
  EXPECT_EQ(held(*sieve, "abcdef"), "abdf");
}

TEST(PoliciesTest, S3FifoThrowsOneHitWondersOutAndKnowsThemWhenTheyReturn) {
  const auto s3fifo = find_policy("s3fifo")->make({128, 10});
  play(*s3fifo, "aaa");         // hit twice: good for the main queue
  play(*s3fifo, "bcdefghijk");  // b, never hit, goes for k; a has moved on
  EXPECT_EQ(held(*s3fifo, "abk"), "ak");
  play(*s3fifo, "b");  // a ghost: into the main queue at once
  play(*s3fifo, "lmnopqrstuvwxyz");
  EXPECT_EQ(held(*s3fifo, "ab"), "ab");
  EXPECT_EQ(held(*s3fifo, "cdefghij"), "");
}

TEST(PoliciesTest, ArcResistsAScanOverWhatWasUsedTwice) {
  EXPECT_EQ(play("arc", 4, "aabbcdefghiab"), "mhmhmmmmmmmhh");
  EXPECT_EQ(play("lru", 4, "aabbcdefghiab"), "mhmhmmmmmmmmm");
}

TEST(PoliciesTest, ArcLearnsFromItsGhosts) {
  const auto arc = find_policy("arc")->make({128, 2});
  play(*arc, "aabc");  // a is in T2; b went for c, and is remembered
  EXPECT_EQ(held(*arc, "abc"), "ac");
  play(*arc, "b");  // back from B1: recent ones get more room, so a goes rather than c
  EXPECT_EQ(held(*arc, "abc"), "bc");
}

TEST(PoliciesTest, TinyLfuLetsNobodyInWhoIsSeenLessThanTheVictim) {
  const auto tinylfu = find_policy("wtinylfu")->make({128, 4});
  play(*tinylfu, "abcdabcdabcd");
  play(*tinylfu, "efghijklmnop");  // once each
  EXPECT_GE(held(*tinylfu, "abcd").size(), 3U);
}

TEST(PoliciesTest, EveryPolicyStaysWithinItsRoomAndHitsWhatItHolds) {
  for (const PolicyKind& kind : policy_kinds()) {
    SCOPED_TRACE(kind.name);
    constexpr std::size_t kKeys = 200;
    constexpr Charge kRoom = 1000;
    const auto policy = kind.make({kKeys, kRoom});
    std::vector<Charge> charges(kKeys);
    std::uint64_t random = 1;
    for (int i = 0; i < 20'000; ++i) {
      random = random * 6364136223846793005 + 1442695040888963407;
      const auto key = static_cast<KeyId>((random >> 33) % kKeys * ((random >> 50) % kKeys) / kKeys);
      const Charge charge = 1 + (random >> 20) % 120;
      if ((random >> 60) == 0) {
        policy->erase(key);
        ASSERT_FALSE(policy->contains(key));
      } else if (policy->contains(key)) {
        policy->hit(key);
        ASSERT_TRUE(policy->contains(key));
      } else {
        policy->insert(key, charge);
        charges[key] = charge;
      }
      Charge used = 0;
      for (KeyId held_key = 0; held_key < kKeys; ++held_key) used += policy->contains(held_key) ? charges[held_key] : 0;
      ASSERT_LE(used, kRoom);
      if (i == 5000) {
        ASSERT_GT(used, kRoom / 2) << "it holds less than it may";
      }
    }
    policy->insert(kKeys - 1, kRoom + 1);
  }
}

}  // namespace
}  // namespace carafe::replay
