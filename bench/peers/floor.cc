// SPDX-License-Identifier: MIT
#include "peers/floor.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "peers/serve.h"

namespace carafe::bench {
namespace {

std::size_t bytes_for(const PeerSettings& settings) { return Floor::bytes_for(settings.items, kKeyBytes, settings.value_bytes); }

void* map(std::size_t bytes, int sharing) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) return memory;
  std::perror("mmap");
  std::exit(1);
}

struct FloorPeer {
  static constexpr const char* kName = "floor";
  static constexpr CrewKind kCrew = CrewKind::kProcesses;

  explicit FloorPeer(const PeerSettings& settings) : floor(map(bytes_for(settings), MAP_SHARED), bytes_for(settings), settings.items) {}

  bool get(std::string_view key, std::string& reused) const { return floor.get(key, reused); }
  bool set(std::string_view key, std::string_view value) { return floor.set(key, value); }

  Floor floor;
};

/// On huge pages, by MADV_HUGEPAGE. Private memory and threads: of shared memory the kernel makes huge pages only where an administrator
/// has said so (shmem_enabled), and what they spare is the same.
struct FloorHugePeer {
  static constexpr const char* kName = "floor_huge";
  static constexpr CrewKind kCrew = CrewKind::kThreads;

  explicit FloorHugePeer(const PeerSettings& settings) : floor(map_huge(bytes_for(settings)), bytes_for(settings), settings.items) {}

  bool get(std::string_view key, std::string& reused) const { return floor.get(key, reused); }
  bool set(std::string_view key, std::string_view value) { return floor.set(key, value); }

  Floor floor;

 private:
  static void* map_huge(std::size_t bytes) {
    constexpr std::size_t kHuge = std::size_t{2} << 20;
    auto* memory = static_cast<char*>(map(bytes + 2 * kHuge, MAP_PRIVATE));
    memory += (kHuge - reinterpret_cast<std::uintptr_t>(memory) % kHuge) % kHuge;
    const std::size_t whole = (bytes + kHuge - 1) / kHuge * kHuge;
    if (madvise(memory, whole, MADV_HUGEPAGE) == 0) {
      for (std::size_t at = 0; at < whole; at += kHuge) memory[at] = 0;
      if (huge_bytes() >= whole / 2) return memory;
    }
    std::fprintf(stderr, "the kernel gives no huge pages (see /sys/kernel/mm/transparent_hugepage/enabled)\n");
    std::exit(kAbsentHere);
  }
  static std::size_t huge_bytes() {
    std::ifstream lines("/proc/self/smaps_rollup");
    for (std::string name; lines >> name;) {
      std::size_t kib = 0;
      if (name == "AnonHugePages:" && lines >> kib) return kib << 10;
    }
    return 0;
  }
};

const Registered<FloorPeer> floor_registered;
const Registered<FloorHugePeer> floor_huge_registered;

}  // namespace
}  // namespace carafe::bench
