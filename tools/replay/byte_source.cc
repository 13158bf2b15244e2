// SPDX-License-Identifier: MIT
#include "byte_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "exit_code.h"
#include "unpack.h"

namespace carafe::replay {
namespace {

using tool::Failure;

/// A descriptor's bytes as they are.
class FileSource : public ByteSource {
 public:
  FileSource(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  ~FileSource() override {
    if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
  }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  std::size_t read(std::span<char> into) override {
    for (;;) {
      const ssize_t got = ::read(descriptor_, into.data(), into.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno == EISDIR) throw Failure(tool::kUsage, name_ + " is a directory; name a file, or - for standard input");
      if (errno != EINTR) throw Failure(tool::kFailure, "cannot read " + name_ + ": " + std::strerror(errno));
    }
  }

 private:
  int descriptor_;
  std::string name_;
};

std::unique_ptr<FileSource> open_file(const std::string& path) {
  if (path == "-") return std::make_unique<FileSource>(STDIN_FILENO, "standard input");
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const tool::ExitCode code = errno == ENOENT || errno == ENOTDIR ? tool::kMissing : errno == EACCES ? tool::kForbidden : tool::kFailure;
    throw Failure(code, "cannot open " + path + ": " + std::strerror(errno) + "; name a trace's file, or - for standard input");
  }
  return std::make_unique<FileSource>(descriptor, path);
}

}  // namespace

std::string_view PeekableSource::peek(std::size_t bytes) {
  while (ahead_.size() < taken_ + bytes) {
    const std::size_t had = ahead_.size();
    ahead_.resize(taken_ + bytes);
    const std::size_t got = source_->read({ahead_.data() + had, ahead_.size() - had});
    ahead_.resize(had + got);
    if (got == 0) break;
  }
  return std::string_view(ahead_).substr(taken_, bytes);
}

std::size_t PeekableSource::read(std::span<char> into) {
  if (taken_ == ahead_.size()) return source_->read(into);
  const std::size_t bytes = std::min(into.size(), ahead_.size() - taken_);
  std::copy_n(ahead_.data() + taken_, bytes, into.data());
  taken_ += bytes;
  if (taken_ == ahead_.size()) {
    ahead_.clear();
    taken_ = 0;
  }
  return bytes;
}

std::unique_ptr<ByteSource> open_source(const std::string& path) {
  auto file = std::make_unique<PeekableSource>(open_file(path));
  if (is_packed(file->peek(4))) return unpack(std::move(file), path == "-" ? "standard input" : path);
  return file;
}

}  // namespace carafe::replay
