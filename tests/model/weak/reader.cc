// SPDX-License-Identifier: MIT
// The product's reader, whose patience a scenario can choose: what comes after eight failures is otherwise out of reach.
#include "model/weak/world.h"

// All that it includes comes first, so that the name below means what it says in its own text only.
#include "cache/reader.h"
#include "cache/stripe_guard.h"
#include "cache/writer.h"
#include "expiry/ttl.h"

namespace carafe::weak {
namespace {
[[nodiscard]] int tries_of(std::string_view function) noexcept { return function == "read_item" ? read_tries.at_once : read_tries.patient; }
}  // namespace
}  // namespace carafe::weak

#define kReadTries (weak::tries_of(__func__))
#include "cache/reader.cc"
