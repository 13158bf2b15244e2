// SPDX-License-Identifier: MIT
#include "carafe/file_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/time.h"
#include "expiry/ttl.h"
#include "store/item_file.h"
#include "store/rules.h"
#include "store/store_directory.h"

// A lease is a file without a value at the key's own place, locked by its owner, who fills it in place. Whoever sets or erases the key puts
// another file there, or none, and clear takes the place itself away: then the owner fills a file that has no name any more. So nothing has
// to be compared, and nobody waits for a lock: the fence is the inode.

namespace carafe {
inline namespace v0 {
namespace {

using namespace std::chrono_literals;
using detail::Nothing;

constexpr int kTries = 8;  // of what races with others: each of them got something done meanwhile
constexpr auto kLongestPause = 20ms;
constexpr std::uint64_t kAbandonedAfterMs = 3'600'000;  // a file without its name yet: nobody writes for so long

/// What is stored under the key and has not ended; nothing for a lease.
std::optional<ItemFile> read_answer(int fd, std::string_view key) {
  std::optional<ItemFile> item = read_item(fd);
  if (!item || item->kind == FileKind::kLease || item->key != key || item->ends_at_ms <= wall_ms()) return std::nullopt;
  return item;
}

std::optional<std::string> value_of(ItemFile&& item) {
  if (item.kind != FileKind::kValue) return std::nullopt;
  return std::move(item.value);
}

Status status_of_failed_write() noexcept {
  return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? Status::kNoSpace : Status::kSystem;
}

/// Removes the file if it still has the name. Between the look and the removal another one may take its place, and is removed instead: that
/// loses an item, never brings one back.
void remove_file(const StoreDirectory& directory, const std::string& name, int fd) noexcept {
  if (directory.is_at(name, fd)) directory.unlink_item(name);
}

/// The right to compute a key's value.
class FileLease {
 public:
  FileLease(StoreDirectory directory, std::string name, Fd fd)
      : directory_(std::move(directory)), name_(std::move(name)), fd_(std::move(fd)) {}
  FileLease(FileLease&&) noexcept = default;
  ~FileLease() {
    if (fd_.get() < 0) return;
    if (!filled_) remove_file(directory_, name_, fd_.get());
    ::flock(fd_.get(), LOCK_UN);  // for a child that was forked meanwhile too
  }

  void fill(std::string_view key, const std::optional<std::string>& answer, std::chrono::milliseconds ttl) {
    const Expiry expiry = Expiry::from_ttl(ttl, wall_ms);
    if (expiry.already || (answer && answer->size() > FileStore::kLargestValueBytes) || !directory_.is_at(name_, fd_.get())) return;
    filled_ = write_answer(fd_.get(), key, answer, expiry.at_ms);
  }

 private:
  StoreDirectory directory_;
  std::string name_;
  Fd fd_;
  bool filled_ = false;
};

struct Request {
  std::optional<ItemFile> answer;  // there is one
  std::optional<FileLease> lease;  // ours to compute
  bool is_held = false;            // another caller computes; when all three are empty, nobody can promise anything
};

/// Puts a new lease of ours under the name: where there is nothing, or over an old file whose lock we hold. Not open, with errno, if it
/// fails.
Fd plant(const StoreDirectory& directory, const std::string& name, std::string_view key, bool over_old) {
  StoreDirectory::Temporary made = directory.make_temporary();
  if (made.fd.get() < 0) return Fd();
  const int items = directory.items();
  const auto give_name = [&] {
    return over_old ? ::renameat(items, made.name.c_str(), items, name.c_str())
                    : ::linkat(items, made.name.c_str(), items, name.c_str(), 0);
  };
  if (!write_lease(made.fd.get(), key) || ::flock(made.fd.get(), LOCK_EX | LOCK_NB) != 0 || give_name() != 0) made.fd = Fd();
  const int error = errno;
  directory.unlink_item(made.name);
  errno = error;
  return std::move(made.fd);
}

/// Whether what is stored answers a caller who takes "there is nothing" for an answer, or does not.
bool answers(const std::optional<ItemFile>& item, Nothing nothing) noexcept {
  return item && (item->kind == FileKind::kValue || nothing == Nothing::kIsAnAnswer);
}

Request ask(const std::string& path, const std::string& name, std::string_view key, Nothing nothing) {
  Request request;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    StoreDirectory directory(path, true);
    if (!directory.is_open()) return request;
    Fd lease;
    if (const Fd old = directory.open_item(name, O_RDWR); old.get() >= 0) {
      request.answer = read_answer(old.get(), key);
      if (answers(request.answer, nothing)) return request;
      request.answer.reset();
      if (::flock(old.get(), LOCK_EX | LOCK_NB) != 0) {
        request.is_held = errno == EWOULDBLOCK;
        return request;
      }
      // Nobody computes: it has ended, or makes no sense, or its owner is dead. With its lock, one of us takes its place.
      if (!directory.is_at(name, old.get())) continue;
      request.answer = read_answer(old.get(), key);  // filled before we had the lock
      if (answers(request.answer, nothing)) return request;
      request.answer.reset();
      lease = plant(directory, name, key, true);
    } else if (errno != ENOENT) {
      return request;
    } else {
      lease = plant(directory, name, key, false);
      if (lease.get() < 0 && (errno == EEXIST || errno == ENOENT)) continue;  // another one was faster, or a clear
    }
    if (lease.get() < 0) return request;
    request.lease.emplace(std::move(directory), name, std::move(lease));
    return request;
  }
  request.is_held = true;  // so much happens here that it is worth waiting a little
  return request;
}

}  // namespace

FileStore FileStore::open(std::string_view directory) {
  std::error_code ignored;  // a path that cannot be made absolute will not open either
  std::string path = std::filesystem::absolute(std::filesystem::path(directory), ignored).string();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  StoreDirectory::check(path);
  return FileStore(std::move(path));
}

std::optional<std::string> FileStore::get(std::string_view key) {
  if (!is_valid_key(key)) return std::nullopt;
  const StoreDirectory directory(directory_, false);
  if (!directory.is_open()) return std::nullopt;
  const Fd fd = directory.open_item(item_name(key), O_RDONLY);
  if (fd.get() < 0) return std::nullopt;
  std::optional<ItemFile> item = read_answer(fd.get(), key);
  return item ? value_of(std::move(*item)) : std::nullopt;
}

bool FileStore::contains(std::string_view key) { return get(key).has_value(); }

Status FileStore::set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) {
  if (!is_valid_key(key)) return Status::kBadKey;
  const Expiry expiry = Expiry::from_ttl(ttl, wall_ms);
  if (expiry.already || value.size() > kLargestValueBytes) {
    static_cast<void>(erase(key));
    return expiry.already ? Status::kOk : Status::kTooLarge;
  }
  const std::string name = item_name(key);
  Status status = Status::kSystem;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const StoreDirectory directory(directory_, true);
    if (!directory.is_open()) return Status::kSystem;
    const StoreDirectory::Temporary made = directory.make_temporary();
    if (made.fd.get() >= 0 && write_answer(made.fd.get(), key, value, expiry.at_ms) &&
        ::renameat(directory.items(), made.name.c_str(), directory.items(), name.c_str()) == 0)
      return Status::kOk;
    const bool met_a_clear = errno == ENOENT;
    status = status_of_failed_write();
    if (made.fd.get() >= 0) directory.unlink_item(made.name);
    if (met_a_clear) continue;
    directory.unlink_item(name);
    return status;
  }
  return status;
}

