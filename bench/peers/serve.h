// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "peers/peer.h"
#include "support/accesses.h"
#include "support/crew.h"
#include "support/workload.h"

/// What is measured, of every adapter alike: filled, every byte checked, then one cell after the other as commands ask.
namespace carafe::bench {

struct Workload {
  const char* name;
  const char* skew;
  double write_share;
  std::size_t batch;  // keys asked for together; 0: one by one
};

/// The mixes are YCSB's A and B (Cooper et al., SoCC 2010).
inline constexpr std::array<Workload, 9> kWorkloads{{
    {"get_uniform", "uniform", 0, 0},
    {"get_zipf", "zipf:0.99", 0, 0},
    {"get_one_key", "one_key", 0, 0},
    {"get_miss", "absent", 0, 0},
    {"get_32", "uniform", 0, 32},
    {"get_100", "uniform", 0, 100},
    {"set_replace", "uniform", 1, 0},
    {"mix_95_5", "zipf:0.99", 0.05, 0},
    {"mix_50_50", "zipf:0.99", 0.5, 0},
}};

inline const Workload* workload_named(std::string_view name) {
  const auto* found = std::find_if(kWorkloads.begin(), kWorkloads.end(), [&](const Workload& workload) { return name == workload.name; });
  return found == kWorkloads.end() ? nullptr : found;
}

template <typename Store>
concept Batches = requires(Store& store, Keys keys, void (*each)(std::size_t, std::string_view)) {
  store.get_batch(keys, each);
};
template <typename Store>
concept Opens = requires(Store& store) {
  store.open();
};
template <typename Store>
concept FillsQuickly = requires(Store& store) {
  store.begin_fill();
};

template <typename Store>
class Server {
 public:
  explicit Server(const PeerSettings& settings) : settings_(settings), store_(settings) {
    if constexpr (Opens<Store>) store_.open();
    fill();
    walk();
    if constexpr (Opens<Store>) store_.close();
    for (const Workload& workload : kWorkloads) {
      if (measurable(workload)) sequence_of(workload.skew, settings_.items, workload.write_share);  // once, before the fork
    }
    void* memory = mmap(nullptr, sizeof(Order), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) give_up("mmap");
    order_ = new (memory) Order;
    crew_.emplace(
        Store::kCrew, std::min<std::size_t>(2, allowed_cores().size()),
        [this, hands = std::vector<Hand>(2)](std::size_t worker, std::uint64_t accesses, const std::atomic<std::uint32_t>& stop,
                                             Tally& tally) mutable { return work(hands[worker], worker, accesses, stop, tally); });
    for (std::size_t worker = 0; worker < crew_->size(); ++worker) crew_->run(worker, 1, 0);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// "get_zipf 2": one line of JSON.
  void run(const std::string& command) {
    std::istringstream words(command);
    std::string name;
    std::size_t workers = 0;
    words >> name >> workers;
    const Workload* workload = workload_named(name);
    std::string error;
    if (workload == nullptr)
      error = "no such workload";
    else if (workers == 0 || workers > crew_->size())
      error = "no such number of workers";
    else if (!measurable(*workload))
      error = "has none";
    if (!error.empty()) {
      std::printf(R"({"peer":"%s","workload":"%s","workers":%zu,"absent":"%s"})"
                  "\n",
                  Store::kName, name.c_str(), workers, error.c_str());
    } else {
      measure(*workload, workers);
    }
    std::fflush(stdout);
  }

 private:
  /// What the workers of a round are to do.
  struct Order {
    std::atomic<std::uint32_t> workload{0};
  };
  /// A worker's own.
  struct Hand {
    bool begun = false;
    std::array<std::size_t, kWorkloads.size()> positions{};
  };

  [[noreturn]] static void give_up(const char* why) {
    std::fprintf(stderr, "%s: %s\n", Store::kName, why);
    std::exit(1);
  }

  static constexpr bool measurable(const Workload& workload) { return workload.batch == 0 || Batches<Store>; }

  void fill() {
    if constexpr (FillsQuickly<Store>) store_.begin_fill();
    ItemMaker maker(settings_.value_bytes);
    for (std::uint32_t index = 0; index < settings_.items; ++index) {
      if (!store_.set(maker.key(index), maker.value(index))) give_up("refused an item");
    }
    if constexpr (FillsQuickly<Store>) store_.end_fill();
  }

  /// Reads every item and compares every byte: what was stored is there, pages are mapped, caches and counters settle.
  void walk() {
    constexpr std::uint32_t kTogether = 100;
    ItemMaker maker(settings_.value_bytes);
    std::uint32_t hits = 0;
    const auto check = [&](std::uint32_t index, std::string_view value) {
      if (value != maker.value(index)) give_up("a value was wrong");
      ++hits;
    };
    if constexpr (Batches<Store>) {
      std::array<char[kKeyBytes], kTogether> bytes;
      std::array<std::string_view, kTogether> keys;
      for (std::uint32_t first = 0; first < settings_.items; first += kTogether) {
        const std::uint32_t count = std::min(kTogether, settings_.items - first);
        for (std::uint32_t i = 0; i < count; ++i) {
          write_key(first + i, bytes[i]);
          keys[i] = {bytes[i], kKeyBytes};
        }
        store_.get_batch(Keys(keys.data(), count),
                         [&](std::size_t i, std::string_view value) { check(first + static_cast<std::uint32_t>(i), value); });
      }
    } else {
      std::string value;
      for (std::uint32_t index = 0; index < settings_.items; ++index) {
        if (store_.get(maker.key(index), value)) check(index, value);
      }
    }
    if (hits != settings_.items) give_up("an item is missing");
  }

  /// The loop of a worker. The first round of each asks for no accesses: it opens the store and walks it.
  std::uint64_t work(Hand& hand, std::size_t worker, std::uint64_t accesses, const std::atomic<std::uint32_t>& stop, Tally& tally) {
    if (!hand.begun) {
      if constexpr (Opens<Store>) store_.open();
      walk();
      hand.begun = true;
      return 1;
    }
    const std::size_t number = order_->workload.load(std::memory_order_relaxed);
    const Workload& workload = kWorkloads[number];
    const Sequence& sequence = sequence_of(workload.skew, settings_.items, workload.write_share);
    std::size_t& position = hand.positions[number];
    if (position == 0) position = sequence.size() / 2 * worker;
    if constexpr (Batches<Store>) {
      if (workload.batch != 0) return work_in_batches(workload.batch, sequence, position, accesses, stop, tally);
    }
    AccessStream stream(sequence, workload.write_share > 0 ? settings_.value_bytes : 0, position);
    std::string value;
    value.reserve(settings_.value_bytes);
    std::uint64_t made = 0;
    while (made < accesses && stop.load(std::memory_order_relaxed) == 0) {
      for (int i = 0; i < 16; ++i) access_once(store_, stream, value, settings_.value_bytes, tally);
      made += 16;
    }
    position = stream.position();
    return made;
  }

  std::uint64_t work_in_batches(std::size_t count, const Sequence& sequence, std::size_t& position, std::uint64_t accesses,
                                const std::atomic<std::uint32_t>& stop, Tally& tally) {
    constexpr std::size_t kMost = 100;
    std::array<char[kKeyBytes], kMost> bytes;
    std::array<std::string_view, kMost> keys;
    std::array<std::uint64_t, kMost> checks;
    std::uint64_t made = 0;
    while (made < accesses && stop.load(std::memory_order_relaxed) == 0) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t index = sequence.at(position++);
        write_key(index, bytes[i]);
        keys[i] = {bytes[i], kKeyBytes};
        checks[i] = check_of(index);
      }
      store_.get_batch(Keys(keys.data(), count), [&](std::size_t i, std::string_view value) {
        ++tally.hits;
        if (!value_matches(checks[i], settings_.value_bytes, value)) ++tally.wrong;
      });
      tally.gets += count;
      made += count;
    }
    return made;
  }

