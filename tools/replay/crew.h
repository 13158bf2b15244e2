// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>

#include "carafe/cache.h"
#include "payload.h"
#include "simulate.h"
#include "trace.h"

namespace carafe::replay {

/// How the requests are dealt to processes.
struct CrewPlan {
  unsigned processes = 1;        ///< 1: this process does it all.
  std::uint64_t overlap = 0;     ///< How many requests a worker may be ahead of the slowest; 0: strictly one after the other.
  std::uint64_t kill_every = 0;  ///< Requests from one kill -9 of a worker to the next; 0: nobody is killed.
};

struct CrewResult {
  Outcome outcome;
  std::uint64_t kills = 0;
  std::uint64_t wrong_values = 0;  ///< Values that were another key's: carafe is broken.
  std::uint64_t declined = 0;      ///< Sets that were not carried out.
};

/// Called now and then with the number of requests done.
using ReplayProgress = std::function<void(std::uint64_t)>;

/// Replays the trace through `cache`. With several processes request i is worker i mod P's, forked off this process; with `kill_every` the
/// next worker in turn is killed with SIGKILL wherever it happens to be, and another one forked that goes on with its requests.
/// The caller has one thread. Throws Failure when a worker ends by itself.
[[nodiscard]] CrewResult replay(Cache& cache, const Trace& trace, const Payload& payload, const CrewPlan& plan,
                                const ReplayProgress& progress);

}  // namespace carafe::replay
