// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include "carafe/carafe.h"
#include "layout/segment_header.h"
#include "support/access_control.h"
#include "support/child.h"
#include "support/scratch.h"
#include "support/values.h"

namespace carafe::test {
namespace {

constexpr uid_t kNobody = 65534;

class OpenTest : public ::testing::Test {
 protected:
  /// Runs `open` and expects carafe::Error with that status, whose text names the segment and says more than that.
  void expect_error(Status expected, const std::string& shown_name, const std::function<void()>& open) {
    try {
      open();
      ADD_FAILURE() << "no error, instead of " << to_string(expected);
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), expected) << to_string(error.status()) << " instead of " << to_string(expected) << ": " << error.what();
      EXPECT_NE(std::string(error.what()).find(shown_name), std::string::npos) << "does not name the segment: " << error.what();
      EXPECT_GT(std::strlen(error.what()), 20U) << error.what();
    }
  }
  void expect_open_error(Status expected, const Options& options = {}) {
    expect_error(expected, name_.str(), [&] { Cache::open(name_, options); });
    expect_error(expected, name_.str(), [&] { static_cast<void>(Cache::open_or_create(name_, options)); });
  }
  void make_segment() { static_cast<void>(Cache::create(name_, with_capacity(kMiB))); }
  void make_file(const std::string& content) {
    const int fd = ::open(name_.path().c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    ::close(fd);
  }
  template <typename T>
  void patch_header(std::size_t offset, T value) {
    ASSERT_TRUE(patch_file(name_.path(), offset, &value, sizeof value));
  }

  ScratchName name_{"open"};
};

TEST_F(OpenTest, OpenOfNothingSaysAbsentAndMakesNothing) {
  expect_error(Status::kAbsent, name_.str(), [&] { Cache::open(name_); });
  expect_error(Status::kAbsent, name_.str(), [&] { static_cast<void>(Cache::open_read_only(name_)); });
  EXPECT_TRUE(shared_files_with(name_.str()).empty());
}

TEST_F(OpenTest, CreateOfAnExistingSegmentSaysSoAndLeavesItAlone) {
  Cache cache = Cache::create(name_, with_capacity(kMiB));
  ASSERT_EQ(cache.set("key", "value"), Status::kOk);
  expect_error(Status::kSegmentExists, name_.str(), [&] { static_cast<void>(Cache::create(name_, with_capacity(kMiB))); });
  EXPECT_EQ(cache.get("key"), "value");
  EXPECT_EQ(Cache::open(name_).get("key"), "value");
  EXPECT_EQ(shared_files_with(name_.str()).size(), 1U);
}

TEST_F(OpenTest, OpenOrCreateMakesOneAndThenOpensIt) {
  Cache made = Cache::open_or_create(name_, with_capacity(kMiB));
  ASSERT_EQ(made.set("key", "value"), Status::kOk);
  Cache opened = Cache::open_or_create(name_, with_capacity(kMiB));
  EXPECT_EQ(opened.get("key"), "value");
}

TEST_F(OpenTest, GeometryComesFromTheSegmentAndNotFromTheSecondOpener) {
  Options small = with_capacity(kMiB);
  small.max_workers = 9;
  Cache made = Cache::create(name_, small);
  Options large = with_capacity(64 * kMiB);
  large.max_workers = 100;
  const SegmentInfo info = Cache::open_or_create(name_, large).info();
  EXPECT_EQ(info.capacity_bytes, kMiB);
  EXPECT_EQ(info.max_workers, 9U);
  EXPECT_EQ(Cache::open(name_, large).info().capacity_bytes, kMiB);
}

TEST_F(OpenTest, ANewSegmentIsReservedInFullAndForItsOwnerOnlyWhateverTheUmask) {
  for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{0777}}) {
    const ScratchName name("umask");
    const mode_t before = ::umask(mask);
    { Cache cache = Cache::create(name, with_capacity(2 * kMiB)); }
    ::umask(before);
    struct stat status {};
    ASSERT_EQ(::stat(name.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U) << mask;
    EXPECT_EQ(status.st_size, static_cast<off_t>(2 * kMiB));
    EXPECT_GE(status.st_blocks * 512, static_cast<off_t>(2 * kMiB));
    EXPECT_EQ(status.st_nlink, 1U);
  }
}

