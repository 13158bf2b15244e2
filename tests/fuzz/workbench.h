// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "fuzz/guards.h"
#include "fuzz/specimens.h"
#include "segment/segment_file.h"
#include "support/scratch.h"

namespace carafe::fuzz {

inline constexpr std::size_t kImageBytes = kMinCapacityBytes;

/// One segment of 1 MiB whose bytes are replaced by image after image; the handle on it lies between guards. The bytes are put through
/// a mapping of our own.
///
/// Sanitized, each image has a handle of its own, so that an input behaves the same alone. Otherwise, for speed, kImagesAHandle of them
/// share one: what a process knows beside the segment (hints of free chunks) then comes from the image before.
class Workbench {
 public:
  static constexpr std::uint64_t kImagesAHandle = kSanitized ? 1 : 64;

  Workbench() : name_("fuzz"), canvas_(reserve()), first_(kImageBytes), second_(kImageBytes) {
    clock_ms = kBeginMs;
    override_time_for_tests(&read_clock);
    map_new_segment();
    const std::vector<std::byte> pristine(canvas_, canvas_ + kImageBytes);
    for (std::size_t i = 0; i < kSpecimens; ++i) {
      clock_ms = kBeginMs;
      put(pristine);
      open();
      Specimen& specimen = specimens_.emplace_back();
      {
        const Engine engine(open_segment(name_, options(), false), kWaitNs);  // never registers: it is only looked through
        make_specimen(i, **cache_, engine, specimen);
      }
      specimen.image.assign(canvas_, canvas_ + kImageBytes);
    }
  }
  ~Workbench() {
    cache_.reset();
    ::munmap(canvas_, kImageBytes);
  }
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;

  [[nodiscard]] const std::vector<Specimen>& specimens() const noexcept { return specimens_; }
  [[nodiscard]] std::byte* bytes() const noexcept { return canvas_; }
  [[nodiscard]] Cache& cache() noexcept { return **cache_; }
  [[nodiscard]] const std::string& path() const noexcept { return name_.path(); }

  /// Puts the undamaged image there, with a handle open on it and time as it was.
  void load(const Specimen& specimen) {
    clock_ms = specimen.time_ms;
    struct stat found {};
    if (::lstat(name_.path().c_str(), &found) != 0 || found.st_ino != inode_) {  // an image that said "removed" was believed
      cache_.reset();
      ::unlink(name_.path().c_str());
      map_new_segment();
    }
    put(specimen.image);
    if (!cache_ || images_++ % kImagesAHandle == 0) open();
  }
  /// Opens the file as it is now once more: to look, as the inspector does, or to write.
  [[nodiscard]] GuardedCache open_read_only() {
    return {second_, [&] { return Cache::open_read_only(name_, options()); }};
  }
  [[nodiscard]] GuardedCache open_again() {
    return {second_, [&] { return Cache::open(name_, options()); }};
  }
  [[nodiscard]] static Options options() {
    Options options = test::with_capacity(kImageBytes);
    options.lock_wait = std::chrono::milliseconds(1);
    return options;
  }

 private:
  static constexpr std::uint64_t kBeginMs = 1'000'000'000;
  static constexpr std::uint64_t kWaitNs = 1'000'000;

  void map_new_segment() {
    { const Cache made = Cache::create(name_, options()); }
    const std::uint64_t seed = 42;
    require(test::patch_file(name_.path(), offsetof(SegmentHeader, seed), &seed, sizeof seed), "the seed is ours to choose");
    const int fd = ::open(name_.path().c_str(), O_RDWR | O_CLOEXEC);
    struct stat found {};
    require(fd >= 0 && ::fstat(fd, &found) == 0, "the segment's file opens");
    inode_ = found.st_ino;
    void* all = ::mmap(canvas_, kImageBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE | MAP_FIXED, fd, 0);
    require(all == canvas_, "the segment's file can be mapped");
    ::close(fd);
  }
  /// A place for our own mapping, kept from the beginning: it must not take one of the holes.
  static std::byte* reserve() {
    void* place = ::mmap(nullptr, kImageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(place != MAP_FAILED, "the address space has room for an image");
    return static_cast<std::byte*>(place);
  }
  void put(const std::vector<std::byte>& image) noexcept { std::memcpy(canvas_, image.data(), kImageBytes); }
  /// A new handle, always in slot 0 as its second tenant: that is what the images say.
  void open() {
    cache_.reset();
    cache_.emplace(first_, [&] {
      const std::uint64_t workers_at = reinterpret_cast<const SegmentHeader*>(canvas_)->geometry.workers_at;
      reinterpret_cast<WorkerSlot*>(canvas_ + workers_at)->incarnation.store(1, kRelaxed);
      return Cache::open(name_, options());
    });
  }

  test::ScratchName name_;
  std::byte* const canvas_;
  GuardedHole first_;
  GuardedHole second_;
  ino_t inode_ = 0;
  std::optional<GuardedCache> cache_;
  std::uint64_t images_ = 0;
  std::vector<Specimen> specimens_;
};

}  // namespace carafe::fuzz
