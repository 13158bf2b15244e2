// SPDX-License-Identifier: MIT
// Whatever a value is, it comes back; whatever bytes are, they are a value or refused, and what is read from them can be written again.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "carafe/codec.h"
#include "support/random.h"

namespace carafe::test {
namespace {

template <typename T>
struct Any;  // make(Random&): some T

template <typename T>
requires std::is_integral_v<T>
struct Any<T> {
  static T make(Random& random) { return static_cast<T>(std::is_same_v<T, bool> ? random.below(2) : random.next() >> random.below(64)); }
};

template <>
struct Any<std::string> {
  static std::string make(Random& random) {
    std::string text(random.log_uniform(300), '\0');
    for (char& c : text) c = static_cast<char>(random.next());
    return text;
  }
};

template <typename T>
struct Any<std::vector<T>> {
  static std::vector<T> make(Random& random) {
    std::vector<T> all;
    for (std::uint64_t n = random.log_uniform(10); n > 0; --n) all.push_back(Any<T>::make(random));
    return all;
  }
};

template <typename T>
struct Any<std::optional<T>> {
  static std::optional<T> make(Random& random) {
    if (random.one_in(2)) return std::nullopt;
    return std::optional<T>(std::in_place, Any<T>::make(random));
  }
};

template <typename A, typename B>
struct Any<std::pair<A, B>> {
  static std::pair<A, B> make(Random& random) { return {Any<A>::make(random), Any<B>::make(random)}; }
};

template <typename... Ts>
struct Any<std::tuple<Ts...>> {
  static std::tuple<Ts...> make(Random& random) { return std::tuple<Ts...>{Any<Ts>::make(random)...}; }
};

template <typename Map>
requires requires { typename Map::mapped_type; }
struct Any<Map> {
  static Map make(Random& random) {
    Map all;
    for (std::uint64_t n = random.log_uniform(10); n > 0; --n)
      all.emplace(Any<typename Map::key_type>::make(random), Any<typename Map::mapped_type>::make(random));
    return all;
  }
};

template <typename T>
class CodecPropertyTest : public ::testing::Test {
 protected:
  std::uint64_t rounds_ = number_from_environment("CARAFE_TEST_SHORT", 0) != 0 ? 2'000 : 20'000;
  Random random_{number_from_environment("CARAFE_SEED", 20'240'229)};
};

using Types = ::testing::Types<std::uint16_t, std::string, std::vector<bool>, std::vector<std::string>,
                               std::vector<std::vector<std::int16_t>>, std::optional<std::optional<std::string>>,
                               std::tuple<std::string, bool, std::optional<std::string>, std::vector<std::int64_t>>,
                               std::map<std::string, std::vector<std::string>>, std::unordered_map<int, std::pair<bool, std::string>>,
                               std::vector<std::map<std::uint8_t, std::optional<std::tuple<std::string, std::string>>>>>;
TYPED_TEST_SUITE(CodecPropertyTest, Types);

TYPED_TEST(CodecPropertyTest, EveryValueComesBack) {
  for (std::uint64_t round = 0; round < this->rounds_; ++round) {
    const TypeParam value = Any<TypeParam>::make(this->random_);
    const std::string bytes = encode(value);
    const std::optional<TypeParam> back = decode<TypeParam>(bytes);
    ASSERT_TRUE(back.has_value()) << "round " << round;
    ASSERT_EQ(*back, value) << "round " << round;
    ASSERT_EQ(encode(*back), bytes) << "round " << round;
  }
}

/// Bytes at random are seldom near anything; bytes of a value with a few of them changed are.
TYPED_TEST(CodecPropertyTest, EveryBytesAreAValueOrRefused) {
  std::uint64_t values = 0;
  std::uint64_t refused = 0;
  for (std::uint64_t round = 0; round < this->rounds_; ++round) {
    Random& random = this->random_;
    std::string bytes;
    if (random.one_in(3)) {
      bytes = Any<std::string>::make(random);
    } else {
      Codec<TypeParam>::encode(Any<TypeParam>::make(random), bytes);
    }
    for (std::uint64_t n = random.below(4); n > 0 && !bytes.empty(); --n) {
      const std::uint64_t at = random.below(bytes.size());
      if (random.one_in(4))
        bytes.resize(at);
      else if (random.one_in(4))
        bytes.insert(at, Any<std::string>::make(random));
      else
        bytes[at] = static_cast<char>(random.one_in(2) ? 0xff : random.next());
    }
    // A heap block of their own: whoever reads a byte too many is caught by AddressSanitizer.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const std::optional<TypeParam> value = Codec<TypeParam>::decode({exact.data(), exact.size()});
    ++(value ? values : refused);
    if (!value) continue;
    std::string again;
    Codec<TypeParam>::encode(*value, again);
    const std::optional<TypeParam> back = Codec<TypeParam>::decode(again);
    ASSERT_TRUE(back.has_value()) << "round " << round;
    ASSERT_EQ(*back, *value) << "round " << round;
  }
  EXPECT_GT(values, 0U);
  if constexpr (!std::is_same_v<TypeParam, std::string>) {
    EXPECT_GT(refused, 0U);
  }
}

}  // namespace
}  // namespace carafe::test