TEST_F(OpenTest, NamesAreCheckedByEverybody) {
  const std::string bad_names[] = {"",    "a/b", "/ab", "a b",  "a\nb", std::string("a\0b", 3), "\xc3\xa4",
                                   "a:b", "a+b", "~",   "a\\b", "../x", std::string(201, 'n'),  std::string(5000, 'n')};
  for (const std::string& bad : bad_names) {
    const std::string shown = bad.size() > 60 ? bad.substr(0, 60) : "";
    expect_error(Status::kBadName, shown, [&] { Cache::open(bad); });
    expect_error(Status::kBadName, shown, [&] { static_cast<void>(Cache::create(bad, with_capacity(kMiB))); });
    expect_error(Status::kBadName, shown, [&] { static_cast<void>(Cache::open_or_create(bad, with_capacity(kMiB))); });
    expect_error(Status::kBadName, shown, [&] { static_cast<void>(Cache::open_read_only(bad)); });
    expect_error(Status::kBadName, shown, [&] { Cache::remove(bad); });
  }
}

TEST_F(OpenTest, NamesOfAllAllowedBytesAndLengthsAreGood) {
  const std::string unique = "." + std::to_string(::getpid());
  const std::string good_names[] = {"AZaz09._-" + unique, "-" + unique, ".." + unique, std::string(200 - unique.size(), 'n') + unique};
  for (const std::string& good : good_names) {
    { Cache cache = Cache::create(good, with_capacity(kMiB)); }
    EXPECT_EQ(Cache::open(good).info().name, good);
    EXPECT_TRUE(Cache::remove(good)) << good;
  }
}

