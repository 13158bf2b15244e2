// SPDX-License-Identifier: MIT
// The machine itself, against what the standard says of the well-known small programs.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "model/weak/machine.h"
#include "model/weak/world.h"

namespace carafe::weak {
namespace {

class LitmusTest : public testing::Test {
 protected:
  /// All outcomes of some threads, each as what they noted: notes[0], notes[1], ...
  std::set<std::string> outcomes(const std::vector<std::function<void()>>& threads, const std::function<void()>& heir = {}) {
    Places places(world_.engine());
    places.add_flag(&x);
    places.add_flag(&y);
    Machine machine(places);
    std::vector<Body> bodies;
    for (const auto& run : threads) bodies.push_back({"thread", Role::kWorker, run});
    if (heir) bodies.push_back({"heir", Role::kHeir, heir});
    std::set<std::string> found;
    const Verdict verdict = machine.explore(
        bodies, [this] { std::fill(std::begin(notes), std::end(notes), 0); },
        [&] {
          std::string outcome;
          for (const std::uint64_t note : notes) outcome += std::to_string(note);
          found.insert(outcome);
          return std::string();
        },
        {4, 1'000'000}, {});
    EXPECT_TRUE(verdict.complete) << verdict.violation;
    return found;
  }

  World world_;
  Atomic<std::uint64_t> x{0}, y{0};
  std::uint64_t notes[4] = {};
};

TEST_F(LitmusTest, MessagePassingNeedsBothHalves) {
  const auto pass = [&](std::memory_order store, std::memory_order load) {
    return outcomes({[&, store] {
                       x.store(1, kRelaxed);
                       y.store(1, store);
                     },
                     [&, load] {
                       notes[0] = y.load(load);
                       notes[1] = x.load(kRelaxed);
                     }});
  };
  EXPECT_EQ(pass(kRelease, kAcquire), (std::set<std::string>{"0000", "0100", "1100"}));
  EXPECT_EQ(pass(kRelaxed, kAcquire).count("1000"), 1U);
  EXPECT_EQ(pass(kRelease, kRelaxed).count("1000"), 1U);
}

TEST_F(LitmusTest, FencesPassMessagesToo) {
  const auto pass = [&](bool first, bool second) {
    return outcomes({[&, first] {
                       x.store(1, kRelaxed);
                       if (first) atomic_fence(kRelease);
                       y.store(1, kRelaxed);
                     },
                     [&, second] {
                       notes[0] = y.load(kRelaxed);
                       if (second) atomic_fence(kAcquire);
                       notes[1] = x.load(kRelaxed);
                     }});
  };
  EXPECT_EQ(pass(true, true).count("1000"), 0U);
  EXPECT_EQ(pass(false, true).count("1000"), 1U);
  EXPECT_EQ(pass(true, false).count("1000"), 1U);
}

TEST_F(LitmusTest, StoreBuffering) {
  const auto both = outcomes({[&] {
                                x.store(1, kRelease);
                                notes[0] = y.load(kAcquire);
                              },
                              [&] {
                                y.store(1, kRelease);
                                notes[1] = x.load(kAcquire);
                              }});
  EXPECT_EQ(both, (std::set<std::string>{"0000", "0100", "1000", "1100"}));
}

TEST_F(LitmusTest, OneLocationIsCoherent) {
  const auto read = outcomes({[&] { x.store(1, kRelaxed); }, [&] { x.store(2, kRelaxed); },
                              [&] {
                                notes[0] = x.load(kRelaxed);
                                notes[1] = x.load(kRelaxed);
                                notes[2] = x.load(kRelaxed);
                              }});
  EXPECT_EQ(read.count("1210"), 0U);
  EXPECT_EQ(read.count("1000"), 0U);
  EXPECT_EQ(read.count("1220"), 1U);
  EXPECT_EQ(read.count("2110"), 1U);
}

TEST_F(LitmusTest, IndependentReadsMayDisagree) {
  const auto read = outcomes({[&] { x.store(1, kRelease); }, [&] { y.store(1, kRelease); },
                              [&] {
                                notes[0] = x.load(kAcquire);
                                notes[1] = y.load(kAcquire);
                              },
                              [&] {
                                notes[2] = y.load(kAcquire);
                                notes[3] = x.load(kAcquire);
                              }});
  EXPECT_EQ(read.count("1010"), 1U);
}

TEST_F(LitmusTest, StoresMayTakeAnEarlierPlace) {
  const auto last = outcomes({[&] {
                                x.store(1, kRelease);
                                y.store(2, kRelease);
                              },
                              [&] {
                                y.store(1, kRelease);
                                x.store(2, kRelease);
                              }},
                             [&] {
                               notes[0] = x.load(kRelaxed);
                               notes[1] = y.load(kRelaxed);
                             });
  EXPECT_EQ(last.count("1100"), 1U);
  EXPECT_EQ(last.size(), 4U);
}

TEST_F(LitmusTest, ChangesContinueAReleaseSequenceAndStoresDoNot) {
  const auto by_change = outcomes({[&] {
                                     x.store(1, kRelaxed);
                                     y.store(1, kRelease);
                                   },
                                   [&] { y.fetch_add(1, kRelaxed); },
                                   [&] {
                                     notes[0] = y.load(kAcquire);
                                     notes[1] = x.load(kRelaxed);
                                   }});
  EXPECT_EQ(by_change.count("2000"), 0U);
  EXPECT_EQ(by_change.count("2100"), 1U);
  const auto by_store = outcomes({[&] {
                                    x.store(1, kRelaxed);
                                    y.store(1, kRelease);
                                    y.store(2, kRelaxed);
                                  },
                                  [&] {
                                    notes[0] = y.load(kAcquire);
                                    notes[1] = x.load(kRelaxed);
                                  }});
  EXPECT_EQ(by_store.count("2000"), 1U);
}

TEST_F(LitmusTest, ChangesAreAtomic) {
  const auto sum = outcomes({[&] { x.fetch_add(1, kRelaxed); }, [&] { x.fetch_add(1, kRelaxed); },
                             [&] {
                               std::uint64_t none = 0;
                               notes[1] = x.compare_exchange_strong(none, 5, kRelaxed) ? 1 : 0;
                             }},
                            [&] { notes[0] = x.load(kRelaxed); });
  EXPECT_EQ(sum, (std::set<std::string>{"2000", "7100"}));
}

TEST_F(LitmusTest, NothingIsReadBeforeItIsWritten) {
  const auto load_buffering = outcomes({[&] {
                                          notes[0] = x.load(kRelaxed);
                                          y.store(1, kRelaxed);
                                        },
                                        [&] {
                                          notes[1] = y.load(kRelaxed);
                                          x.store(1, kRelaxed);
                                        }});
  EXPECT_EQ(load_buffering.count("1100"), 0U);  // the standard would let it be; see README.md
}

}  // namespace
}  // namespace carafe::weak
