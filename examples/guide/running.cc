// SPDX-License-Identifier: MIT
// Listings of docs/guide.md: one worker at a time, counters, releases, the hit rate from within, tests.
#include <carafe/carafe.h>

#include <chrono>
#include <mutex>
#include <string>

#include "listings.h"
#include "shop.h"

using namespace std::chrono_literals;

namespace guide {

bool report_once(carafe::Cache& cache, Shop& shop) {
  carafe::NamedMutex nightly(cache, "nightly");
  const std::unique_lock lock(nightly, std::try_to_lock);
  if (!lock.owns_lock()) return false;  // another worker is at it
  shop.product_page(42);                // should we die here, the next one who asks has the lock
  return true;
}

bool may_log_in(carafe::Cache& cache, const std::string& address) {
  const carafe::Counter tries = cache.increment("log-in:" + address, 1, 0, 60s);  // the minute begins with the first one
  return tries.status != carafe::Status::kOk || tries.value <= 10;                // where it cannot count it lets in
}

std::string page_of_release(carafe::Cache& cache, Shop& shop, const std::string& release) {
  carafe::Namespace pages = cache.in("pages", {.release = release});  // "v43": old and new code do not see each other's values
  return pages.get_or_load("front-page", [&] { return shop.product_page(42); }, {.ttl = 5min});
}

double hit_ratio_of_last_minute(const carafe::Cache& cache) {
  return cache.stats().windows[1].hit_ratio();  // of all workers of the host
}

template <carafe::Store Anything>
std::string greeting(Anything& store) {
  return store.get_or_load("greeting", [] { return std::string("hello"); }, {.ttl = 60s});
}

std::string greeting_without_shared_memory() {
  carafe::MemoryStore store(1 << 20);
  return greeting(store);
}

}  // namespace guide
