// SPDX-License-Identifier: MIT
// Runs the listings of docs/guide.md, and sees whether they do what the guide says.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

#include "listings.h"

namespace {

using guide::Shop;

void require(bool condition, const char* text, int line) {
  if (!condition) throw std::runtime_error("main.cc:" + std::to_string(line) + ": not so: " + text);
}
#define REQUIRE(condition) require(condition, #condition, __LINE__)

/// Removed at the end, whatever the end is.
class SegmentName {
 public:
  SegmentName(std::string name, unsigned mode) : name_(std::move(name)), mode_(mode) {}
  ~SegmentName() {
    try {
      carafe::Options options;
      options.mode = mode_;
      carafe::Cache::remove(name_, options);
    } catch (const carafe::Error& error) {
      std::fprintf(stderr, "guide: %s\n", error.what());
    }
  }
  SegmentName(const SegmentName&) = delete;
  SegmentName& operator=(const SegmentName&) = delete;
  [[nodiscard]] const std::string& text() const { return name_; }

 private:
  const std::string name_;
  const unsigned mode_;
};

carafe::Cache new_cache() { return carafe::Cache::create_anonymous({.capacity_bytes = 8 << 20}); }

/// Answers when it is told to.
class StubLoop : public guide::Loop {
 public:
  void query(const std::string&, std::function<void(const std::string&)> then) override { queries_.push_back(std::move(then)); }
  void after(std::chrono::milliseconds, std::function<void()> then) override { waiting_.push_back(std::move(then)); }
  void answer(const std::string& text) {
    for (const auto& then : std::exchange(queries_, {})) then(text);
  }
  void pass_time() {
    for (const auto& then : std::exchange(waiting_, {})) then();
  }
  [[nodiscard]] std::size_t queries() const { return queries_.size(); }

