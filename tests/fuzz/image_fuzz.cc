// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

#include "carafe/carafe.h"
#include "fuzz/bytes.h"
#include "fuzz/damage.h"
#include "fuzz/require.h"
#include "fuzz/workbench.h"
#include "support/random.h"

/// Hostile bytes in the segment: an image that real operations made, damaged as the input says, then used by every public function.
///
/// What must hold, whatever the bytes: nothing crashes or reads outside the segment (the mapping lies between guards, and the sanitizers
/// watch), no function takes longer than kOperationMs of processor time, no answer is larger than it may be; and where a key does not read
/// as it did, either the damage is of a kind that no check can see (see has_soft_damage), or a status says kCorrupt, or verify does.
///
/// With CARAFE_FUZZ_SCRIBBLE=1 in the environment another thread goes on damaging the image while it is used: whoever looks at a number twice
/// finds two. Then nothing is said about what keys read as. CARAFE_FUZZ_TELL=1 prints the damage of each image, and each operation.
///
///   input: specimen | flags | number of damages | damages | operations
namespace carafe::fuzz {
namespace {

constexpr std::uint64_t kOperationMs = 100;
constexpr std::uint64_t kImageMs = 1000;
constexpr std::size_t kMostDamages = 8;
constexpr std::size_t kMostOperations = 64;
const bool kScribble = std::getenv("CARAFE_FUZZ_SCRIBBLE") != nullptr;
const bool kTell = std::getenv("CARAFE_FUZZ_TELL") != nullptr;

enum Flag : std::uint8_t { kLookFirst = 0x07, kLookLast = 0x38, kReopen = 0xf0 };  // each means: all of its bits

/// Damages the image for as long as it lives.
class Scribbler {
 public:
  Scribbler(std::byte* image, const Specimen& specimen, std::uint64_t seed)
      : damage_(image, specimen), random_(seed), thread_([this] {
          while (!done_.load(std::memory_order_relaxed)) {
            std::array<std::uint8_t, 32> bytes{};
            for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_.next());
            Bytes in(bytes.data(), bytes.size());
            damage_.one(in);
          }
        }) {}
  ~Scribbler() {
    done_ = true;
    thread_.join();
  }
  Scribbler(const Scribbler&) = delete;
  Scribbler& operator=(const Scribbler&) = delete;

 private:
  Damage damage_;
  test::Random random_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

class Run {
 public:
  Run(Workbench& bench, const Specimen& specimen, Bytes in) : bench_(bench), specimen_(specimen), in_(in) {}

  void run() {
    const std::uint8_t flags = in_.byte();
    const std::size_t damages = in_.below(kMostDamages + 1);
    bench_.load(specimen_);
    Bounded bounded("an image", kImageMs);
    Damage damage(bench_.bytes(), specimen_);
    for (std::size_t i = 0; i < damages; ++i) damage.one(in_);
    if (kTell) damage.tell();
    std::optional<Scribbler> scribbler;
    if (kScribble) scribbler.emplace(bench_.bytes(), specimen_, in_.number<std::uint64_t>());
    if ((flags & kReopen) == kReopen && !kScribble) return reopen();
    if ((flags & kLookFirst) == kLookFirst) look_read_only();
    read_all(bench_.cache(), damages == 0);
    if (damages == 0 && !kScribble) {
      const VerifyReport report = bench_.cache().verify();
      require(report.ok, std::string("an undamaged image is sound: ") + specimen_.name + (report.ok ? "" : ": " + report.problems[0]));
    }
    for (std::size_t i = 0; i < kMostOperations && !in_.empty(); ++i) operate(bench_.cache());
    if ((flags & kLookLast) == kLookLast) look(bench_.cache());
  }

 private:
  [[nodiscard]] std::uint64_t word(std::uint64_t at) const noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, bench_.bytes() + at, sizeof word);
    return word;
  }
  [[nodiscard]] bool differs(std::uint64_t at, std::uint64_t bytes) const noexcept {
    return std::memcmp(bench_.bytes() + at, specimen_.image.data() + at, bytes) != 0;
  }

