// SPDX-License-Identifier: MIT
#pragma once

#include "issues/moment.h"

namespace carafe::test {

/// Until a set of stage.key moves another entry to its other bucket.
inline void prepare_displacement(Stage& stage) {
  std::uint64_t moves = stage.displacements();
  stage.find_key(40, [&](const Stats&, const Stats&) { return std::exchange(moves, stage.displacements()) != stage.displacements(); });
}
inline bool displace(Stage& stage) { return stage.cache().set(stage.key, text('b', 40)) == Status::kOk; }

}  // namespace carafe::test
