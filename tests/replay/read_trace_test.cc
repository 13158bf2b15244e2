// SPDX-License-Identifier: MIT
#include "replay/read_trace.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "exit_code.h"
#include "memory_source.h"
#include "replay/unpack.h"

namespace carafe::replay {
namespace {

using test::MemorySource;

Trace csv(const std::string& text) {
  MemorySource source(text);
  return read_csv(source, "T", {});
}

Trace keys(const std::string& text) {
  MemorySource source(text);
  return read_keys(source, "T", {});
}

Trace oracle(const std::string& bytes) {
  MemorySource source(bytes);
  return read_oracle(source, "T", {});
}

/// What a reader complains of; "" when it does not.
template <typename Reader>
std::string complaint(Reader reader, const std::string& text) {
  try {
    (void)reader(text);
    return "";
  } catch (const tool::Failure& failure) {
    EXPECT_EQ(failure.code(), tool::kDamaged);
    return failure.what();
  }
}

std::string record(std::uint32_t second, std::uint64_t id, std::uint32_t size) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(second >> (8 * i));
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(id >> (8 * i));
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(size >> (8 * i));
  return bytes + std::string(8, '\xff');
}

TEST(ReadTraceTest, AColumnOfKeysIsNumberedByFirstAppearance) {
  const Trace trace = csv("7\n3\n7\nabc\n");
  ASSERT_EQ(trace.size(), 4U);
  EXPECT_EQ(trace[0].key, 0U);
  EXPECT_EQ(trace[1].key, 1U);
  EXPECT_EQ(trace[2].key, 0U);
  EXPECT_EQ(trace[3].key, 2U);
  EXPECT_EQ(trace.keys.bytes(2), "abc");
  EXPECT_FALSE(trace.columns().sizes);
}

TEST(ReadTraceTest, FiveColumnsAreKeySizeTtlOpAndTime) {
  const Trace trace = csv("a,10,500,g,0\r\nb,20,0,s,5\r\na,10,,d,7");
  ASSERT_EQ(trace.size(), 3U);
  EXPECT_EQ(trace[0].size, 10U);
  EXPECT_EQ(trace[0].ttl_ms, 500U);
  EXPECT_EQ(trace[0].op, Op::kGet);
  EXPECT_EQ(trace[1].ttl_ms, kNoTtl);
  EXPECT_EQ(trace[1].op, Op::kSet);
  EXPECT_EQ(trace[2].ttl_ms, kNoTtl);
  EXPECT_EQ(trace[2].op, Op::kDelete);
  EXPECT_EQ(trace[2].t_ms, 7U);
}

TEST(ReadTraceTest, AHeaderNamesTheColumnsInAnyOrder) {
  const Trace trace = csv("key_id,t_ms,size\nx,5,100\ny,6,200\n\n\n");
  ASSERT_EQ(trace.size(), 2U);
  EXPECT_EQ(trace[1].size, 200U);
  EXPECT_EQ(trace[1].t_ms, 6U);
  EXPECT_EQ(csv("key\n").size(), 0U);
}

TEST(ReadTraceTest, ABrokenLineIsNamedByItsNumber) {
  EXPECT_NE(complaint(csv, "a,1\nb\n").find("T: line 2 has 1 fields where the first line has 2"), std::string::npos);
  EXPECT_NE(complaint(csv, "a,1\nb,x\n").find("line 2 has \"x\" for size"), std::string::npos);
  EXPECT_NE(complaint(csv, "a,1\n,2\n").find("line 2 has a key of 0 bytes"), std::string::npos);
  EXPECT_NE(complaint(csv, "a,1\n" + std::string(4097, 'k') + ",2\n").find("line 2 has a key of 4097 bytes"), std::string::npos);
  EXPECT_NE(complaint(csv, "a\n\nb\n").find("line 2 is empty"), std::string::npos);
  EXPECT_NE(complaint(csv, "a,1,2\n").find("line 1 has 3 fields"), std::string::npos);
  EXPECT_NE(complaint(csv, "a,1,2,g,4,5\n").find("line 1 has more than five fields"), std::string::npos);
  EXPECT_NE(complaint(csv, "a,1,2,q,4\n").find("\"q\" for op"), std::string::npos);
  EXPECT_NE(complaint(csv, "a,1,2,g,4\na,1,2,g,3\n").find("line 2 goes back in time"), std::string::npos);
  EXPECT_NE(complaint(csv, "a,4294967296\n").find("for size"), std::string::npos);
  EXPECT_NE(complaint(csv, "key,colour\n").find("line 1 names a column \"colour\""), std::string::npos);
  EXPECT_NE(complaint(csv, "key,ttl_ms\n").find("no t_ms"), std::string::npos);
  EXPECT_NE(complaint(csv, "key,size,size\n").find("twice"), std::string::npos);
}

TEST(ReadTraceTest, AKeyListHasAnyBytesButLineEnds) {
  const Trace trace = keys(std::string("GET /a?b=1,2\n\xff\0x\nGET /a?b=1,2\n", 30));
  ASSERT_EQ(trace.size(), 3U);
  EXPECT_EQ(trace.keys.size(), 2U);
  EXPECT_EQ(trace.keys.bytes(1), std::string_view("\xff\0x", 3));
  EXPECT_NE(complaint(keys, "a\n\nb\n").find("T: line 2: a key of 0 bytes"), std::string::npos);
  EXPECT_NE(complaint(keys, "a\n" + std::string(5000, 'b')).find("T: line 2: a key of 5000 bytes"), std::string::npos);
}

TEST(ReadTraceTest, OracleRecordsHaveTimeIdAndSize) {
  const Trace trace = oracle(record(1000, 77, 4096) + record(1003, 78, 5) + record(1002, 77, 4096));
  ASSERT_EQ(trace.size(), 3U);
  EXPECT_EQ(trace.keys.size(), 2U);
  EXPECT_EQ(trace[0].size, 4096U);
  EXPECT_EQ(trace[1].t_ms, 3000U);
  EXPECT_EQ(trace[2].t_ms, 3000U) << "time does not go back";
  EXPECT_EQ(trace[2].key, 0U);
}

TEST(ReadTraceTest, ABrokenRecordIsNamedByItsNumber) {
  EXPECT_NE(complaint(oracle, record(5, 1, 1) + std::string(10, 'x')).find("T: record 2: cut short after 10"), std::string::npos);
  EXPECT_NE(complaint(oracle, record(5, 1, 1) + record(4, 1, 1)).find("T: record 2: its time"), std::string::npos);
}

TEST(ReadTraceTest, TheFormatFollowsFromTheNameAndThenFromTheContent) {
  EXPECT_EQ(guess_format("a/b.csv", "x"), "csv");
  EXPECT_EQ(guess_format("b.csv.zst", "x"), "csv");
  EXPECT_EQ(guess_format("b.keys", "1,2"), "keys");
  EXPECT_EQ(guess_format("b.oracleGeneral.zst", "1,2"), "oracle");
  EXPECT_EQ(guess_format("-", record(1, 2, 3)), "oracle");
  EXPECT_EQ(guess_format("-", "17,100\n"), "csv");
  EXPECT_EQ(guess_format("-", "key,size\n"), "csv");
  EXPECT_EQ(guess_format("-", "/a,b\n"), "keys");
  EXPECT_EQ(guess_format("-", "/a\n"), "keys");
}

/// "7,1\n8,2\n" as `zstd -c` packs it.
const std::string kPacked("\x28\xb5\x2f\xfd\x04\x58\x41\x00\x00\x37\x2c\x31\x0a\x38\x2c\x32\x0a\x59\x16\xad\x05", 21);

std::string unpacked(const std::string& bytes) {
  const auto source = unpack(std::make_unique<MemorySource>(bytes), "T");
  std::string text;
  char block[5];
  for (std::size_t got = source->read(block); got != 0; got = source->read(block)) text.append(block, got);
  return text;
}

TEST(ReadTraceTest, PackedFramesAreUnpackedOneAfterTheOther) {
  if (!can_unpack()) GTEST_SKIP() << "built without libzstd";
  EXPECT_TRUE(is_packed(kPacked));
  EXPECT_FALSE(is_packed("7,1\n"));
  EXPECT_EQ(unpacked(kPacked + kPacked), "7,1\n8,2\n7,1\n8,2\n");
}

TEST(ReadTraceTest, PackedBytesThatAreBrokenOrCutShortAreRefused) {
  if (!can_unpack()) GTEST_SKIP() << "built without libzstd";
  std::string broken = kPacked;
  broken[12] ^= 1;
  EXPECT_NE(complaint(unpacked, broken).find("T: broken zstd data"), std::string::npos);
  EXPECT_NE(complaint(unpacked, kPacked.substr(0, 15)).find("T: broken zstd data (ends in the middle"), std::string::npos);
}

}  // namespace
}  // namespace carafe::replay
