// SPDX-License-Identifier: MIT
#pragma once

#include <carafe/carafe.h>
#include <httplib.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "catalogue.h"
#include "private_cache.h"
#include "scoreboard.h"

namespace shop {

/// httplib's server on a listening socket that it did not make and must not shut down: the other workers accept on it, too.
class InheritedSocketServer : public httplib::Server {
 public:
  /// `listener` is non-blocking: several workers wake up for one connection, and those who come late must not wait in accept.
  explicit InheritedSocketServer(int listener) {
    svr_sock_ = listener;
    set_idle_interval(0, 200'000);  // poll before accept, so that drain is noticed
  }
  /// Ends listen_after_bind: no more connections, and those that are open end after the answer they wait for. From any thread.
  void drain() { svr_sock_ = INVALID_SOCKET; }
};

struct WorkerOptions {
  int listener = -1;
  std::string database;
  std::size_t threads = 32;  ///< At least as many as there are connections: with httplib a connection keeps its thread.
  std::chrono::seconds ttl{60};
  bool private_cache = false;  ///< Each worker keeps pages for itself; for comparison.
};

/// What runs in each child: serves until SIGTERM or SIGINT.
class Worker {
 public:
  /// `cache` is the handle that the master opened before the fork, or null to do without.
  Worker(const WorkerOptions& options, carafe::Cache* cache, Scoreboard& scoreboard)
      : options_(options), cache_(cache), scoreboard_(scoreboard), server_(options.listener) {
    server_.new_task_queue = [this] { return new httplib::ThreadPool(options_.threads); };
    server_.set_keep_alive_max_count(200);  // now and then clients connect anew, and so find a worker that was born later
    server_.set_keep_alive_timeout(2);
    server_.Get(R"(/product/(\d{1,9}))",
                [this](const httplib::Request& request, httplib::Response& response) { product(request, response); });
    server_.Get(R"(/room/([A-Z][a-z]{1,20}))",
                [this](const httplib::Request& request, httplib::Response& response) { room(request, response); });
    server_.Get("/health", [](const httplib::Request&, httplib::Response& response) { response.set_content("ok\n", "text/plain"); });
    server_.Get("/stats", [this](const httplib::Request&, httplib::Response& response) { stats(response); });
    server_.set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) { response.status = 500; });
    server_.set_logger([this](const httplib::Request& request, const httplib::Response& response) {
      if (request.path.starts_with("/product/") || request.path.starts_with("/room/")) count(response);
    });
  }

  /// The exit status.
  int run() {
    std::thread waiter([this] {
      sigset_t end;
      sigemptyset(&end);
      sigaddset(&end, SIGTERM);
      sigaddset(&end, SIGINT);
      int signal = 0;
      sigwait(&end, &signal);
      server_.drain();
    });
    const bool served = server_.listen_after_bind();
    kill(getpid(), SIGTERM);  // in case that it ended by itself: the waiter waits still
    waiter.join();
    return served ? 0 : 1;
  }

 private:
  using Query = std::function<std::optional<std::string>()>;

  void product(const httplib::Request& request, httplib::Response& response) {
    const std::string id = request.matches[1];
    answer(response, "product:" + id, [&] { return catalogue().product(std::strtol(id.c_str(), nullptr, 10)); });
  }

  void room(const httplib::Request& request, httplib::Response& response) {
    const std::string name = request.matches[1];
    answer(response, "room:" + name, [&] { return catalogue().room(name); });
  }

  /// The whole use of a cache: the page under `key`, or else the query, once for all who ask meanwhile. That there is none is kept too, for less long.
  std::optional<std::string> page(const std::string& key, const Query& query) {
    if (cache_ != nullptr) return cache_->get_or_load(key, query, {.ttl = options_.ttl, .negative_ttl = options_.ttl / 6, .jitter = 0.1});
    if (options_.private_cache) return mine_.get_or_query(key, query);
    return query();
  }

  void answer(httplib::Response& response, const std::string& key, const Query& query) {
    bool asked = false;
    const std::optional<std::string> found = page(key, [&] {
      asked = true;
      ++scoreboard_.queries;
      return query();
    });
    response.set_header("X-Cache", asked ? "miss" : "hit");
    if (found) {
      response.set_content(*found, "application/json");
    } else {
      response.status = 404;
    }
  }

  void stats(httplib::Response& response) const {
    std::string pids;
    for (const auto& pid : scoreboard_.workers) {
      if (pid != 0) pids += (pids.empty() ? "" : ",") + std::to_string(pid);
    }
    const auto field = [](const char* name, std::uint64_t value) { return ",\"" + std::string(name) + "\":" + std::to_string(value); };
    std::string json = "{\"answered_by\":" + std::to_string(getpid()) + ",\"workers\":[" + pids + "]";
    json += field("restarts", scoreboard_.restarts) + field("requests", scoreboard_.requests) + field("hits", scoreboard_.hits);
    json += field("failures", scoreboard_.failures) + field("queries", scoreboard_.queries);
    if (cache_ != nullptr) {
      const carafe::Stats cached = cache_->stats();
      json += ",\"cache\":{\"hit_ratio\":" + std::to_string(cached.windows[0].hit_ratio()) + field("items", cached.items) +
              field("evictions", cached.evictions) + "}";
    }
    response.set_content(json + "}\n", "application/json");
  }

  void count(const httplib::Response& response) {
    ++scoreboard_.requests;
    if (response.status < 200 || response.status > 299) ++scoreboard_.failures;
    if (response.get_header_value("X-Cache") == "hit") ++scoreboard_.hits;
  }

  /// Every thread has its own connection: SQLite would make them take turns on one.
  Catalogue& catalogue() const {
    thread_local Catalogue mine(options_.database);
    return mine;
  }

  const WorkerOptions options_;
  carafe::Cache* const cache_;
  PrivateCache mine_;
  Scoreboard& scoreboard_;
  InheritedSocketServer server_;
};

}  // namespace shop
