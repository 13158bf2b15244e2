// SPDX-License-Identifier: MIT
#include "carafe/carafe.h"

#include "peers/serve.h"
#include "support/stores.h"

namespace carafe::bench {
namespace {

struct CarafePeer : CarafeStore {
  static constexpr CrewKind kCrew = CrewKind::kProcesses;
  explicit CarafePeer(const PeerSettings& settings) : CarafePeer(options_for(settings.items, settings.value_bytes, Room::kAmple)) {}

  template <typename Each>
  void get_batch(Keys keys, Each&& each) {
    cache.get_many(keys, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i]) each(i, std::string_view(*values[i]));
    }
  }

  std::vector<std::optional<std::string>> values{};

 protected:
  explicit CarafePeer(const Options& options) : CarafeStore(options, Eviction::kDuel) {}
};

/// On huge pages, which the kernel collects whatever its settings say (Pages::kHuge).
struct CarafeHugePeer : CarafePeer {
  static constexpr const char* kName = "carafe_huge";
  explicit CarafeHugePeer(const PeerSettings& settings) : CarafePeer(options_for_huge(settings)) {}

 private:
  static Options options_for_huge(const PeerSettings& settings) {
    Options options = options_for(settings.items, settings.value_bytes, Room::kAmple);
    options.pages = Pages::kHuge;
    return options;
  }
};

const Registered<CarafePeer> registered;
const Registered<CarafeHugePeer> registered_huge;

}  // namespace
}  // namespace carafe::bench
