// SPDX-License-Identifier: MIT
// What each Codec keeps, what tells shapes apart, and what bytes are refused.
#include "carafe/codec.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#if __has_include(<nlohmann/json.hpp>)
#include <nlohmann/json.hpp>
#define CARAFE_TEST_JSON 1
#endif

#include "carafe/codec_json.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

enum class Colour : std::uint8_t { kRed = 3, kGreen };

struct Point {
  std::int32_t x = 0;
  std::int32_t y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

struct Padded {
  char kind = 0;
  double weight = 0;
  friend bool operator==(const Padded&, const Padded&) = default;
};

struct PointOfVersionTwo {
  static constexpr std::uint32_t kCodecVersion = 2;
  std::int32_t x = 0;
  std::int32_t y = 0;
};

/// A type with a Codec of its own.
struct Name {
  std::string first;
  std::string last;
  friend bool operator==(const Name&, const Name&) = default;
};

}  // namespace
}  // namespace carafe::test

template <>
struct carafe::Codec<carafe::test::Name> {
  static void encode(const test::Name& name, std::string& to) { to += name.first + '\n' + name.last; }
  static std::optional<test::Name> decode(std::string_view bytes) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    return test::Name{std::string(bytes.substr(0, end)), std::string(bytes.substr(end + 1))};
  }
};

