// SPDX-License-Identifier: MIT
// Listings of docs/guide.md: the first value, and where to open.
#include <carafe/carafe.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>

#include "listings.h"
#include "shop.h"

using namespace std::chrono_literals;

namespace guide {

std::string product_page(carafe::Cache& cache, Shop& shop, int id) {
  const std::string key = "product-page:" + std::to_string(id);
  return cache.get_or_load(key, [&] { return shop.product_page(id); }, {.ttl = 5min});
}

carafe::Cache open_cache(const std::string& name) {
  carafe::Options options;
  options.capacity_bytes = 32 << 20;  // all of it is taken at once
  return carafe::Cache::open_or_create(name, options);
}

int serve_with_workers(int workers, const std::string& name, const std::function<int(carafe::Cache&)>& serve) {
  carafe::Cache cache = open_cache(name);  // before the fork: every child uses the handle that it inherits
  for (int i = 0; i < workers; ++i)
    if (fork() == 0) _exit(serve(cache));
  int failed = 0;
  for (int status = 0; wait(&status) > 0;) failed += status != 0 ? 1 : 0;
  return failed;
}

carafe::Cache open_for_group(const std::string& name, const std::string& group) {
  carafe::Options options;
  options.capacity_bytes = 32 << 20;
  options.mode = 0660;    // who opens it says so, too
  options.group = group;  // "www-data": the workers' group
  return carafe::Cache::open_or_create(name, options);
}

}  // namespace guide
