// SPDX-License-Identifier: MIT
// The least program that uses an installed carafe. Prints the value that it stored and found again.
#include <carafe/carafe.h>

#include <chrono>
#include <iostream>

int main() {
  carafe::Options options;
  options.capacity_bytes = std::size_t{1} << 20;
  carafe::Cache cache = carafe::Cache::create_anonymous(options);

  const carafe::Status stored = cache.set("greeting", "hello from carafe", std::chrono::seconds(60));
  if (stored != carafe::Status::kOk) {
    std::cerr << "set: " << carafe::to_string(stored) << ": " << carafe::advice(stored) << '\n';
    return 1;
  }
  const auto found = cache.get("greeting");
  if (!found) return 1;
  std::cout << *found << ", version " << carafe::kVersionText << '\n';
  return 0;
}
