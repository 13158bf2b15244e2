// SPDX-License-Identifier: MIT
// What FileStore has beside the rules of all stores: files that others may spoil, a directory that must be ours, a sweep.
#include "carafe/file_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/fake_clock.h"
#include "support/random.h"
#include "support/scratch.h"
#include "support/scratch_directory.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class FileStoreTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path()))
      if (!entry.is_directory()) all.push_back(entry.path());
    return all;
  }
  /// The one file there is.
  [[nodiscard]] fs::path file() const {
    const auto all = files();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? fs::path() : all.front();
  }
  static void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes; }
  static Status status_of_open(const std::string& path) {
    try {
      static_cast<void>(FileStore::open(path));
      return Status::kOk;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(path), std::string::npos);
      return error.status();
    }
  }

  ScratchDirectory directory_;
  FileStore store_ = FileStore::open(directory_.path());
};

TEST_F(FileStoreTest, ValuesOutliveTheObject) {
  ASSERT_EQ(store_.set("key", "value"), Status::kOk);
  ASSERT_EQ(store_.set("with an end", "value", 1h), Status::kOk);
  EXPECT_EQ(FileStore::open(directory_.path()).get("key"), "value");
  EXPECT_EQ(FileStore::open(directory_.path() + "/").get("with an end"), "value");
}

TEST_F(FileStoreTest, AFileCutShortAnywhereIsAMiss) {
  ASSERT_EQ(store_.set("key", "a value"), Status::kOk);
  const fs::path path = file();
  const std::string whole = read_file(path.string());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write(path, whole.substr(0, size));
    EXPECT_FALSE(store_.get("key")) << size;
    EXPECT_EQ(store_.erase("key"), Status::kNotFound);
  }
  write(path, whole + "x");
  EXPECT_FALSE(store_.get("key"));
  write(path, whole);
  EXPECT_EQ(store_.get("key"), "a value");
}

TEST_F(FileStoreTest, AChangedByteAnywhereIsAMiss) {
  ASSERT_EQ(store_.set("key", "a value", 1h), Status::kOk);
  const fs::path path = file();
  const std::string whole = read_file(path.string());
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const unsigned mask : {1U, 0x80U, 0xffU}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ mask);
      write(path, bytes);
      EXPECT_FALSE(store_.get("key")) << at;
    }
}

TEST_F(FileStoreTest, ALoadReplacesWhatMakesNoSense) {
  Random random(1);
  for (int round = 0; round < 50; ++round) {
    ASSERT_EQ(store_.set("key", "a value"), Status::kOk);
    std::string bytes = read_file(file().string());
    for (std::uint64_t n = random.between(1, 8); n > 0; --n) bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    write(file(), random.one_in(3) ? bytes.substr(0, random.below(bytes.size())) : bytes);
    EXPECT_EQ(store_.get_or_load("key", [] { return "computed"; }), "computed");
    EXPECT_EQ(store_.get("key"), "computed");
  }
}

TEST_F(FileStoreTest, AnotherKeysFileUnderItsNameIsAMiss) {
  ASSERT_EQ(store_.set("other", "value of other"), Status::kOk);
  const std::string bytes = read_file(file().string());
  ASSERT_EQ(store_.erase("other"), Status::kOk);
  ASSERT_EQ(store_.set("key", "value"), Status::kOk);
  write(file(), bytes);
  EXPECT_FALSE(store_.get("key"));
  EXPECT_EQ(store_.get_or_load("key", [] { return "computed"; }), "computed");
  EXPECT_EQ(store_.get("key"), "computed");
}