TEST_F(OpenTest, OptionsOutOfRangeAreRefusedAndLeaveNothingBehind) {
  const auto refuse = [this](const char* why, const std::function<void(Options&)>& spoil) {
    SCOPED_TRACE(why);
    Options options = with_capacity(kMiB);
    spoil(options);
    expect_error(Status::kBadOption, name_.str(), [&] { static_cast<void>(Cache::create(name_, options)); });
    expect_error(Status::kBadOption, name_.str(), [&] { static_cast<void>(Cache::open_or_create(name_, options)); });
    expect_error(Status::kBadOption, "", [&] { static_cast<void>(Cache::create_anonymous(options)); });
    EXPECT_TRUE(shared_files_with(name_.str()).empty());
  };
  refuse("no capacity", [](Options& o) { o.capacity_bytes = 0; });
  refuse("less than 1 MiB", [](Options& o) { o.capacity_bytes = kMiB - 1; });
  refuse("more than 1 TiB", [](Options& o) { o.capacity_bytes = (std::size_t{1} << 40) + 1; });
  refuse("all of it", [](Options& o) { o.capacity_bytes = ~std::size_t{0}; });
  refuse("world-readable", [](Options& o) { o.mode = 0644; });
  refuse("world-writable", [](Options& o) { o.mode = 0666; });
  refuse("owner cannot write", [](Options& o) { o.mode = 0400; });
  refuse("a bit beyond permissions", [](Options& o) { o.mode = 04600; });
  refuse("a group that is not there", [](Options& o) {
    o.mode = 0660;
    o.group = "no-such-group-anywhere";
  });
  refuse("too few workers", [](Options& o) { o.max_workers = 3; });
  refuse("too many workers", [](Options& o) { o.max_workers = 4097; });
  refuse("more workers than fit", [](Options& o) { o.max_workers = 4096; });
  refuse("no wait", [](Options& o) { o.lock_wait = std::chrono::milliseconds(0); });
  refuse("a negative wait", [](Options& o) { o.lock_wait = std::chrono::milliseconds(-5); });
  refuse("a wait for ever", [](Options& o) { o.lock_wait = std::chrono::milliseconds(10'001); });
}

TEST_F(OpenTest, OptionsAtTheirLimitsAreAccepted) {
  const auto accept = [this](const std::function<void(Options&)>& change) {
    Options options = with_capacity(kMiB);
    change(options);
    Cache cache = Cache::create(name_, options);
    EXPECT_EQ(cache.set("key", "value"), Status::kOk);
    EXPECT_TRUE(Cache::remove(name_, options));
  };
  accept([](Options&) {});
  accept([](Options& o) { o.capacity_bytes = kMiB + 1; });
  accept([](Options& o) { o.capacity_bytes = 3 * kMiB - 4097; });
  accept([](Options& o) { o.max_workers = 4; });
  accept([](Options& o) {
    o.capacity_bytes = 16 * kMiB;
    o.max_workers = 4096;
  });
  accept([](Options& o) { o.lock_wait = std::chrono::milliseconds(1); });
  accept([](Options& o) { o.lock_wait = std::chrono::seconds(10); });
}

TEST_F(OpenTest, ACapacityThatDevShmCannotHoldIsRefusedAtOnceAndLeavesNothingBehind) {
  struct statvfs before {};
  ASSERT_EQ(::statvfs("/dev/shm", &before), 0);
  const std::size_t tebibyte = std::size_t{1} << 40;
  if (before.f_blocks == 0 || before.f_blocks * before.f_frsize >= tebibyte) GTEST_SKIP() << "/dev/shm could really take 1 TiB here";
  try {
    static_cast<void>(Cache::create(name_, with_capacity(tebibyte)));
    ADD_FAILURE() << "1 TiB was created";
  } catch (const Error& error) {
    EXPECT_TRUE(error.status() == Status::kOutOfMemory || error.status() == Status::kOverCgroupLimit) << error.what();
    EXPECT_NE(std::string(error.what()).find(name_.str()), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(std::to_string(tebibyte)), std::string::npos) << error.what();
  }
  EXPECT_TRUE(shared_files_with(name_.str()).empty());
  struct statvfs after {};
  ASSERT_EQ(::statvfs("/dev/shm", &after), 0);
  EXPECT_NEAR(static_cast<double>(after.f_bfree * after.f_frsize), static_cast<double>(before.f_bfree * before.f_frsize), 1e9);
}

TEST_F(OpenTest, AFileOfSomethingElseIsNotASegment) {
  make_file(std::string(kMiB, 'x'));
  expect_open_error(Status::kNotASegment);
  expect_error(Status::kNotASegment, name_.str(), [&] { static_cast<void>(Cache::open_read_only(name_)); });
  EXPECT_TRUE(read_file(name_.path()) == std::string(kMiB, 'x')) << "it was written to";
}

TEST_F(OpenTest, AFileOfZerosIsNotASegment) {
  make_file(std::string(kMiB, '\0'));
  expect_open_error(Status::kNotASegment);
}

TEST_F(OpenTest, AnEmptyFileIsTruncated) {
  make_file("");
  expect_open_error(Status::kTruncated);
}

TEST_F(OpenTest, AFileOfAFewBytesIsRefused) {
  make_file("\xff");
  expect_open_error(Status::kNotASegment);
}

TEST_F(OpenTest, AShortenedSegmentIsTruncated) {
  make_segment();
  for (const off_t bytes : {static_cast<off_t>(kMiB - 1), static_cast<off_t>(kMiB / 2), off_t{4096}, off_t{100}}) {
    ASSERT_EQ(::truncate(name_.path().c_str(), bytes), 0);
    expect_open_error(Status::kTruncated);
    expect_error(Status::kTruncated, name_.str(), [&] { static_cast<void>(Cache::open_read_only(name_)); });
  }
}

TEST_F(OpenTest, AnotherLayoutVersionIsRefusedWhateverElseTheHeaderSays) {
  make_segment();
  static_assert(offsetof(SegmentHeader, layout_version) == 8);
  for (const std::uint32_t version : {kLayoutVersion + 1, std::uint32_t{0}, ~std::uint32_t{0}}) {
    patch_header(8, version);
    expect_open_error(Status::kWrongLayout);
    expect_error(Status::kWrongLayout, name_.str(), [&] { static_cast<void>(Cache::open_read_only(name_)); });
  }
  patch_header(offsetof(SegmentHeader, fingerprint), std::uint64_t{1});
  expect_open_error(Status::kWrongLayout);
  ASSERT_EQ(::truncate(name_.path().c_str(), 64), 0);
  expect_open_error(Status::kWrongLayout);
}

TEST_F(OpenTest, AnotherBuildIsRefused) {
  make_segment();
  patch_header(offsetof(SegmentHeader, fingerprint), std::uint64_t{1});
  expect_open_error(Status::kWrongBuild);
}

TEST_F(OpenTest, AnotherTimeNamespaceOrBootIsRefused) {
  make_segment();
  SegmentHeader header{};
  const std::string bytes = read_file(name_.path());
  std::memcpy(static_cast<void*>(&header), bytes.data(), sizeof header);
  if (header.time_namespace != 0) {
    patch_header(offsetof(SegmentHeader, time_namespace), header.time_namespace + 1);
    expect_open_error(Status::kForeignNamespace);
    patch_header(offsetof(SegmentHeader, time_namespace), header.time_namespace);
  }
  if (header.boot_id[0] != 0) {
    patch_header(offsetof(SegmentHeader, boot_id), header.boot_id[0] + 1);
    expect_open_error(Status::kForeignNamespace);
    patch_header(offsetof(SegmentHeader, boot_id), header.boot_id[0]);
  }
  EXPECT_NO_THROW(Cache::open(name_));
}

TEST_F(OpenTest, AGeometryThatTheHeaderMisstatesIsRefused) {
  make_segment();
  const std::string good = read_file(name_.path());
  const std::size_t start = offsetof(SegmentHeader, geometry);
  for (std::size_t at = start; at < start + sizeof(Geometry); at += 8) {
    std::uint64_t value = 0;
    std::memcpy(&value, good.data() + at, 8);
    for (const std::uint64_t wrong :
         {std::uint64_t{0}, value + 1, value - 1, value + 4096, value * 2 + 64, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
      if (wrong == value) continue;
      patch_header(at, wrong);
      EXPECT_THROW(Cache::open(name_), Error) << "geometry + " << at - start << " = " << wrong << " instead of " << value;
      EXPECT_THROW(static_cast<void>(Cache::open_read_only(name_)), Error) << "geometry + " << at - start << " = " << wrong;
    }
    patch_header(at, value);
  }
  EXPECT_NO_THROW(Cache::open(name_));
}

TEST_F(OpenTest, AModeThatLetsOthersInIsNotTrusted) {
  make_segment();
  for (const mode_t mode : {mode_t{0666}, mode_t{0602}, mode_t{0604}, mode_t{0620}, mode_t{0660}, mode_t{0777}}) {
    ASSERT_EQ(::chmod(name_.path().c_str(), mode), 0);
    expect_open_error(Status::kNotTrusted);
  }
  ASSERT_EQ(::chmod(name_.path().c_str(), 0600), 0);
  EXPECT_NO_THROW(Cache::open(name_));
}

TEST_F(OpenTest, AForeignOwnerIsTrustedOnlyWhenNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  make_segment();
  ASSERT_EQ(::chown(name_.path().c_str(), kNobody, static_cast<gid_t>(-1)), 0);
  expect_open_error(Status::kNotTrusted);
  expect_error(Status::kNotTrusted, name_.str(), [&] { Cache::remove(name_); });
  Options options;
  options.trusted_uid = kNobody - 1;
  expect_open_error(Status::kNotTrusted, options);
  options.trusted_uid = kNobody;
  EXPECT_EQ(Cache::open(name_, options).set("key", "value"), Status::kOk);
  EXPECT_TRUE(Cache::remove(name_, options));
}

TEST_F(OpenTest, AnAccessControlListIsNotTrusted) {
  make_segment();
  // The mask hides nobody's rights.
  if (!let_in(name_.path().c_str(), "system.posix_acl_access", kNobody, 6, 0)) GTEST_SKIP() << "no ACLs in /dev/shm here";
  struct stat status {};
  ASSERT_EQ(::stat(name_.path().c_str(), &status), 0);
  ASSERT_EQ(status.st_mode & 0777, 0600U) << "the test means to make a mode that looks innocent";
  expect_open_error(Status::kNotTrusted);
}

TEST_F(OpenTest, AGroupAndMode0660LetTheGroupIn) {
  Options options = with_capacity(kMiB);
  options.mode = 0660;
  options.group = std::to_string(::getegid());
  Cache made = Cache::create(name_, options);
  struct stat status {};
  ASSERT_EQ(::stat(name_.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0660U);
  EXPECT_EQ(status.st_gid, ::getegid());
  EXPECT_EQ(made.info().mode, 0660U);
  EXPECT_EQ(made.info().owner_gid, ::getegid());
  Cache opened = Cache::open(name_, options);
  ASSERT_EQ(opened.set("key", "value"), Status::kOk);
  EXPECT_EQ(made.get("key"), "value");
}

TEST_F(OpenTest, ASegmentThatTheKernelKeepsFromUsSaysNoPermission) {
  make_segment();
  Child child = Child::fork([this] {
    if (::geteuid() == 0) {
      CHILD_REQUIRE(::setgroups(0, nullptr) == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
    } else {
      CHILD_REQUIRE(::chmod(name_.path().c_str(), 0) == 0);
    }
    expect_error(Status::kNoPermission, name_.str(), [&] { Cache::open(name_); });
    expect_error(Status::kNoPermission, name_.str(), [&] { static_cast<void>(Cache::open_read_only(name_)); });
    if (::geteuid() == kNobody) {
      expect_error(Status::kNoPermission, name_.str(), [&] { Cache::remove(name_); });
    }
    return HasFailure() ? 1 : 0;
  });
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(OpenTest, ASymbolicLinkIsNeverFollowed) {
  const ScratchName target("target");
  { Cache cache = Cache::create(target, with_capacity(kMiB)); }
  ASSERT_EQ(::symlink(target.path().c_str(), name_.path().c_str()), 0);
  expect_open_error(Status::kNotASegment);
  expect_error(Status::kNotASegment, name_.str(), [&] { static_cast<void>(Cache::open_read_only(name_)); });
  expect_error(Status::kSegmentExists, name_.str(), [&] { static_cast<void>(Cache::create(name_, with_capacity(kMiB))); });
}

TEST_F(OpenTest, ADanglingSymbolicLinkDoesNotMakeASegmentElsewhere) {
  const ScratchName target("target");
  ASSERT_EQ(::symlink(target.path().c_str(), name_.path().c_str()), 0);
  expect_error(Status::kNotASegment, name_.str(), [&] { Cache::open(name_); });
  EXPECT_THROW(static_cast<void>(Cache::open_or_create(name_, with_capacity(kMiB))), Error);
  EXPECT_THROW(static_cast<void>(Cache::create(name_, with_capacity(kMiB))), Error);
  EXPECT_TRUE(shared_files_with(target.str()).empty());
}

TEST_F(OpenTest, AFifoIsRefusedWithoutWaitingForItsOtherEnd) {
  ASSERT_EQ(::mkfifo(name_.path().c_str(), 0600), 0);
  expect_open_error(Status::kNotASegment);
  expect_error(Status::kNotASegment, name_.str(), [&] { static_cast<void>(Cache::open_read_only(name_)); });
}

TEST_F(OpenTest, ADirectoryIsNotASegment) {
  ASSERT_EQ(::mkdir(name_.path().c_str(), 0700), 0);
  expect_open_error(Status::kNotASegment);
  expect_error(Status::kNotASegment, name_.str(), [&] { static_cast<void>(Cache::open_read_only(name_)); });
}

TEST_F(OpenTest, WhatIsDamagedCanBeRemovedByName) {
  make_segment();
  ASSERT_EQ(::truncate(name_.path().c_str(), 5000), 0);
  EXPECT_TRUE(Cache::remove(name_));
  make_segment();
  patch_header(8, kLayoutVersion + 1);
  EXPECT_TRUE(Cache::remove(name_));
  EXPECT_TRUE(shared_files_with(name_.str()).empty());
  EXPECT_FALSE(Cache::remove(name_));
}

}  // namespace
}  // namespace carafe::test
