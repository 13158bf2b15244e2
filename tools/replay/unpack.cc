// SPDX-License-Identifier: MIT
#include "unpack.h"

#include "exit_code.h"

#ifdef CARAFE_HAS_ZSTD
#include <zstd.h>

#include <vector>
#endif

namespace carafe::replay {

bool is_packed(std::string_view first_bytes) noexcept {
  using namespace std::string_view_literals;
  return first_bytes.starts_with("\x28\xb5\x2f\xfd"sv);
}

#ifdef CARAFE_HAS_ZSTD
bool can_unpack() noexcept { return true; }

namespace {

class ZstdSource : public ByteSource {
 public:
  ZstdSource(std::unique_ptr<ByteSource> packed, std::string name)
      : packed_(std::move(packed)),
        name_(std::move(name)),
        stream_(ZSTD_createDStream(), &ZSTD_freeDStream),
        buffer_(ZSTD_DStreamInSize()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }

  std::size_t read(std::span<char> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos == 0) {
      if (input_.pos == input_.size) {
        input_ = {buffer_.data(), packed_->read(buffer_), 0};
        if (input_.size == 0) {
          if (within_frame_) fail("ends in the middle of the packed data");
          return 0;
        }
      }
      const std::size_t result = ZSTD_decompressStream(stream_.get(), &out, &input_);
      if (ZSTD_isError(result) != 0) fail(ZSTD_getErrorName(result));
      within_frame_ = result != 0;
    }
    return out.pos;
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw tool::Failure(tool::kDamaged, name_ + ": broken zstd data (" + what + "); fetch the file again");
  }

  std::unique_ptr<ByteSource> packed_;
  std::string name_;
  std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
  std::vector<char> buffer_;
  ZSTD_inBuffer input_{nullptr, 0, 0};
  bool within_frame_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> unpack(std::unique_ptr<ByteSource> packed, const std::string& name) {
  return std::make_unique<ZstdSource>(std::move(packed), name);
}

#else

bool can_unpack() noexcept { return false; }

std::unique_ptr<ByteSource> unpack(std::unique_ptr<ByteSource>, const std::string& name) {
  throw tool::Failure(tool::kUsage, name + " is packed by zstd, and this carafe-replay was built without libzstd; unpack it on the way: " +
                                        "zstd -dc FILE | carafe-replay -");
}

#endif

}  // namespace carafe::replay
