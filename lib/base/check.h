// SPDX-License-Identifier: MIT
#pragma once

#include <cassert>

/// For errors of ours alone, in debug builds. Bytes from the segment are never asserted on: another process wrote them, so
/// they are validated and answered with kCorrupt or a miss.
#define CARAFE_ASSERT(condition) assert(condition)