 private:
  std::vector<std::function<void(const std::string&)>> queries_;
  std::vector<std::function<void()>> waiting_;
};

void opening() {
  const SegmentName name("guide-" + std::to_string(getpid()), 0600);
  const auto ask = [](carafe::Cache& cache) {
    Shop shop;
    return guide::product_page(cache, shop, 42) == "<h1>Carafe</h1>" ? 0 : 1;
  };
  REQUIRE(guide::serve_with_workers(4, name.text(), ask) == 0);
  REQUIRE(carafe::Cache::open_read_only(name.text()).stats().loads == 1);  // four workers, one query
}

void opening_for_a_group() {
  const SegmentName name("guide-group-" + std::to_string(getpid()), 0660);
  REQUIRE(guide::open_for_group(name.text(), std::to_string(getegid())).info().mode == 0660);
}

void loading() {
  carafe::Cache cache = new_cache();
  Shop shop;
  REQUIRE(guide::page_key("de", true, 42) == "page:v3:de:member:42");
  for (int i = 0; i < 2; ++i) {
    guide::price_list(cache, shop);
    guide::front_page(cache, shop);
    guide::best_sellers(cache, shop);
    REQUIRE(guide::product_name(cache, shop, 42) == "Carafe");
    REQUIRE(guide::product_name(cache, shop, 7) == std::nullopt);  // and it is known that there is none
  }
  REQUIRE(shop.queries() == 5);

  shop.set_down(true);
  int thrown = 0, not_tried = 0;
  for (int i = 0; i < 2; ++i) {
    try {
      guide::product_name(cache, shop, 43);
    } catch (const carafe::LoadFailed&) {
      ++not_tried;
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  REQUIRE(thrown == 1 && not_tried == 1);

  guide::search_page(cache, "jug", [] { return std::string("incomplete"); });
  REQUIRE(!cache.contains("search:jug"));
  guide::search_page(cache, "jug", [] { return std::string("all jugs"); });
  REQUIRE(cache.contains("search:jug"));
}

void many_and_large() {
  carafe::Cache cache = new_cache();
  REQUIRE(cache.set("a", "one word and more") == carafe::Status::kOk && cache.set("b", "no") == carafe::Status::kOk);
  std::vector<std::optional<std::string>> reused;
  REQUIRE(guide::bytes_of(cache, {"a", "absent", "b"}, reused) == 19);
  REQUIRE(guide::first_word_of(cache, "a") == 0x20656e6f);  // "one " where the first byte is the least
  REQUIRE(!guide::first_word_of(cache, "b") && !guide::first_word_of(cache, "absent"));
}

void loading_for_all() {
  carafe::Cache cache = new_cache();
  Shop shop;
  for (int i = 0; i < 2; ++i) guide::warm(cache, shop);
  REQUIRE(shop.queries() == 2 && cache.contains("product-page:42") && cache.contains("product-page:43"));
  for (int i = 0; i < 2; ++i) guide::call_once_a_host(cache, shop);
  REQUIRE(shop.queries() == 4);  // the second call found nothing: the first one had invalidated it
}

void event_loop() {
  carafe::Cache cache = new_cache();
  StubLoop loop;
  std::vector<std::string> answers;
  const auto respond = [&answers](const std::string& text) { answers.push_back(text); };
  for (int i = 0; i < 3; ++i) guide::respond_when_there(cache, loop, "page", respond);
  REQUIRE(loop.queries() == 1 && answers.empty());
  loop.answer("whole");
  loop.pass_time();
  REQUIRE(answers == std::vector<std::string>(3, "whole"));

  const std::string bad_key;  // never a lease: in the end it asks by itself
  guide::respond_when_there(cache, loop, bad_key, respond, 1);
  REQUIRE(loop.queries() == 0);
  loop.pass_time();
  REQUIRE(loop.queries() == 1);
  loop.answer("alone");
  REQUIRE(answers.back() == "alone");
}

void invalidating() {
  carafe::Cache cache = new_cache();
  Shop shop;
  guide::product_page(cache, shop, 42);
  guide::rename_product(cache, shop, 42, "Decanter");
  REQUIRE(guide::product_page(cache, shop, 42) == "<h1>Decanter</h1>");

  // What was read before the invalidation is not stored after it.
  const std::string late = cache.get_or_load("product-page:43", [&] {
    std::string page = shop.product_page(43);
    guide::rename_product(cache, shop, 43, "Pitcher");
    return page;
  });
  REQUIRE(late == "<h1>Jug</h1>" && !cache.contains("product-page:43"));

  guide::shelf_page(cache, shop);
  REQUIRE(cache.contains("shelf-page:jugs"));
  guide::prices_changed(cache);
  REQUIRE(!cache.contains("shelf-page:jugs"));

  guide::tenant_page(cache, shop, "a");
  guide::tenant_page(cache, shop, "b");
  guide::tenant_left(cache, "a");
  REQUIRE(!cache.in("tenant:a").contains("front-page") && cache.in("tenant:b").contains("front-page"));

  for (const std::string_view key : {"search:jug", "search:cup", "page:v3:de:guest:1", "page:v3:de:member:1"})
    REQUIRE(cache.set(key, "x") == carafe::Status::kOk);
  REQUIRE(guide::forget_searches(cache) == 3);
}

void running() {
  carafe::Cache cache = new_cache();
  Shop shop;
  int let_in = 0;
  for (int i = 0; i < 15; ++i) let_in += guide::may_log_in(cache, "192.0.2.1") ? 1 : 0;
  REQUIRE(let_in == 10);

  guide::page_of_release(cache, shop, "v42");
  guide::page_of_release(cache, shop, "v43");
  REQUIRE(shop.queries() == 2);  // neither sees the other's
  REQUIRE(cache.prune_releases("v43") == 1);
  guide::page_of_release(cache, shop, "v43");
  REQUIRE(shop.queries() == 2);
  REQUIRE(guide::hit_ratio_of_last_minute(cache) >= 0);

  REQUIRE(guide::report_once(cache, shop));
  carafe::NamedMutex held(cache, "nightly");
  REQUIRE(held.try_lock() && !guide::report_once(cache, shop));
  held.unlock();
  REQUIRE(guide::greeting_without_shared_memory() == "hello");
}

}  // namespace

int main() {
  try {
    opening();
    opening_for_a_group();
    loading();
    loading_for_all();
    many_and_large();
    event_loop();
    invalidating();
    running();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "guide: %s\n", error.what());
    return 1;
  }
}
