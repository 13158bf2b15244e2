// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "crash/stage.h"
#include "step/operation.h"
#include "support/test_name.h"

namespace carafe::test {

/// Who plays, and what. README.md has an example.
struct Play {
  std::vector<Part> parts;  // two or three
  bool tight = false;       // room is short: anything may be evicted at any moment, but for good
  bool all_pairs = false;   // in the short run, too, no pair of stops is left out
  bool begun = false;       // the first puppet's first operation is over before anything else begins
  bool harries = false;     // the second puppet's operations come one by one, whenever the first one has made a few steps
  std::function<bool(const Stats& before, const Stats& after)> took_the_way = {};  // that it does what it is about
};

struct Duel {
  std::string name;
  std::function<Play(Stage&)> prepare;
};

inline void PrintTo(const Duel& duel, std::ostream* out) { *out << duel.name; }

inline std::string name_of_duel(const ::testing::TestParamInfo<Duel>& info) { return test_name(info.param.name); }

}  // namespace carafe::test