Status FileStore::erase(std::string_view key) {
  if (!is_valid_key(key)) return Status::kBadKey;
  const StoreDirectory directory(directory_, false);
  if (!directory.is_open()) return Status::kNotFound;
  const std::string name = item_name(key);
  const Fd fd = directory.open_item(name, O_RDONLY);
  const std::optional<ItemFile> item = fd.get() >= 0 ? read_answer(fd.get(), key) : std::nullopt;
  directory.unlink_item(name);
  return item && item->kind == FileKind::kValue ? Status::kOk : Status::kNotFound;
}

std::uint64_t FileStore::erase_prefix(std::string_view prefix) {
  const StoreDirectory directory(directory_, false);
  if (!directory.is_open()) return 0;
  std::uint64_t erased = 0;
  for (const std::string& name : names_in(directory.items())) {
    if (!is_item_name(name)) continue;
    const Fd fd = directory.open_item(name, O_RDONLY);
    const std::optional<std::string> key = fd.get() >= 0 ? read_item_key(fd.get()) : std::nullopt;
    if (key && key->starts_with(prefix) && erase(*key) == Status::kOk) ++erased;
  }
  return erased;
}

void FileStore::clear() {
  if (const StoreDirectory directory(directory_, false); directory.is_open()) directory.clear();
}

std::uint64_t FileStore::sweep() {
  const StoreDirectory directory(directory_, false);
  if (!directory.is_open()) return 0;
  std::uint64_t removed = 0;
  for (const std::string& name : names_in(directory.items())) {
    const Fd fd = directory.open_item(name, O_RDONLY);
    if (fd.get() < 0) continue;
    if (is_temporary_name(name)) {
      struct stat found {};
      if (::fstat(fd.get(), &found) != 0 || static_cast<std::uint64_t>(found.st_mtime) * 1'000 + kAbandonedAfterMs > wall_ms()) continue;
    } else {
      const std::optional<ItemFile> item = is_item_name(name) ? read_item(fd.get()) : std::nullopt;
      if (item && item->kind != FileKind::kLease && item->ends_at_ms > wall_ms()) continue;
      if (!is_item_name(name) || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) continue;  // not ours to judge, or being computed
    }
    remove_file(directory, name, fd.get());
    ++removed;
  }
  return removed;
}

std::optional<std::string> FileStore::load(std::string_view key, const detail::LoadFunction& loader, const LoadOptions& options,
                                           Nothing nothing) {
  if (!is_valid_key(key)) return loader();
  const std::string name = item_name(key);
  const auto give_up = end_of_wait(options);
  std::chrono::nanoseconds pause = 500us;
  for (;;) {
    Request request = ask(directory_, name, key, nothing);
    if (request.answer) return value_of(std::move(*request.answer));
    if (request.lease) {
      std::optional<std::string> answer = loader();
      request.lease->fill(key, answer, ttl_of_answer(answer, options, key));
      return answer;
    }
    const auto now = std::chrono::steady_clock::now();
    if (!request.is_held || now >= give_up) return loader();
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(pause, give_up - now));
    pause = std::min<std::chrono::nanoseconds>(2 * pause, kLongestPause);
  }
}

}  // namespace v0
}  // namespace carafe