  /// Whether something of the key was damaged that nothing vouches for, or the state is one that other workers could have made: the
  /// value's own bytes and its length, its expiry time, its epoch; an entry or a table that is gone (as an eviction or a clear leaves it).
  [[nodiscard]] bool has_soft_damage(const Known& known) const noexcept {
    const auto& now = *reinterpret_cast<const SegmentHeader*>(bench_.bytes());
    const auto& before = *reinterpret_cast<const SegmentHeader*>(specimen_.image.data());
    if (now.retired.load(kRelaxed) != 0 || now.epoch.load(kRelaxed) != before.epoch.load(kRelaxed)) return true;
    for (const Known::Range& range : known.soft)
      if (differs(range.at, range.bytes)) return true;
    if (known.header.expires() && differs(known.head + known.header.expiry_at(), 8)) return true;
    const std::uint64_t changed = word(known.head) ^ known.header.word;
    const std::uint64_t lengths_of_value = std::uint64_t{ItemHeader::kMaxValueBytes} << 3;
    const std::uint64_t epochs = ~std::uint64_t{0} << 32;
    if ((changed & epochs) != 0 || (changed != 0 && (changed & ~lengths_of_value) == 0 && !known.header.chained())) return true;
    const Geometry& g = before.geometry;
    return word(known.entry) == Entry::kEmpty || DirectoryWord::buckets(word(g.directory_at + known.stripe * 8)) == 0 ||
           is_moved_over(known);
  }

  /// Whether in its place is what also stands elsewhere in its table, whose stripe is locked: so would it be after an erase, while another entry moves
  /// to its other bucket.
  [[nodiscard]] bool is_moved_over(const Known& known) const noexcept {
    const Geometry& g = reinterpret_cast<const SegmentHeader*>(specimen_.image.data())->geometry;
    if (word(g.stripes_at + known.stripe * sizeof(Stripe) + offsetof(Stripe, lock)) == LockWord::kFree) return false;
    const std::uint64_t table = word(g.directory_at + known.stripe * sizeof(std::uint64_t));
    if (differs(g.directory_at + known.stripe * sizeof(std::uint64_t), sizeof(std::uint64_t))) return false;
    const std::uint64_t end = DirectoryWord::offset(table) + DirectoryWord::buckets(table) * sizeof(Bucket);
    for (std::uint64_t at = DirectoryWord::offset(table); at < end; at += sizeof(std::uint64_t))
      if (at != known.entry && Entry::same_item(word(at), word(known.entry))) return true;
    return false;
  }

  void read_all(Cache& cache, bool undamaged) {
    const Known* silent = nullptr;
    {
      Bounded bounded("reading every key", kOperationMs);
      for (const Known& known : specimen_.known) {
        const Status status = cache.get(known.key, value_);
        require(value_.size() <= kImageBytes / kValueDivisor, "a value is no longer than values may be");
        if (kScribble || (status == Status::kOk && value_ == known.value)) continue;
        require(!undamaged, "key \"" + known.key + "\" of an undamaged image reads as it should");
        if (status != Status::kCorrupt && !has_soft_damage(known)) silent = &known;
      }
    }
    if (silent == nullptr) return;
    Bounded bounded("verify", kOperationMs);
    require(!cache.verify().ok, "verify tells why key \"" + silent->key + "\" (" + specimen_.name + ", entry at " +
                                    std::to_string(silent->entry) + ", chunk at " + std::to_string(silent->head) +
                                    ") does not read as it did");
  }

  /// As the inspector: opens it anew, and looks at everything.
  void look_read_only() {
    const std::size_t identity = offsetof(SegmentHeader, reserved1);
    const bool sound = !differs(0, identity);
    try {
      GuardedCache opened = bench_.open_read_only();
      Cache& cache = *opened;
      look(cache);
      for (const Known& known : specimen_.known) {
        Bounded bounded("get", kOperationMs);
        static_cast<void>(cache.get(known.key, value_));
      }
      require(kScribble || cache.set("key", "value") == Status::kReadOnly, "a handle that only looks refuses to write");
    } catch (const Error& error) {
      require(kScribble || (!sound && is_refusal(error.status())), std::string("opening is refused with a reason: ") + error.what());
    }
  }

  void look(Cache& cache) {
    {
      Bounded bounded("stats", kOperationMs);
      const Stats stats = cache.stats();
      require(stats.gets == stats.hits + stats.misses && stats.pages_free <= stats.pages, "sums of stats");
    }
    {
      Bounded bounded("slabs", kOperationMs);
      require(cache.slabs().size() <= kMaxClasses, "classes are as many as there are");
    }
    {
      Bounded bounded("workers", kOperationMs);
      require(cache.workers().size() <= cache.info().max_workers, "workers are no more than slots");
    }
    {
      Bounded bounded("for_each", kOperationMs);
      cache.for_each([](std::string_view key, std::string_view value) {
        require(!key.empty() && key.size() <= kMaxKeyBytes && value.size() <= kImageBytes / kValueDivisor, "sizes that for_each hands out");
      });
    }
    Bounded bounded("verify", kOperationMs);
    const VerifyReport report = cache.verify();
    require(report.ok == report.problems.empty() && report.problems.size() <= 100, "verify's report");
  }