TEST_F(FileStoreTest, ThingsThatAreNoFilesAreMissesAndNobodyHangs) {
  ASSERT_EQ(store_.set("key", "value"), Status::kOk);
  const fs::path path = file();
  const fs::path elsewhere = fs::path(directory_.path()) / "elsewhere";
  fs::rename(path, elsewhere);
  fs::create_symlink(elsewhere, path);
  EXPECT_FALSE(store_.get("key")) << "a link is never followed";
  EXPECT_EQ(store_.get_or_load("key", [] { return "computed"; }), "computed");
  EXPECT_EQ(store_.set("key", "new"), Status::kOk);
  EXPECT_EQ(store_.get("key"), "new");
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(store_.get("key"));
  EXPECT_EQ(store_.get_or_load("key", [] { return "computed"; }), "computed");
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_FALSE(store_.get("key"));
  EXPECT_EQ(store_.get_or_load("key", [] { return "computed"; }), "computed");
  EXPECT_NE(store_.set("key", "new"), Status::kOk);
}

TEST_F(FileStoreTest, AHugeSparseFileIsNotRead) {
  ASSERT_EQ(store_.set("key", "value"), Status::kOk);
  fs::resize_file(file(), std::uintmax_t{1} << 40);
  EXPECT_FALSE(store_.get("key"));
}

TEST_F(FileStoreTest, ItLeavesNoOtherFilesBehind) {
  for (int i = 0; i < 10; ++i) ASSERT_EQ(store_.set("key", "value"), Status::kOk);
  EXPECT_EQ(store_.get_or_load("loaded", [] { return "value"; }), "value");
  EXPECT_EQ(files().size(), 2U);
  EXPECT_THROW((void)store_.get_or_load("thrown", []() -> std::string { throw 1; }), int);
  EXPECT_EQ(store_.get_or_load("over", [] { return "value"; }, {.ttl = 0s}), "value");
  EXPECT_EQ(files().size(), 2U);
  store_.clear();
  EXPECT_EQ(files().size(), 0U);
}

TEST_F(FileStoreTest, ClearTakesAllAtOnce) {
  constexpr int kItems = 1'000;
  const auto key_of = [](int i) { return "key" + std::to_string(i); };
  for (int i = 0; i < kItems; ++i) ASSERT_EQ(store_.set(key_of(i), "value"), Status::kOk);
  std::thread clearer([&] { store_.clear(); });
  while (store_.contains(key_of(0)) && store_.contains(key_of(1)) && store_.contains(key_of(2))) std::this_thread::yield();
  for (int i = 0; i < kItems; ++i) EXPECT_FALSE(store_.contains(key_of(i))) << i;
  clearer.join();
}

TEST_F(FileStoreTest, SweepRemovesWhatHasEndedAndWhatTheDeadLeft) {
  FakeClock clock;
  ASSERT_EQ(store_.set("stays", "value"), Status::kOk);
  const fs::path items = file().parent_path();
  ASSERT_EQ(store_.set("stays a while", "value", 1h), Status::kOk);
  ASSERT_EQ(store_.set("ends", "value", 1s), Status::kOk);
  write(items / ".tmp-of-somebody-alive", "half");
  write(items / "0123456789abcdef0123456789abcdef", "no item");
  write(items / "README", "not ours");
  EXPECT_EQ(store_.sweep(), 1U) << "what makes no sense, and nothing else";
  clock.advance(2s);
  std::uint64_t swept = 0;
  EXPECT_EQ(store_.get_or_load("being computed",
                               [&] {
                                 swept = store_.sweep();
                                 return "value";
                               }),
            "value");
  EXPECT_EQ(swept, 1U);
  EXPECT_EQ(store_.get("being computed"), "value") << "its lease was swept away";
  EXPECT_TRUE(store_.contains("stays a while"));
}

TEST_F(FileStoreTest, SweepRemovesTemporaryFilesAnHourOld) {
  ASSERT_EQ(store_.set("key", "value"), Status::kOk);
  const fs::path left = file().parent_path() / ".tmp-of-somebody-dead";
  write(left, "half");
  EXPECT_EQ(store_.sweep(), 0U);
  fs::last_write_time(left, fs::file_time_type::clock::now() - 2h);
  EXPECT_EQ(store_.sweep(), 1U);
  EXPECT_EQ(files().size(), 1U);
}

