// SPDX-License-Identifier: MIT
#include "support/striped_map.h"

#include "peers/serve.h"
#include "support/stores.h"

namespace carafe::bench {
namespace {

/// 64 std::unordered_map, each behind a std::mutex, in one process.
struct StripedMapPeer : StripedMapStore {
  static constexpr CrewKind kCrew = CrewKind::kThreads;
  explicit StripedMapPeer(const PeerSettings& settings) : StripedMapStore(settings.items, settings.value_bytes, Room::kAmple) {}
};

const Registered<StripedMapPeer> registered;

}  // namespace
}  // namespace carafe::bench
