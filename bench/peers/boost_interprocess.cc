// SPDX-License-Identifier: MIT
#include <sys/mman.h>

#include <array>
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/map.hpp>
#include <boost/interprocess/containers/string.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <boost/unordered_map.hpp>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "peers/serve.h"

namespace carafe::bench {
namespace {

namespace ipc = boost::interprocess;
using Manager = ipc::managed_external_buffer::segment_manager;
using Text = ipc::basic_string<char, std::char_traits<char>, ipc::allocator<char, Manager>>;
using Pairs = ipc::allocator<std::pair<const Text, Text>, Manager>;

std::string_view view(const Text& text) { return {text.data(), text.size()}; }
std::string_view view(std::string_view text) { return text; }

struct Less {
  using is_transparent = void;
  bool operator()(const auto& a, const auto& b) const noexcept { return view(a) < view(b); }
};
struct Hash {
  std::size_t operator()(const auto& key) const noexcept { return std::hash<std::string_view>{}(view(key)); }
};
struct Equal {
  bool operator()(const auto& a, const auto& b) const noexcept { return view(a) == view(b); }
};

struct Ordered {
  using Map = ipc::map<Text, Text, Less, Pairs>;
  Ordered(std::size_t, Manager* manager) : map(Less{}, Pairs(manager)) {}
  Map::iterator find(std::string_view key) { return map.find(key); }
  Map map;
};
struct Unordered {
  using Map = boost::unordered_map<Text, Text, Hash, Equal, Pairs>;
  Unordered(std::size_t items, Manager* manager) : map(items + items / 8, Hash{}, Equal{}, Pairs(manager)) {}
  Map::iterator find(std::string_view key) { return map.find(key, Hash{}, Equal{}); }
  Map map;
};

/// A map in shared memory by Boost.Interprocess, as its manual has it: strings and nodes from the segment's allocator, behind as many
/// mutexes (and maps) as `kStripes`. A process that dies with one locks out all others.
template <typename Table, std::size_t kStripes>
struct InterprocessPeer {
  static constexpr CrewKind kCrew = CrewKind::kProcesses;

  explicit InterprocessPeer(const PeerSettings& settings) {
    const std::size_t bytes = (std::size_t{64} << 20) + settings.items * (2 * settings.value_bytes + 512);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    segment = ipc::managed_external_buffer(ipc::create_only, memory, bytes);
    texts = std::make_unique<ipc::allocator<char, Manager>>(segment.get_segment_manager());
    for (auto& stripe : stripes) {
      stripe = segment.construct<Stripe>(ipc::anonymous_instance)(settings.items / kStripes, segment.get_segment_manager());
    }
  }

  bool get(std::string_view key, std::string& reused) {
    Stripe& stripe = stripe_of(key);
    const ipc::scoped_lock lock(stripe.mutex);
    const auto found = stripe.table.find(key);
    if (found == stripe.table.map.end()) return false;
    reused.assign(found->second.data(), found->second.size());
    return true;
  }
  bool set(std::string_view key, std::string_view value) {
    Stripe& stripe = stripe_of(key);
    const ipc::scoped_lock lock(stripe.mutex);
    if (const auto found = stripe.table.find(key); found != stripe.table.map.end()) {
      found->second.assign(value.data(), value.size());
      return true;
    }
    stripe.table.map.emplace(Text(key.data(), key.size(), *texts), Text(value.data(), value.size(), *texts));
    return true;
  }

  struct Stripe {
    Stripe(std::size_t items, Manager* manager) : table(items, manager) {}
    alignas(64) ipc::interprocess_mutex mutex;
    Table table;
  };
  /// Of the high bits of a product: the table uses the hash itself.
  Stripe& stripe_of(std::string_view key) {
    if constexpr (kStripes == 1) return *stripes[0];
    return *stripes[(Hash{}(key)*0x9e3779b97f4a7c15ULL >> 32) % kStripes];
  }

  ipc::managed_external_buffer segment;
  std::unique_ptr<ipc::allocator<char, Manager>> texts;
  std::array<Stripe*, kStripes> stripes{};  // every process has the memory at the same address
};

struct Map1 : InterprocessPeer<Ordered, 1> {
  static constexpr const char* kName = "interprocess_map_1";
  using InterprocessPeer::InterprocessPeer;
};
struct Map64 : InterprocessPeer<Ordered, 64> {
  static constexpr const char* kName = "interprocess_map_64";
  using InterprocessPeer::InterprocessPeer;
};
struct Hash1 : InterprocessPeer<Unordered, 1> {
  static constexpr const char* kName = "interprocess_hash_1";
  using InterprocessPeer::InterprocessPeer;
};
struct Hash64 : InterprocessPeer<Unordered, 64> {
  static constexpr const char* kName = "interprocess_hash_64";
  using InterprocessPeer::InterprocessPeer;
};

const Registered<Map1> map_1;
const Registered<Map64> map_64;
const Registered<Hash1> hash_1;
const Registered<Hash64> hash_64;

}  // namespace
}  // namespace carafe::bench
