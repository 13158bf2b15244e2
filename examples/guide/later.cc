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

// A template, so that it is looked at when there is a warm_once.
template <typename Shared>
void warm(Shared& cache, Shop& shop) {
  cache.warm_once("v43",
                  [&](Shared& cold) {
                    for (const int id : {42, 43})
                      static_cast<void>(cold.set("product-page:" + std::to_string(id), shop.product_page(id), 5min));
                  },
                  {.wait = 10s});
}

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
  shop.product_page(42);
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

namespace {

template <typename Shared>
void warm_if_it_can(Shared& cache, Shop& shop) {
  if constexpr (requires { cache.warm_once("", [](Shared&) {}, {}); }) warm(cache, shop);
}

}  // namespace

void run_later(carafe::Cache& cache, Shop& shop) {
  warm_if_it_can(cache, shop);
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
