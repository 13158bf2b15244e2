// SPDX-License-Identifier: MIT
#include "carafe/memoize.h"

#include "base/hash.h"
#include "layout/limits.h"

namespace carafe {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t kMaxNameBytes = 88;  // those of a namespace

}  // namespace

std::string memoize_key(std::string head, std::string_view arguments) {
  if (head.size() + arguments.size() <= kMaxKeyBytes) return head.append(arguments);
  const Hash128 hash = hash_128(arguments);
  put_part(hash.high, head);
  put_part(hash.low, head);
  put_part(std::uint64_t{arguments.size()}, head);
  return head;
}

void check_memoize_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name.find('\0') != std::string_view::npos)
    throw Error(Status::kBadName, "carafe: a memoized function's name is 1 to " + std::to_string(kMaxNameBytes) +
                                      " bytes without a zero byte, not \"" + std::string(name.substr(0, kMaxNameBytes)) + "\"");
}

}  // namespace detail
}  // namespace v0
}  // namespace carafe
