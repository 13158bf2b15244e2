// SPDX-License-Identifier: MIT
#include <libmemcached/memcached.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "peers/serve.h"

namespace carafe::bench {
namespace {

/// memcached over a unix socket (`place`), by libmemcached.
struct MemcachedPeer {
  static constexpr const char* kName = "memcached";
  static constexpr CrewKind kCrew = CrewKind::kProcesses;

  explicit MemcachedPeer(const PeerSettings& settings) : socket(settings.place) {}

  void open() {
    memcached = memcached_create(nullptr);
    if (memcached == nullptr || memcached_server_add_unix_socket(memcached, socket.c_str()) != MEMCACHED_SUCCESS) give_up("no connection");
  }
  void close() { memcached_free(memcached); }

  /// Without waiting for answers.
  void begin_fill() {
    memcached_behavior_set(memcached, MEMCACHED_BEHAVIOR_NOREPLY, 1);
    memcached_behavior_set(memcached, MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, 1);
  }
  void end_fill() {
    memcached_flush_buffers(memcached);
    close();
    open();
  }

  bool get(std::string_view key, std::string& reused) {
    std::size_t bytes = 0;
    std::uint32_t flags = 0;
    memcached_return_t result = MEMCACHED_SUCCESS;
    char* value = memcached_get(memcached, key.data(), key.size(), &bytes, &flags, &result);
    if (result != MEMCACHED_SUCCESS) return false;
    reused.assign(value, bytes);
    std::free(value);
    return true;
  }
  bool set(std::string_view key, std::string_view value) {
    const memcached_return_t result = memcached_set(memcached, key.data(), key.size(), value.data(), value.size(), 0, 0);
    return result == MEMCACHED_SUCCESS || result == MEMCACHED_BUFFERED;
  }

  template <typename Each>
  void get_batch(Keys keys, Each&& each) {
    std::array<const char*, 100> names;
    std::array<std::size_t, 100> lengths;
    const std::size_t count = std::min(keys.size(), names.size());
    for (std::size_t i = 0; i < count; ++i) {
      names[i] = keys[i].data();
      lengths[i] = keys[i].size();
    }
    if (memcached_mget(memcached, names.data(), lengths.data(), count) != MEMCACHED_SUCCESS) return;
    memcached_result_st result;
    memcached_result_create(memcached, &result);
    memcached_return_t more = MEMCACHED_SUCCESS;
    std::size_t i = 0;
    while (memcached_fetch_result(memcached, &result, &more) != nullptr) {
      const std::string_view name(memcached_result_key_value(&result), memcached_result_key_length(&result));
      while (i < count && keys[i] != name) ++i;  // one server answers in order, hits only
      if (i == count) give_up("an answer that nobody asked for");
      each(i++, std::string_view(memcached_result_value(&result), memcached_result_length(&result)));
    }
    memcached_result_free(&result);
  }

 private:
  [[noreturn]] static void give_up(const char* why) {
    std::fprintf(stderr, "memcached: %s\n", why);
    std::exit(1);
  }

  std::string socket;
  memcached_st* memcached = nullptr;
};

const Registered<MemcachedPeer> registered;

}  // namespace
}  // namespace carafe::bench
