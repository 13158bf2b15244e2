// SPDX-License-Identifier: MIT
// Listings of docs/guide.md: how values come into the cache, and how long they stay.
#include <carafe/carafe.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "listings.h"
#include "shop.h"

using namespace std::chrono_literals;

namespace guide {

std::string page_key(const std::string& language, bool is_member, int id) {
  return "page:v3:" + language + (is_member ? ":member:" : ":guest:") + std::to_string(id);
}

std::string price_list(carafe::Cache& cache, Shop& shop) {
  const auto render = [&] { return shop.product_page(42); };
  return cache.get_or_load("price-list", render, {.ttl = 10min, .jitter = 0.1});  // 9 to 10 minutes
}

std::string front_page(carafe::Cache& cache, Shop& shop) {
  const auto render = [&] { return shop.product_page(42); };
  carafe::LoadOptions options;
  options.ttl = 60s;          // for so long it is fresh
  options.stale_for = 10min;  // and for so long more it will do while one caller computes
  return cache.get_or_load("front-page", render, options);
}

std::string best_sellers(carafe::Cache& cache, Shop& shop) {
  const auto render = [&] { return shop.product_page(42); };
  carafe::LoadOptions options;
  options.ttl = 60s;
  options.refresh_ahead = carafe::RefreshAhead::xfetch();
  return cache.get_or_load("best-sellers", render, options);
}

std::optional<std::string> product_name(carafe::Cache& cache, Shop& shop, int id) {
  const auto find = [&]() -> std::optional<std::string> { return shop.product(id); };
  carafe::LoadOptions options;
  options.ttl = 5min;
  options.negative_ttl = 10s;  // "there is none" is an answer for so long
  options.error_ttl = 1s;      // and "the database is down" for so long
  return cache.get_or_load("product:" + std::to_string(id), find, options);
}

std::string search_page(carafe::Cache& cache, const std::string& words, const std::function<std::string()>& search) {
  carafe::LoadOptions options;
  options.ttl = 60s;
  options.cache_if = [](std::string_view page) { return page.find("incomplete") == std::string_view::npos; };
  return cache.get_or_load("search:" + words, search, options);
}

void warm(carafe::Cache& cache, Shop& shop) {
  const auto fill = [&shop](carafe::Cache& cold) {
    for (const int id : {42, 43}) guide::product_page(cold, shop, id);
  };
  static_cast<void>(cache.warm_once("product pages", fill, {.wait = 10s}));  // one worker fills, the others wait; then all serve
}

void respond_when_there(carafe::Cache& cache, Loop& loop, const std::string& key, const std::function<void(std::string)>& respond,
                        int patience) {
  auto ticket = std::make_shared<carafe::LoadTicket>(cache.try_load(key, {.ttl = 60s, .stale_for = 60s}));
  const bool has_value = ticket->has_value();
  if (has_value) respond(ticket->value());  // fresh; or stale, which will do
  if (ticket->owns_lease() || (!has_value && patience == 0)) {
    loop.query(key, [=](const std::string& answer) {  // should it never call: the ticket's end gives the lease back
      static_cast<void>(ticket->fill(answer));        // kStale: outdated meanwhile, or no lease of ours; so not stored
      if (!has_value) respond(answer);
    });
  } else if (!has_value) {  // somebody else computes it
    loop.after(5ms, [=, &cache, &loop] { respond_when_there(cache, loop, key, respond, patience - 1); });
  }
}

void call_once_a_host(carafe::Cache& cache, Shop& shop) {
  const auto name_of = carafe::memoize(cache, "name_of", [&](int id) { return shop.product(id).value_or(""); }, {.ttl = 5min});
  const std::string name = name_of(42);       // asks the shop, once a host
  static_cast<void>(name_of.invalidate(42));  // this answer
  name_of.invalidate_all();                   // every answer of this function
}

std::size_t bytes_of(carafe::Cache& cache, const std::vector<std::string_view>& keys, std::vector<std::optional<std::string>>& reused) {
  cache.get_many(keys, reused);  // one answer a key, in order
  std::size_t bytes = 0;
  for (const std::optional<std::string>& value : reused) bytes += value.value_or("").size();
  return bytes;
}

std::optional<std::uint32_t> first_word_of(carafe::Cache& cache, std::string_view key) {
  std::uint32_t word = 0;
  bool found = false;
  const carafe::Status status = cache.get_view(key, [&](std::string_view value) {  // perhaps twice
    found = value.size() >= sizeof word;
    if (found) std::memcpy(&word, value.data(), sizeof word);
  });
  if (status != carafe::Status::kOk || !found) return std::nullopt;
  return word;
}

}  // namespace guide
