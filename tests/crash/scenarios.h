// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "crash/harness.h"

namespace carafe::test {

inline const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = {
      {.name = "set: new key",
       .prepare = [](Stage& stage) { stage.put("nearby", text('a', 100)); },
       .operation = [](Stage& stage) { return stage.cache().set("key", text('b', 100)) == Status::kOk; },
       .every_instruction = true},
      {.name = "set: replace, same size",
       .prepare = [](Stage& stage) { stage.put("key", text('a', 100)); },
       .operation = [](Stage& stage) { return stage.cache().set("key", text('b', 100)) == Status::kOk; },
       .every_instruction = true},
  };
  return all;
}

}  // namespace carafe::test
