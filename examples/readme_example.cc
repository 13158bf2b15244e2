// SPDX-License-Identifier: MIT
// The program of the README's first screen. Start it twice: the second one finds what the first one stored.
#include <carafe/carafe.h>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

int main() {
  carafe::Options options;
  options.capacity_bytes = 32 << 20;                                     // all else has a default
  carafe::Cache cache = carafe::Cache::open_or_create("shop", options);  // the same one in every process
  auto page = cache.get("product:42");
  if (!page) {
    page = "<h1>A carafe</h1>";  // what takes long: a query, a template, a call to another service
    if (auto status = cache.set("product:42", *page, 60s); status != carafe::Status::kOk) std::cerr << carafe::advice(status) << '\n';
  }
  std::cout << *page << "\nhit rate so far: " << cache.stats().hit_ratio() << '\n';
}
