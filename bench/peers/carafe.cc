// SPDX-License-Identifier: MIT
#include "carafe/carafe.h"

#include "peers/serve.h"
#include "support/stores.h"

namespace carafe::bench {
namespace {

struct CarafePeer : CarafeStore {
  static constexpr CrewKind kCrew = CrewKind::kProcesses;
  explicit CarafePeer(const PeerSettings& settings) : CarafeStore(settings.items, settings.value_bytes, Room::kAmple) {}

  template <typename Each>
  void get_batch(Keys keys, Each&& each) {
    cache.get_many(keys, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i]) each(i, std::string_view(*values[i]));
    }
  }

  std::vector<std::optional<std::string>> values{};
};

const Registered<CarafePeer> registered;

}  // namespace
}  // namespace carafe::bench
