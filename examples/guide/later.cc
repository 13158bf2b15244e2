// SPDX-License-Identifier: MIT
// Listings of docs/guide.md that need headers which this version may not have yet.
#include <carafe/carafe.h>

#include <chrono>
#include <mutex>
#include <string>

#include "listings.h"
#include "shop.h"
#if __has_include(<carafe/memoize.h>)
#include <carafe/memoize.h>
#endif
#if __has_include(<carafe/memory_store.h>)
#include <carafe/memory_store.h>
#endif
#if __has_include(<carafe/named_mutex.h>)
#include <carafe/named_mutex.h>
#endif

using namespace std::chrono_literals;

namespace guide {

#if __has_include(<carafe/warm_once.h>)
void warm(carafe::Cache& cache, Shop& shop) {
  const auto fill = [&shop](carafe::Cache& cold) {
    for (const int id : {42, 43}) guide::product_page(cold, shop, id);
  };
  static_cast<void>(cache.warm_once("product pages", fill, {.wait = 10s}));  // one worker fills, the others wait; then all serve
}
#endif

#if __has_include(<carafe/memoize.h>)
void call_once_a_host(carafe::Cache& cache, Shop& shop) {
  const auto name_of = carafe::memoize(cache, "name_of", [&](int id) { return shop.product(id).value_or(""); }, {.ttl = 5min});
  const std::string name = name_of(42);       // asks the shop, once a host
  static_cast<void>(name_of.invalidate(42));  // this answer
  name_of.invalidate_all();                   // every answer of this function
}
#endif

#if __has_include(<carafe/named_mutex.h>)
bool report_once(carafe::Cache& cache, Shop& shop) {
  carafe::NamedMutex nightly(cache, "nightly");
  const std::unique_lock lock(nightly, std::try_to_lock);
  if (!lock.owns_lock()) return false;  // another worker is at it
  shop.product_page(42);                // should we die here, the next one who asks has the lock
  return true;
}
#endif

#if __has_include(<carafe/memory_store.h>)
template <carafe::Store Anything>
std::string greeting(Anything& store) {
  return store.get_or_load("greeting", [] { return std::string("hello"); }, {.ttl = 60s});
}

std::string greeting_without_shared_memory() {
  carafe::MemoryStore store(1 << 20);
  return greeting(store);
}
#endif

void run_later([[maybe_unused]] carafe::Cache& cache, [[maybe_unused]] Shop& shop) {
#if __has_include(<carafe/warm_once.h>)
  warm(cache, shop);
#endif
#if __has_include(<carafe/memoize.h>)
  call_once_a_host(cache, shop);
#endif
#if __has_include(<carafe/named_mutex.h>)
  report_once(cache, shop);
#endif
#if __has_include(<carafe/memory_store.h>)
  greeting_without_shared_memory();
#endif
}

}  // namespace guide