  /// The file at another length, with whatever header: opening works or is refused, and what is too short is always refused.
  void reopen() {
    constexpr std::int64_t kAround = 12'000;
    const bool truncate = in_.below(2) == 0;
    std::int64_t length = static_cast<std::int64_t>(kImageBytes);
    if (truncate)
      length = in_.below(2) == 0 ? static_cast<std::int64_t>(in_.below(kImageBytes))
                                 : length - kAround + static_cast<std::int64_t>(in_.below(2 * kAround));
    auto& header = *reinterpret_cast<SegmentHeader*>(bench_.bytes());
    const std::uint64_t version = in_.below(4);
    if (version < 3) header.layout_version += static_cast<std::uint32_t>(version) - 1;
    const bool sound = !differs(0, offsetof(SegmentHeader, reserved1));
    const bool other_version = header.layout_version != kLayoutVersion && header.magic == kMagic;
    const bool was_retired = header.retired.load(kRelaxed) != 0;
    require(::truncate(bench_.path().c_str(), length) == 0, "the file takes another length");
    for (const bool read_only : {true, false}) {
      try {
        GuardedCache cache = read_only ? bench_.open_read_only() : bench_.open_again();
        require(length >= static_cast<std::int64_t>(kImageBytes) && !other_version, "what is too short or another version is not opened");
        look(*cache);
      } catch (const Error& error) {
        const bool gone = error.status() == Status::kAbsent && was_retired;
        require(gone || is_refusal(error.status()) || (!read_only && error.status() == Status::kNoWorkerSlot),
                std::string("opening is refused with a reason: ") + error.what());
        require(!sound || gone || length < static_cast<std::int64_t>(kImageBytes), std::string("what is sound is opened: ") + error.what());
        if (other_version && length >= static_cast<std::int64_t>(sizeof(SegmentHeader)))
          require(gone || error.status() == Status::kWrongLayout, std::string("another version is told as such: ") + error.what());
      }
    }
    static_cast<void>(::truncate(bench_.path().c_str(), static_cast<off_t>(kImageBytes)));  // gone, if it said that it was removed
  }

  static bool is_refusal(Status status) noexcept {
    return status == Status::kNotASegment || status == Status::kWrongLayout || status == Status::kWrongBuild ||
           status == Status::kTruncated || status == Status::kForeignNamespace;
  }

