// SPDX-License-Identifier: MIT
/// carafe or one of its peers, filled and measured. `run.py` keeps one such process per peer and asks them in turn, by lines like
/// "get_zipf 2" (workload, workers) on standard input; by hand:
///
///   bench_peers --list
///   bench_peers --peer carafe --workload get_uniform --processes 2
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "peers/peer.h"
#include "support/settings.h"

namespace carafe::bench {
namespace {

int usage() {
  std::fprintf(stderr,
               "bench_peers --list\n"
               "bench_peers --peer NAME [--workload NAME] [--processes N] [--items N] [--value-bytes N] [--seconds S] [--place PATH]\n");
  return 2;
}

int list() {
  for (const Peer& peer : peers()) std::printf("%s\n", peer.name);
  for (const AbsentPeer& peer : absent_peers()) std::printf("%s absent: %s\n", peer.name, peer.why.c_str());
  return 0;
}

int run(int argc, char** argv) {
  PeerSettings settings;
  std::string name;
  std::string workload;
  std::string processes = "1";
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--list") return list();
    if (i + 1 == argc) return usage();
    const char* value = argv[++i];
    if (option == "--peer")
      name = value;
    else if (option == "--workload")
      workload = value;
    else if (option == "--processes")
      processes = value;
    else if (option == "--items")
      settings.items = static_cast<std::uint32_t>(std::clamp(std::strtoul(value, nullptr, 10), 100UL, 100'000'000UL));
    else if (option == "--value-bytes")
      settings.value_bytes = std::clamp(std::strtoul(value, nullptr, 10), 8UL, 64UL << 20);
    else if (option == "--seconds")
      settings.seconds = std::strtod(value, nullptr);
    else if (option == "--place")
      settings.place = value;
    else
      return usage();
  }
  const auto peer = std::find_if(peers().begin(), peers().end(), [&](const Peer& candidate) { return name == candidate.name; });
  if (peer == peers().end()) return usage();
  std::vector<std::string> commands;
  if (!workload.empty()) commands.push_back(workload + " " + processes);
  return peer->serve(settings, commands);
}

}  // namespace
}  // namespace carafe::bench

int main(int argc, char** argv) { return carafe::bench::run(argc, argv); }
