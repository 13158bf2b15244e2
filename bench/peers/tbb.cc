// SPDX-License-Identifier: MIT
#include <tbb/concurrent_hash_map.h>

#include <functional>
#include <string>
#include <string_view>

#include "peers/serve.h"

namespace carafe::bench {
namespace {

struct HashCompare {
  using is_transparent = void;
  [[nodiscard]] std::size_t hash(std::string_view key) const noexcept { return std::hash<std::string_view>{}(key); }
  [[nodiscard]] bool equal(std::string_view a, std::string_view b) const noexcept { return a == b; }
};

/// oneTBB's concurrent_hash_map, in one process: a reader-writer lock an item.
struct TbbPeer {
  static constexpr const char* kName = "tbb";
  static constexpr CrewKind kCrew = CrewKind::kThreads;
  using Map = tbb::concurrent_hash_map<std::string, std::string, HashCompare>;

  explicit TbbPeer(const PeerSettings& settings) : map(settings.items) {}

  bool get(std::string_view key, std::string& reused) {
    Map::const_accessor found;
    if (!map.find(found, key)) return false;
    reused.assign(found->second);
    return true;
  }
  bool set(std::string_view key, std::string_view value) {
    Map::accessor place;
    map.insert(place, key);
    place->second.assign(value);
    return true;
  }

  Map map;
};

const Registered<TbbPeer> registered;

}  // namespace
}  // namespace carafe::bench
