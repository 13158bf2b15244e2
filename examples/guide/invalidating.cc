// SPDX-License-Identifier: MIT
// Listings of docs/guide.md: how values leave the cache when they are not true any more.
#include <carafe/carafe.h>

#include <chrono>
#include <string>

#include "listings.h"
#include "shop.h"

using namespace std::chrono_literals;

namespace guide {

void invalidate(carafe::Cache& cache, std::string_view key) {
  for (int attempt = 0; attempt < 3; ++attempt)
    if (cache.erase(key) != carafe::Status::kBusy) return;
  cache.clear();  // kBusy: a worker is stopped in the middle of a write, and the value is still there. This cannot be busy
}

void rename_product(carafe::Cache& cache, Shop& shop, int id, const std::string& name) {
  shop.rename(id, name);                                    // first the commit,
  invalidate(cache, "product-page:" + std::to_string(id));  // then the invalidation
}

std::string shelf_page(carafe::Cache& cache, Shop& shop) {
  const auto render = [&] { return shop.product_page(42) + shop.product_page(43); };
  carafe::LoadOptions options;
  options.ttl = 1h;
  options.tags = {"product:42", "product:43", "prices"};  // what it was made of
  return cache.get_or_load("shelf-page:jugs", render, options);
}

void prices_changed(carafe::Cache& cache) {
  static_cast<void>(cache.invalidate_tag("prices"));  // whatever has it, in every namespace
}

std::string tenant_page(carafe::Cache& cache, Shop& shop, const std::string& tenant) {
  carafe::Namespace mine = cache.in("tenant:" + tenant, {.quota_bytes = 8 << 20});
  return mine.get_or_load("front-page", [&] { return shop.product_page(42); }, {.ttl = 5min});
}

void tenant_left(carafe::Cache& cache, const std::string& tenant) {
  cache.in("tenant:" + tenant).clear();  // one increment, however many values
}

std::uint64_t forget_searches(carafe::Cache& cache) {
  return cache.erase_prefix("search:") + cache.erase_matching("page:v3:*:guest:*");  // looks at every key there is
}

}  // namespace guide