TEST_F(FileStoreTest, ADirectoryThatOthersMayEnterIsRefused) {
  for (const mode_t mode : {0710U, 0701U, 0770U, 0755U, 0777U}) {
    ASSERT_EQ(::chmod(directory_.path().c_str(), mode), 0);
    EXPECT_EQ(status_of_open(directory_.path()), Status::kNotTrusted) << std::oct << mode;
    EXPECT_NE(store_.set("key", "value"), Status::kOk) << "nor is it used when it becomes one later";
    EXPECT_FALSE(store_.get("key"));
    EXPECT_EQ(store_.get_or_load("key", [] { return "computed"; }), "computed");
  }
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0700), 0);
  EXPECT_EQ(store_.set("key", "value"), Status::kOk);
}

TEST_F(FileStoreTest, ADirectoryOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give directories away";
  ASSERT_EQ(::chown(directory_.path().c_str(), 65534, 65534), 0);
  EXPECT_EQ(status_of_open(directory_.path()), Status::kNotTrusted);
}

TEST_F(FileStoreTest, LinksFilesAndPlacesThatAreNotThereAreRefused) {
  const std::string base = directory_.path();
  fs::create_directory_symlink(base, base + "/link");
  EXPECT_EQ(status_of_open(base + "/link"), Status::kNotTrusted);
  write(base + "/file", "");
  EXPECT_EQ(status_of_open(base + "/file"), Status::kNotTrusted);
  EXPECT_EQ(status_of_open(base + "/no/parent"), Status::kSystem);
  EXPECT_EQ(status_of_open(base + "/made"), Status::kOk);
  struct stat made {};
  ASSERT_EQ(::stat((base + "/made").c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777, 0700U);
}

TEST_F(FileStoreTest, ADirectoryThatIsRemovedIsMadeAgain) {
  ASSERT_EQ(store_.set("key", "value"), Status::kOk);
  fs::remove_all(directory_.path());
  EXPECT_FALSE(store_.get("key"));
  EXPECT_EQ(store_.erase("key"), Status::kNotFound);
  EXPECT_EQ(store_.erase_prefix(""), 0U);
  store_.clear();
  EXPECT_EQ(store_.sweep(), 0U);
  EXPECT_EQ(store_.set("key", "value"), Status::kOk);
  EXPECT_EQ(store_.get("key"), "value");
}

TEST_F(FileStoreTest, ARelativePathStaysWhereItWas) {
  const fs::path before = fs::current_path();
  fs::current_path(directory_.path());
  FileStore relative = FileStore::open("made");
  fs::current_path(before);
  EXPECT_EQ(relative.set("key", "value"), Status::kOk);
  EXPECT_TRUE(fs::exists(directory_.path() + "/made/items"));
}

/// Each value says which key it is of; nothing is torn, whoever replaces, fills, removes or sweeps it meanwhile.
TEST_F(FileStoreTest, ThreadsMayDoEverythingAtOnce) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Random random(t);
      for (int i = 0; i < 1'000; ++i) {
        const std::string key = "key" + std::to_string(random.below(10));
        const std::string value = key + std::string(random.below(20'000), '.') + key;
        const auto is_whole = [&](const std::string& found) { return found.starts_with(key) && found.ends_with(key); };
        switch (random.below(8)) {
          case 0:
            if (store_.set(key, value, random.one_in(2) ? kForever : std::chrono::milliseconds(random.below(3))) != Status::kOk) ++wrong;
            break;
          case 1:
            static_cast<void>(store_.erase(key));
            break;
          case 2:
            if (random.one_in(20)) store_.clear();
            break;
          case 3:
            if (random.one_in(2)) store_.erase_prefix("key1");
            if (random.one_in(2)) store_.sweep();
            break;
          case 4:
            if (const auto found = store_.get(key); found && !is_whole(*found)) ++wrong;
            break;
          default:
            if (!is_whole(store_.get_or_load(key, [&] { return value; }, {.max_wait = 1ms}))) ++wrong;
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  store_.clear();
  EXPECT_EQ(files().size(), 0U);
}

}  // namespace
}  // namespace carafe::test
