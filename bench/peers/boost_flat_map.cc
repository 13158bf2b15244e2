// SPDX-License-Identifier: MIT
#include "peers/serve.h"

#if __has_include(<boost/unordered/concurrent_flat_map.hpp>)
#include <boost/unordered/concurrent_flat_map.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace carafe::bench {
namespace {

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>{}(key); }
};

/// boost::concurrent_flat_map, in one process: open addressing, a lock a group of fifteen.
struct BoostFlatMapPeer {
  static constexpr const char* kName = "boost_flat_map";
  static constexpr CrewKind kCrew = CrewKind::kThreads;

  explicit BoostFlatMapPeer(const PeerSettings& settings) { map.reserve(settings.items); }

  bool get(std::string_view key, std::string& reused) const {
    return map.cvisit(key, [&](const auto& item) { reused.assign(item.second); }) != 0;
  }
  bool set(std::string_view key, std::string_view value) {
    if (map.visit(key, [&](auto& item) { item.second.assign(value); }) == 0) map.insert_or_assign(std::string(key), std::string(value));
    return true;
  }

  boost::concurrent_flat_map<std::string, std::string, Hash, std::equal_to<>> map;
};

const Registered<BoostFlatMapPeer> registered;

}  // namespace
}  // namespace carafe::bench

#else
#include <boost/version.hpp>
#include <string>

namespace carafe::bench {
namespace {

const std::string version = std::to_string(BOOST_VERSION / 100'000) + "." + std::to_string(BOOST_VERSION / 100 % 1000);
const bool noted =
    (absent_peers().push_back({"boost_flat_map", "Boost " + version + " has no concurrent_flat_map; 1.83 is the first that has"}), true);

}  // namespace
}  // namespace carafe::bench
#endif
