// SPDX-License-Identifier: MIT
#pragma once

#include <carafe/carafe.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shop.h"

namespace guide {

/// An event loop with a database that calls back.
class Loop {
 public:
  virtual ~Loop() = default;
  virtual void query(const std::string& key, std::function<void(const std::string&)> then) = 0;
  virtual void after(std::chrono::milliseconds wait, std::function<void()> then) = 0;
};

// opening.cc
std::string product_page(carafe::Cache& cache, Shop& shop, int id);
carafe::Cache open_cache(const std::string& name);
int serve_with_workers(int workers, const std::string& name, const std::function<int(carafe::Cache&)>& serve);
carafe::Cache open_for_group(const std::string& name, const std::string& group);

// loading.cc
std::string page_key(const std::string& language, bool is_member, int id);
std::string price_list(carafe::Cache& cache, Shop& shop);
std::string front_page(carafe::Cache& cache, Shop& shop);
std::string best_sellers(carafe::Cache& cache, Shop& shop);
std::optional<std::string> product_name(carafe::Cache& cache, Shop& shop, int id);
std::string search_page(carafe::Cache& cache, const std::string& words, const std::function<std::string()>& search);
void respond_when_there(carafe::Cache& cache, Loop& loop, const std::string& key, const std::function<void(std::string)>& respond,
                        int patience = 200);
void warm(carafe::Cache& cache, Shop& shop);
std::size_t bytes_of(carafe::Cache& cache, const std::vector<std::string_view>& keys, std::vector<std::optional<std::string>>& reused);
std::optional<std::uint32_t> first_word_of(carafe::Cache& cache, std::string_view key);
void call_once_a_host(carafe::Cache& cache, Shop& shop);

// invalidating.cc
void invalidate(carafe::Cache& cache, std::string_view key);
void rename_product(carafe::Cache& cache, Shop& shop, int id, const std::string& name);
std::string shelf_page(carafe::Cache& cache, Shop& shop);
void prices_changed(carafe::Cache& cache);
std::string tenant_page(carafe::Cache& cache, Shop& shop, const std::string& tenant);
void tenant_left(carafe::Cache& cache, const std::string& tenant);
std::uint64_t forget_searches(carafe::Cache& cache);

// running.cc
bool report_once(carafe::Cache& cache, Shop& shop);
bool may_log_in(carafe::Cache& cache, const std::string& address);
std::string page_of_release(carafe::Cache& cache, Shop& shop, const std::string& release);
double hit_ratio_of_last_minute(const carafe::Cache& cache);
std::string greeting_without_shared_memory();

}  // namespace guide
