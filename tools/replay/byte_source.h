// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace carafe::replay {

/// A file's bytes in order, unpacked when they are zstd's (told by their first four bytes, not by the name).
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills some of `into`, which is not empty; 0 at the end. Throws Failure: cannot be read, or packed bytes that are broken or cut short.
  virtual std::size_t read(std::span<char> into) = 0;
};

/// Opens `path`, or standard input when it is "-". Throws Failure.
[[nodiscard]] std::unique_ptr<ByteSource> open_source(const std::string& path);

/// Looks ahead into another source without taking anything away.
class PeekableSource : public ByteSource {
 public:
  explicit PeekableSource(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}
  /// Up to `bytes` of what comes next; fewer only at the end.
  [[nodiscard]] std::string_view peek(std::size_t bytes);
  std::size_t read(std::span<char> into) override;

 private:
  std::unique_ptr<ByteSource> source_;
  std::string ahead_;
  std::size_t taken_ = 0;
};

}  // namespace carafe::replay