  const std::string& key() {
    const std::size_t which = in_.below(specimen_.known.size() + 8);
    if (which < specimen_.known.size()) return specimen_.known[which].key;
    own_key_ = "new-" + std::to_string(which);
    return own_key_;
  }
  std::string_view value() {
    static const std::string all(kImageBytes / kValueDivisor + 1, 'x');
    constexpr std::size_t kMost[] = {64, 64, 700, 3000, 9000, 60'000};
    const std::size_t most = in_.pick(kMost);
    return std::string_view(all).substr(0, in_.below(32) == 0 ? all.size() - in_.below(2) : in_.below(most));
  }
  std::chrono::milliseconds ttl() {
    const std::uint8_t seconds = in_.byte();
    return seconds < 128 ? kForever : std::chrono::seconds(seconds - 130);
  }
  void check(Status status) { require(status < Status::kAbsent, "a status of an open cache"); }

  void operate(Cache& cache) {
    const std::size_t what = in_.below(std::size(kOperations));
    const std::string key = this->key();
    if (kTell) std::fprintf(stderr, "%s %s\n", kOperations[what], key.c_str());
    Bounded bounded(kOperations[what], kOperationMs);
    switch (what) {
      case 0:
        return check(cache.get(key, value_));
      case 1: {
        const auto found = cache.get_versioned(key);
        if (found) check(cache.compare_and_set(key, found->version + in_.below(2), value(), ttl()));
        return;
      }
      case 2:
        static_cast<void>(cache.contains(key));
        return;
      case 3:
        static_cast<void>(cache.remaining_ttl(key));
        return;
      case 4:
        return check(cache.add(key, value(), ttl()));
      case 5:
        return check(cache.replace(key, value(), ttl()));
      case 6:
        return check(cache.increment(key, static_cast<std::int64_t>(in_.number<std::uint64_t>()), 5, ttl()).status);
      case 7:
      case 8:
        return check(cache.touch(key, ttl()));
      case 9:
      case 10:
      case 11:
        return check(cache.erase(key));
      case 12:
        if (in_.below(4) == 0) cache.clear();
        return;
      case 13:
        clock_ms += std::uint64_t{1} << in_.below(24);
        return;
      case 14: {
        const std::string_view keys[] = {key, specimen_.known[0].key, "", "absent"};
        for (const auto& found : cache.get_many(keys)) require(!found || found->size() <= kImageBytes / kValueDivisor, "sizes of get_many");
        return;
      }
      case 15:  // much of one size, so that pages fill and hands go round
        for (std::uint64_t i = 0, count = in_.below(64), bytes = in_.below(3000); i < count; ++i)
          check(cache.set("many-" + std::to_string(i), std::string_view(kMany).substr(0, bytes)));
        return;
      case 16:
        if (in_.below(8) == 0) static_cast<void>(cache.stats());
        return;
      case 24:
        return check(cache.set(key, value(), {.ttl = ttl(), .tags = {"one", "six"}}));
      case 25:
        return check(cache.invalidate_tag(in_.below(2) == 0 ? "two" : "none"));
      case 26:
      case 27:
        return load(cache, key);
      case 28:
      case 29:
        return use_namespace(cache, key);
      case 30:
        static_cast<void>(cache.erase_prefix(std::string_view(key).substr(0, in_.below(key.size() + 1))));
        return;
      case 31:
        static_cast<void>(cache.erase_matching("*-[0-4]*"));
        return;
      default:
        return check(cache.set(key, value(), ttl()));
    }
  }
  /// Without waiting: a scribbled lease of somebody alive would be waited for.
  void load(Cache& cache, const std::string& key) {
    const LoadOptions options{.ttl = std::chrono::seconds(5),
                              .stale_for = std::chrono::seconds(in_.byte()),
                              .negative_ttl = std::chrono::seconds(5),
                              .error_ttl = std::chrono::seconds(5),
                              .refresh_ahead = {.beta = 1, .fraction = 0.5},
                              .max_wait = std::chrono::milliseconds(0),
                              .tags = {"one"}};
    if (in_.below(2) == 0) {
      try {
        const auto loaded = cache.get_or_load(
            key,
            [&]() -> std::optional<std::string> {
              if (in_.below(4) == 0) return std::nullopt;
              return std::string(value());
            },
            options);
        require(!loaded || loaded->size() <= kImageBytes / kValueDivisor + 1, "the size of what is loaded");
      } catch (const LoadFailed&) {  // so the image says
      }
      return;
    }
    LoadTicket ticket = cache.try_load(key, options);
    require(ticket.value().size() <= kImageBytes / kValueDivisor, "the size of what a ticket has");
    if (in_.below(3) == 0) return;
    if (in_.below(2) == 0) return check(ticket.fill(value(), {.ttl = ttl(), .tags = {"two"}}));
    check(ticket.fill_none(ttl()));
  }
  void use_namespace(Cache& cache, const std::string& key) {
    constexpr const char* kNames[] = {"users", "pages", "dropped", "quota"};
    const char* name = in_.pick(kNames);
    try {
      Namespace space = cache.in(name, {.release = in_.below(4) == 0 ? "s" : "r", .quota_bytes = in_.below(4) * 3'000});
      for (std::size_t i = 0, count = in_.below(6); i < count; ++i) {
        check(space.set(key, value(), ttl()));
        check(space.get(key, value_));
        check(space.increment("counter", 1).status);
        static_cast<void>(space.erase_prefix("new-2"));
      }
      switch (in_.below(6)) {
        case 0:
          return space.clear();
        case 1:
          cache.drop_namespace(name, "r");
          return;
        case 2:
          static_cast<void>(cache.prune_releases("s"));
          return;
        case 3:
          return space.for_each([](std::string_view text, std::string_view) { require(!text.empty(), "a key that for_each hands out"); });
        default:
          require(cache.namespaces().size() <= kMaxNamespaces, "namespaces are no more than records");
          static_cast<void>(space.stats());
          return;
      }
    } catch (const Error& error) {
      require(error.status() == Status::kNoNamespace || error.status() == Status::kBusy || error.status() == Status::kRetired ||
                  error.status() == Status::kNoWorkerSlot || error.status() == Status::kCannotReopen,
              std::string("in() is refused with a reason: ") + error.what());
    }
  }
  static constexpr const char* kOperations[] = {"get",           "compare_and_set",
                                                "contains",      "remaining_ttl",
                                                "add",           "replace",
                                                "increment",     "touch",
                                                "touch",         "erase",
                                                "erase",         "erase",
                                                "clear",         "nothing",
                                                "get_many",      "64 sets",
                                                "stats",         "set",
                                                "set",           "set",
                                                "set",           "set",
                                                "set",           "set",
                                                "set with tags", "invalidate_tag",
                                                "load",          "load",
                                                "namespace",     "namespace",
                                                "erase_prefix",  "erase_matching"};
  static inline const std::string kMany = std::string(3000, 'm');

  Workbench& bench_;
  const Specimen& specimen_;
  Bytes in_;
  std::string value_;
  std::string own_key_;
};

}  // namespace
}  // namespace carafe::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace carafe::fuzz;
  static Workbench bench;
  Bytes in(data, size);
  const Specimen& specimen = in.pick(bench.specimens());
  Run(bench, specimen, in).run();
  return 0;
}
