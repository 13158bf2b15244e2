// SPDX-License-Identifier: MIT
// The program of the README's first screen. Start it twice: the second one finds what the first one stored.
#include <carafe/carafe.h>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

int main() {
  carafe::Options options;
  options.capacity_bytes = 32 << 20;                                     // all else has a default
  carafe::Cache cache = carafe::Cache::open_or_create("shop", options);  // the same one in every process
  const auto render = [] { return "<h1>A carafe</h1>"; };                // what takes long: a query, a template, a call elsewhere
  // Once a host, however many workers ask at once; the next one takes over should this one die.
  const std::string page = cache.get_or_load("product:42", render, {.ttl = 60s});
  std::cout << page << "\nhit rate so far: " << cache.stats().hit_ratio() << '\n';
}
