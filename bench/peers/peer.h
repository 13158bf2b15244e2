// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/settings.h"

namespace carafe::bench {

/// What a run is asked for.
struct PeerSettings {
  std::uint32_t items = item_count();
  std::size_t value_bytes = kUsualValueBytes;
  double seconds = 0.35;  // of each measurement
  std::string place;      // an empty folder for a store of files; the socket of a daemon
};

/// One row of the comparison. Every adapter registers itself, so that a program holds those whose libraries were found.
struct Peer {
  const char* name;
  int (*serve)(const PeerSettings& settings, const std::vector<std::string>& commands);
};

inline std::vector<Peer>& peers() {
  static std::vector<Peer> all;
  return all;
}

/// A peer that cannot be here, and why.
struct AbsentPeer {
  const char* name;
  std::string why;
};

inline std::vector<AbsentPeer>& absent_peers() {
  static std::vector<AbsentPeer> all;
  return all;
}

/// Exit status of a peer that this machine does not let run; why is what it printed.
inline constexpr int kAbsentHere = 77;

/// Keys asked for together.
using Keys = std::span<const std::string_view>;

// What an adapter has to offer; `serve.h` does the rest:
//
//   static constexpr const char* kName;
//   static constexpr CrewKind kCrew;                         forked processes, or threads where a store cannot be shared
//   explicit Adapter(const PeerSettings&);
//   bool get(std::string_view key, std::string& reused);     copies the value
//   bool set(std::string_view key, std::string_view value);
//
// and where it makes sense:
//
//   void open();  void close();                              a connection of this process; none is open across fork
//   void begin_fill();  void end_fill();                     many sets in a row, whichever way is quickest
//   void get_batch(Keys, each);                              calls each(position, value) for every hit

}  // namespace carafe::bench
