// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "carafe/cache.h"
#include "carafe/load.h"
#include "carafe/named_mutex.h"
#include "segment/view.h"
#include "support/random.h"
#include "support/scratch.h"

namespace carafe::test {

/// The time that all processes of a crash test see: it stands still unless told, so that a run is the same every time.
inline std::uint64_t stage_now_ms = 1'000'000;
inline std::uint64_t read_stage_clock() noexcept { return stage_now_ms; }

/// `count` bytes of a random stream, from where `letter` begins: one foreign byte shows. Made beforehand, not within what is counted.
[[nodiscard]] inline std::string_view text(char letter, std::size_t count) {
  constexpr std::size_t kApart = 1'237;
  static const std::string all = [] {
    std::string stream(26 * kApart + 400'000, '\0');
    Random random(26);
    for (std::size_t at = 0; at + 8 <= stream.size(); at += 8) {
      const std::uint64_t word = random.next();
      std::memcpy(stream.data() + at, &word, 8);
    }
    return stream;
  }();
  return std::string_view(all).substr(static_cast<std::size_t>(letter - 'a') * kApart, count);
}

/// Where a scenario plays: a segment of 1 MiB, this process attached to it, and a second mapping through which the whole of it is saved
/// and restored. Everything is the same in each run: the clock stands still, and the segment's hash has a fixed seed
/// (CARAFE_CRASH_SEED, 1 by default), so that a kill is found again by its number.
class Stage {
 public:
  using Image = std::vector<std::byte>;
  static constexpr std::size_t kCapacity = kMiB;

  enum class Kind { kNamed, kAnonymous };

  explicit Stage(Kind kind = Kind::kNamed, const Options& options = with_capacity(kCapacity))
      : name_("crash"), other_("crash.other"), image_(kCapacity) {
    stage_now_ms = 1'000'000;
    static_cast<void>(text('a', 1));
    override_time_for_tests(&read_stage_clock);
    if (kind == Kind::kAnonymous) {
      cache_.emplace(Cache::create_anonymous(options));
      bytes_ = find_mapping("/memfd:carafe");  // sealed: nobody may map it writable again
    } else {
      { const Cache made = Cache::create(name_, options); }
      const int fd = ::open(name_.path().c_str(), O_RDWR | O_CLOEXEC);
      void* mapped = ::mmap(nullptr, kCapacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      ::close(fd);
      if (mapped == MAP_FAILED) throw std::runtime_error("cannot map the segment a second time");
      own_mapping_ = bytes_ = static_cast<std::byte*>(mapped);
      view_ = View(bytes_, reinterpret_cast<const SegmentHeader*>(bytes_)->geometry);
      view_.header().seed = number_from_environment("CARAFE_CRASH_SEED", 1);
      cache_.emplace(Cache::open(name_, options));
      librarys_mapping_ = find_mapping(name_.path());
    }
    view_ = View(bytes_, reinterpret_cast<const SegmentHeader*>(bytes_)->geometry);
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() {
    mutex.reset();
    second.reset();
    space.reset();
    spaces.clear();
    cache_.reset();
    ::unlink(other_.path().c_str());
    if (own_mapping_ != nullptr) ::munmap(own_mapping_, kCapacity);
    override_time_for_tests(nullptr);
  }

  [[nodiscard]] Cache& cache() noexcept { return *cache_; }
  [[nodiscard]] const View& view() const noexcept { return view_; }
  [[nodiscard]] const ScratchName& name() const noexcept { return name_; }
  /// A name with nothing behind it, for a second segment.
  [[nodiscard]] const ScratchName& other_name() const noexcept { return other_; }
  /// Where the library has the segment mapped, in this process and its forks; nullptr where it cannot be write-protected.
  [[nodiscard]] std::byte* librarys_mapping() const noexcept { return librarys_mapping_; }

  /// What a scenario remembers from its preparation for its operation.
  std::string key = "key";
  std::uint64_t version = 0;
  std::string reused = std::string(1 << 16, '\0');  // what get(key, reused) fills without an allocation
  std::optional<Cache> second;                      // another handle
  std::optional<LoadTicket> ticket;                 // of the child
  std::optional<NamedMutex> mutex;                  // of the child, or of one killed
  std::optional<Namespace> space;
  std::map<std::string, Namespace> spaces;  // handles on namespaces, by name

  /// Its handle on a namespace, made if there is none yet.
  [[nodiscard]] Namespace& in(const std::string& name) {
    const auto found = spaces.find(name);
    return found != spaces.end() ? found->second : spaces.emplace(name, cache_->in(name)).first->second;
  }

  // --- preparing

  void put(std::string_view where, std::string_view value, std::chrono::milliseconds ttl = kForever) {
    if (cache_->set(where, value, ttl) != Status::kOk) throw std::runtime_error("crash test: preparing failed");
  }
  static void advance(std::chrono::milliseconds by) noexcept { stage_now_ms += static_cast<std::uint64_t>(by.count()); }

  /// Sets values of `bytes` under ever new keys until one is evicted.
  void fill(std::size_t bytes, std::chrono::milliseconds ttl = kForever) {
    const std::uint64_t before = cache_->stats().evictions;
    for (int i = 0; cache_->stats().evictions == before; ++i) put("full" + std::to_string(i), text('f', bytes), ttl);
  }

  /// Sets new keys until the next one would do what `is_it(before)` says when asked after; that one is undone again and becomes `key`.
  /// `one_stripe`: all of them in the same one.
  void find_key(std::size_t bytes, const std::function<bool(const Stats& before, const Stats& after)>& is_it, bool one_stripe = false) {
    Image before(kCapacity);
    for (int i = 0; i < 20'000; ++i) {
      key = "find" + std::to_string(i);
      if (one_stripe && stripe_of(key) != stripe_of("find0")) continue;
      const Stats stats = cache_->stats();
      std::memcpy(before.data(), bytes_, kCapacity);
      put(key, text('f', bytes));
      if (!is_it(stats, cache_->stats())) continue;
      std::memcpy(bytes_, before.data(), kCapacity);
      return;
    }
    throw std::runtime_error("crash test: no key does that");
  }

  /// How often entries were moved to their other bucket.
  [[nodiscard]] std::uint64_t displacements() const noexcept {
    std::uint64_t moves = 0;
    for (std::uint64_t i = 0; i < view_.geometry().stripe_count; ++i) moves += view_.stripe(i).moves.load(kRelaxed);
    return moves;
  }
  [[nodiscard]] std::uint32_t stripe_of(std::string_view where) const noexcept {
    return view_.stripe_of(hash_key(where, view_.header().seed));
  }

  /// A worker comes, takes the next slot, does something, and is gone.
  void kill_a_worker(const std::function<void(Stage&)>& after = [](Stage&) {}) {
    const pid_t pid = ::_Fork();
    if (pid == 0) {
      static_cast<void>(cache_->contains("nobody"));
      after(*this);
      for (;;) ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(pid, nullptr, 0);
  }

  // --- saving and restoring

  /// The segment as it is now is what restore() brings back.
  void save() {
    forget_pids();
    std::memcpy(image_.data(), bytes_, kCapacity);
    saved_now_ms_ = stage_now_ms;
  }
  void restore() noexcept {
    latest_ms_ = std::max(latest_ms_, stage_now_ms);
    for (std::size_t at = 0; at < kCapacity; at += kOsPage)
      if (differs(at)) std::memcpy(bytes_ + at, image_.data() + at, kOsPage);
    stage_now_ms = saved_now_ms_;
  }
  /// This process remembers times; where they matter it must not be earlier than it ever was.
  void go_on_from_the_latest() noexcept { stage_now_ms = std::max(latest_ms_, stage_now_ms) + 5'000; }
  /// Names the segment's contents by what differs from what was saved; 0: nothing.
  [[nodiscard]] std::uint64_t digest() const {
    std::uint64_t sum = 0;
    different_.clear();
    for (std::size_t at = 0; at < kCapacity; at += kOsPage) {
      if (!differs(at)) continue;
      sum = hash_key({reinterpret_cast<const char*>(bytes_ + at), kOsPage}, sum + at + 1);
      different_.push_back(at);
    }
    return sum;
  }
  /// As restore(), where nothing has changed since digest() was asked: does not look for differences again.
  void restore_digested() noexcept {
    for (const std::size_t at : different_) std::memcpy(bytes_ + at, image_.data() + at, kOsPage);
    latest_ms_ = std::max(latest_ms_, stage_now_ms);
    stage_now_ms = saved_now_ms_;
  }
  /// Pids are there for people only, and differ from one child to the next.
  void forget_pids() noexcept {
    for (std::uint64_t i = 0; i < view_.geometry().worker_count; ++i) view_.worker(i).pid.store(0, kRelaxed);
  }

 private:
  static constexpr std::size_t kOsPage = 4096;
  [[nodiscard]] bool differs(std::size_t at) const noexcept { return std::memcmp(bytes_ + at, image_.data() + at, kOsPage) != 0; }

  /// Where this process has `file` mapped for writing, other than at our own mapping.
  std::byte* find_mapping(const std::string& file) const {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      if (line.find(" rw-s ") == std::string::npos || line.find(file) == std::string::npos) continue;
      auto* at = reinterpret_cast<std::byte*>(std::stoull(line, nullptr, 16));
      if (at != own_mapping_) return at;
    }
    throw std::runtime_error("crash test: the segment's mapping was not found");
  }

  ScratchName name_;
  ScratchName other_;
  std::optional<Cache> cache_;
  std::byte* bytes_ = nullptr;
  std::byte* own_mapping_ = nullptr;
  std::byte* librarys_mapping_ = nullptr;
  View view_;
  Image image_;
  mutable std::vector<std::size_t> different_;  // OS pages, as digest() last found them
  std::uint64_t saved_now_ms_ = 0;
  std::uint64_t latest_ms_ = 0;
};

}  // namespace carafe::test