  /// Rounds of growing length: the last, which takes about as long as was asked for, is the figure, and those before it warm up.
  void measure(const Workload& workload, std::size_t workers) {
    order_->workload.store(static_cast<std::uint32_t>(&workload - kWorkloads.data()), std::memory_order_relaxed);
    std::uint64_t accesses = 64;
    Tally tally;
    for (;;) {
      const Crew::Round round = crew_->run(crew_->size() - workers, workers, accesses);
      tally += round.tally;
      const double accesses_per_worker = round.accesses_per_second / static_cast<double>(workers);
      const double took = static_cast<double>(accesses) / accesses_per_worker;
      if (took >= 0.7 * settings_.seconds) {
        print(workload, workers, 1e9 / accesses_per_worker, tally);
        return;
      }
      const double wanted = std::min(settings_.seconds * accesses_per_worker, 16.0 * static_cast<double>(accesses));
      accesses = std::max(accesses * 2, static_cast<std::uint64_t>(wanted));
    }
  }

  void print(const Workload& workload, std::size_t workers, double ns_each, const Tally& tally) const {
    const bool absent = workload.skew == std::string_view("absent");
    const char* error = "";
    if (tally.wrong != 0 || (absent && tally.hits != 0))
      error = "a value was wrong";
    else if (tally.refused * 1000 > tally.sets)
      error = "sets were refused";
    else if (!absent && (tally.gets - tally.hits) * 1000 > tally.gets)
      error = "items were missing";
    std::printf(R"({"peer":"%s","workload":"%s","workers":%zu,"crew":"%s","items":%u,"value_bytes":%zu,"ns_each":%.2f,)"
                R"("gets":%llu,"hits":%llu,"sets":%llu,"refused":%llu,"wrong":%llu,"error":"%s"})"
                "\n",
                Store::kName, workload.name, workers, Store::kCrew == CrewKind::kProcesses ? "processes" : "threads", settings_.items,
                settings_.value_bytes, ns_each, static_cast<unsigned long long>(tally.gets), static_cast<unsigned long long>(tally.hits),
                static_cast<unsigned long long>(tally.sets), static_cast<unsigned long long>(tally.refused),
                static_cast<unsigned long long>(tally.wrong), error);
  }

  PeerSettings settings_;
  Store store_;
  Order* order_ = nullptr;
  std::optional<Crew> crew_;
};

/// Runs `commands`, or where there are none those on standard input, after a line that says it is ready.
template <typename Store>
int serve(const PeerSettings& settings, const std::vector<std::string>& commands) {
  Server<Store> server(settings);
  for (const std::string& command : commands) server.run(command);
  if (!commands.empty()) return 0;
  std::printf("{\"ready\":\"%s\"}\n", Store::kName);
  std::fflush(stdout);
  for (std::string command; std::getline(std::cin, command);) server.run(command);
  return 0;
}

template <typename Store>
struct Registered {
  Registered() { peers().push_back({Store::kName, serve<Store>}); }
};

}  // namespace carafe::bench
