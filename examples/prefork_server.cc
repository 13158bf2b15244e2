// SPDX-License-Identifier: MIT
// A pre-forking HTTP server whose workers share one cache; what Apache, uWSGI or PHP-FPM do, in a few hundred lines.
//
//   master   opens the cache and the listening socket, forks the workers, replaces those that die   prefork/master.h
//   workers  accept on that one socket and answer /product/ID and /room/NAME
//            from the cache or from SQLite                                                          prefork/worker.h, catalogue.h
//
// The handle on the cache is opened once, before the fork: a child uses the one it inherits, and nothing has to be done for it.
#include <arpa/inet.h>
#include <carafe/carafe.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <system_error>

#include "prefork/master.h"
#include "prefork/scoreboard.h"
#include "prefork/worker.h"

namespace {

struct Arguments {
  shop::WorkerOptions worker;
  std::string segment = "prefork_server";
  carafe::Options cache;
  std::size_t workers = 4;
  std::uint16_t port = 0;
  bool shared_cache = true;
};

constexpr const char* kUsage =
    "usage: prefork_server --database FILE [options]\n"
    "  --port N        port on 127.0.0.1; 0 (default) = any free one, which is printed\n"
    "  --workers N     processes (4)\n"
    "  --threads N     of each worker, which is also its most open connections (32)\n"
    "  --segment NAME  of the shared cache (prefork_server); removed at the end\n"
    "  --capacity MIB  of the shared cache (64)\n"
    "  --ttl SECONDS   how long a page is kept (60)\n"
    "  --no-cache      every page from the database\n"
    "  --private-cache each worker keeps pages for itself\n"
    "GET /product/ID, /room/NAME, /health, /stats. SIGTERM or SIGINT ends it.\n";

[[noreturn]] void usage() {
  std::fputs(kUsage, stderr);
  std::exit(2);
}

/// A decimal number from `least` to `most`, or the usage.
unsigned long number(const char* text, unsigned long least, unsigned long most) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (end == text || *end != '\0' || value < least || value > most) usage();
  return value;
}

Arguments parse(int argc, char** argv) {
  const option options[] = {{"database", required_argument, nullptr, 'd'}, {"port", required_argument, nullptr, 'p'},
                            {"workers", required_argument, nullptr, 'w'},  {"threads", required_argument, nullptr, 't'},
                            {"segment", required_argument, nullptr, 's'},  {"capacity", required_argument, nullptr, 'c'},
                            {"ttl", required_argument, nullptr, 'l'},      {"no-cache", no_argument, nullptr, 'n'},
                            {"private-cache", no_argument, nullptr, 'o'},  {nullptr, 0, nullptr, 0}};
  Arguments arguments;
  for (int letter = 0; (letter = getopt_long(argc, argv, "", options, nullptr)) != -1;) {
    switch (letter) {
      case 'd':
        arguments.worker.database = optarg;
        break;
      case 'p':
        arguments.port = static_cast<std::uint16_t>(number(optarg, 0, 65535));
        break;
      case 'w':
        arguments.workers = number(optarg, 1, shop::kMostWorkers);
        break;
      case 't':
        arguments.worker.threads = number(optarg, 1, 1024);
        break;
      case 's':
        arguments.segment = optarg;
        break;
      case 'c':
        arguments.cache.capacity_bytes = number(optarg, 1, 1UL << 20) << 20;
        break;
      case 'l':
        arguments.worker.ttl = std::chrono::seconds(number(optarg, 1, 86400));
        break;
      case 'n':
        arguments.shared_cache = false;
        break;
      case 'o':
        arguments.shared_cache = false;
        arguments.worker.private_cache = true;
        break;
      default:
        usage();
    }
  }
  if (optind != argc || arguments.worker.database.empty()) usage();
  return arguments;
}

/// The socket that all workers accept on; `port` becomes the port it has.
int listen_on_loopback(std::uint16_t& port) {
  const auto require = [](int result, const char* call) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), call);
    return result;
  };
  const int on = 1;
  const int listener = require(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
  require(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  require(setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");  // accepted sockets inherit it
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t length = sizeof address;
  require(bind(listener, reinterpret_cast<const sockaddr*>(&address), length), "bind");
  require(listen(listener, 4096), "listen");
  require(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  port = ntohs(address.sin_port);
  return listener;
}

/// Opened for as long as the server runs, and removed with it.
class SharedCache {
 public:
  SharedCache(std::string name, const carafe::Options& options)
      : name_(std::move(name)), options_(options), cache_(carafe::Cache::open_or_create(name_, options)) {}
  ~SharedCache() {
    try {
      carafe::Cache::remove(name_, options_);
    } catch (const carafe::Error& error) {
      std::fprintf(stderr, "prefork_server: %s\n", error.what());
    }
  }
  SharedCache(const SharedCache&) = delete;
  SharedCache& operator=(const SharedCache&) = delete;
  carafe::Cache* handle() { return &cache_; }

 private:
  const std::string name_;
  const carafe::Options options_;
  carafe::Cache cache_;
};

void serve(Arguments arguments) {
  shop::Catalogue(arguments.worker.database).product(1);  // fail here rather than in every worker
  arguments.worker.listener = listen_on_loopback(arguments.port);
  shop::Scoreboard& scoreboard = shop::Scoreboard::make_shared();
  std::optional<SharedCache> shared;
  if (arguments.shared_cache) shared.emplace(arguments.segment, arguments.cache);
  carafe::Cache* cache = shared ? shared->handle() : nullptr;

  shop::Master master(scoreboard, arguments.workers, [&] { return shop::Worker(arguments.worker, cache, scoreboard).run(); });
  std::printf("listening on http://127.0.0.1:%d, %zu workers, %s\n", arguments.port, arguments.workers,
              cache != nullptr                 ? ("cache " + arguments.segment).c_str()
              : arguments.worker.private_cache ? "private caches"
                                               : "no cache");
  std::fflush(stdout);
  master.run();
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  try {
    serve(arguments);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "prefork_server: %s\n", error.what());
    return 1;
  }
}