namespace carafe::test {
namespace {

template <typename T>
void comes_back(const T& value) {
  const std::optional<T> back = decode<T>(encode(value));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, value);
}

TEST(CodecTest, PlainValuesComeBack) {
  comes_back(true);
  comes_back('c');
  comes_back(std::int8_t{-1});
  comes_back(std::numeric_limits<std::uint64_t>::max());
  comes_back(-0.5F);
  comes_back(std::numeric_limits<double>::infinity());
  comes_back(Colour::kGreen);
  comes_back(Point{1, -2});
  comes_back(Padded{'x', 2.5});
  comes_back(std::chrono::milliseconds(5min));
  EXPECT_TRUE(std::isnan(decode<double>(encode(std::nan(""))).value()));
}

TEST(CodecTest, ContainersComeBack) {
  comes_back(std::string());
  comes_back(std::string("a\0b", 3));
  comes_back(std::vector<int>{});
  comes_back(std::vector<int>{1, 2, 3});
  comes_back(std::vector<bool>{true, false, true});
  comes_back(std::vector<std::string>{"", "a", "bc"});
  comes_back(std::vector<Point>{{1, 2}, {3, 4}});
  comes_back(std::array<std::string, 2>{"a", ""});
  comes_back(std::array<int, 3>{1, 2, 3});
  comes_back(std::array<int, 0>{});
  comes_back(std::pair<std::string, int>("a", 1));
  comes_back(std::tuple<std::string, std::string, double>("a", "", 0.5));
  comes_back(std::tuple<>());
  comes_back(std::map<std::string, std::vector<int>>{{"a", {1}}, {"", {}}});
  comes_back(std::unordered_map<int, std::string>{{1, "one"}, {2, "two"}});
  comes_back(std::vector<std::vector<std::vector<std::string>>>{{}, {{}, {"deep"}}});
}

TEST(CodecTest, OptionalsComeBackNestedToo) {
  comes_back(std::optional<int>());
  comes_back(std::optional<int>(0));
  comes_back(std::optional<std::string>(""));
  comes_back(std::optional<std::optional<int>>());
  comes_back(std::optional<std::optional<int>>(std::in_place, std::nullopt));
  comes_back(std::vector<std::optional<std::string>>{std::nullopt, "", "a"});
}

TEST(CodecTest, TypesWithACodecOfTheirOwnNest) {
  comes_back(Name{"Ada", "Lovelace"});
  comes_back(std::map<int, std::vector<Name>>{{1, {{"Ada", "L"}, {"", ""}}}});
  EXPECT_FALSE(decode<Name>(encode(std::string("Ada\nLovelace")))) << "another shape";
}

TEST(CodecTest, NeighboursAreNotMixedUp) {
  using Two = std::tuple<std::string, std::string>;
  EXPECT_NE(encode(Two("ab", "c")), encode(Two("a", "bc")));
  EXPECT_NE(encode(std::vector<std::string>{"ab"}), encode(std::vector<std::string>{"a", "b"}));
  EXPECT_NE(encode(std::optional<std::string>()), encode(std::optional<std::string>("")));
}

TEST(CodecTest, EqualMapsHaveEqualBytes) {
  std::unordered_map<int, int> grown;
  for (int i = 0; i < 1000; ++i) grown[i] = i;
  for (int i = 10; i < 1000; ++i) grown.erase(i);
  std::unordered_map<int, int> small;
  for (int i = 9; i >= 0; --i) small[i] = i;
  EXPECT_EQ(encode(grown), encode(small));
}

static_assert(shape_of<int>() == shape_of<std::int32_t>());
static_assert(shape_of<int>() != shape_of<unsigned>());
static_assert(shape_of<int>() != shape_of<float>());
static_assert(shape_of<int>() != shape_of<long>());
static_assert(shape_of<std::uint8_t>() != shape_of<bool>());
static_assert(shape_of<std::uint8_t>() != shape_of<Colour>());
static_assert(shape_of<Point>() != shape_of<std::uint64_t>());
static_assert(shape_of<Point>() != shape_of<PointOfVersionTwo>());
static_assert(shape_of<std::vector<Point>>() != shape_of<std::vector<PointOfVersionTwo>>(), "wherever it is nested");
static_assert(shape_of<std::string>() != shape_of<std::vector<char>>());
static_assert(shape_of<std::vector<std::vector<int>>>() != shape_of<std::vector<int>>());
static_assert(shape_of<std::pair<int, long>>() != shape_of<std::pair<long, int>>());
static_assert(shape_of<std::tuple<int, int>>() != shape_of<std::tuple<int, int, int>>());
static_assert(shape_of<std::tuple<std::tuple<int>, int>>() != shape_of<std::tuple<int, std::tuple<int>>>());
static_assert(shape_of<std::array<std::string, 2>>() != shape_of<std::array<std::string, 3>>());
static_assert(shape_of<std::optional<int>>() != shape_of<int>());

template <typename T>
concept HasCodec = requires(const T& value, std::string& to) {
  Codec<T>::encode(value, to);
};
static_assert(!HasCodec<const char*> && !HasCodec<int*> && !HasCodec<std::nullptr_t> && !HasCodec<long double>);
static_assert(!HasCodec<std::reference_wrapper<int>> && !HasCodec<std::span<int>> && !HasCodec<std::wstring_view>);

static_assert(detail::kHasOneForm<int> && detail::kHasOneForm<double> && detail::kHasOneForm<Point> && detail::kHasOneForm<Name>);
static_assert(detail::kHasOneForm<std::vector<Point>> && detail::kHasOneForm<std::map<std::string, Name>>);
static_assert(!detail::kHasOneForm<Padded> && !detail::kHasOneForm<std::vector<std::optional<Padded>>>);

TEST(CodecTest, AChangedTypeDoesNotReadOldBytes) {
  EXPECT_FALSE(decode<PointOfVersionTwo>(encode(Point{1, 2})));
  EXPECT_FALSE(decode<std::uint32_t>(encode(std::int32_t{1})));
  EXPECT_FALSE(decode<std::vector<char>>(encode(std::string("abc"))));
}

TEST(CodecTest, BytesThatAreNoValueAreRefused) {
  const auto refused = [](const auto& like, std::string_view body) {
    using T = std::remove_cvref_t<decltype(like)>;
    return !Codec<T>::decode(body).has_value();
  };
  using namespace std::string_view_literals;
  EXPECT_TRUE(refused(int(), "\1\0\0"sv)) << "too short";
  EXPECT_TRUE(refused(int(), "\1\0\0\0\0"sv)) << "too long";
  EXPECT_TRUE(refused(bool(), "\2"sv)) << "no bool is 2";
  EXPECT_TRUE(refused(std::vector<int>(), "\1\0\0\0\2"sv)) << "one and a bit";
  EXPECT_TRUE(refused(std::vector<std::string>(), "\xff\xff\xff\xff"sv)) << "4 GiB that are not there";
  EXPECT_TRUE(refused(std::vector<std::string>(), "\2\0\0\0a"sv)) << "beyond the end";
  EXPECT_TRUE(refused(std::vector<std::string>(), "\1\0\0"sv)) << "half a length";
  EXPECT_TRUE(refused(std::optional<int>(), ""sv));
  EXPECT_TRUE(refused(std::optional<int>(), "\2\0\0\0\0"sv));
  EXPECT_TRUE(refused(std::optional<int>(), "\0x"sv)) << "nothing, and then something";
  EXPECT_TRUE(refused(std::tuple<int, int>(), "\1\0\0\0"sv)) << "one of two";
  EXPECT_TRUE(refused(std::tuple<int>(), "\1\0\0\0\0"sv)) << "more than one";
  EXPECT_TRUE(refused(std::array<std::string, 1>(), ""sv));
  EXPECT_TRUE(refused(std::map<bool, bool>(), "\1"sv)) << "a key without a value";
  EXPECT_TRUE(refused(std::map<bool, bool>(), "\1\0\1\0"sv)) << "the same key twice";
}

#ifdef CARAFE_TEST_JSON
TEST(CodecTest, JsonComesBack) {
  using Json = nlohmann::json;
  comes_back(Json());
  comes_back(Json::parse(R"({"a": [1, 2.5, null, "x", {}], "b": {"": false}})"));
  comes_back(std::vector<nlohmann::ordered_json>{{{"z", 1}, {"a", 2}}});
  EXPECT_FALSE(Codec<Json>::decode("{\"a\":"));
  EXPECT_FALSE(Codec<Json>::decode(""));
  EXPECT_EQ(decode<Json>(encode(Json("\xff"))), Json("\xEF\xBF\xBD")) << "not UTF-8: U+FFFD";
  const std::string deep(100'000, '[');
  EXPECT_FALSE(Codec<Json>::decode(deep)) << "and no stack that overflows";
}
#endif

}  // namespace
}  // namespace carafe::test
