// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "exit_code.h"
#include "layout/limits.h"
#include "line_reader.h"
#include "read_trace.h"

namespace carafe::replay {
namespace {

enum Column : std::size_t { kKey, kSize, kTtl, kOp, kTime, kColumns };
constexpr std::array<std::string_view, kColumns> kNames = {"key", "size", "ttl_ms", "op", "t_ms"};

/// Which field of a line holds which column; kAbsent where none does.
constexpr std::size_t kAbsent = kColumns;
struct Shape {
  std::array<std::size_t, kColumns> field{kAbsent, kAbsent, kAbsent, kAbsent, kAbsent};
  std::size_t fields = 0;
  [[nodiscard]] bool has(Column column) const noexcept { return field[column] != kAbsent; }
};

/// Reads one file; knows where it is, for messages.
class CsvReader {
 public:
  CsvReader(ByteSource& source, const std::string& name) : lines_(source), name_(name) {}

  Trace read(const ReadProgress& progress) {
    std::string_view line;
    if (!lines_.next(line)) return Trace();
    split(line);
    const bool header = fields_[0] == "key" || fields_[0] == "key_id" || fields_[0] == "\xef\xbb\xbfkey";
    const Shape shape = header ? named_shape() : shape_by_count();
    Trace trace(Columns{.sizes = shape.has(kSize), .ttls = shape.has(kTtl), .ops = shape.has(kOp), .times = shape.has(kTime)});
    bool more = header ? lines_.next(line) : true;
    for (; more; more = lines_.next(line)) {
      if (line.empty()) {
        expect_the_end();
        break;
      }
      split(line);
      if (count_ != shape.fields)
        fail("has " + std::to_string(count_) + " fields where " + (header ? "the header" : "the first line") + " has " +
             std::to_string(shape.fields));
      trace.add(request(shape, trace.keys));
      if (progress && trace.size() % 65536 == 0) progress(trace.size());
    }
    return trace;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw tool::Failure(tool::kDamaged, name_ + ": line " + std::to_string(lines_.number()) + " " + what +
                                            "; expected are key[,size[,ttl_ms,op,t_ms]], or a first line that names the columns");
  }

  void split(std::string_view line) {
    count_ = 0;
    for (;;) {
      if (count_ == kColumns) fail("has more than five fields");
      const std::size_t comma = line.find(',');
      fields_[count_++] = line.substr(0, comma);
      if (comma == std::string_view::npos) return;
      line.remove_prefix(comma + 1);
    }
  }

  Shape named_shape() const {
    Shape shape;
    shape.fields = count_;
    for (std::size_t i = 0; i < count_; ++i) {
      std::string_view called = fields_[i];
      if (called.starts_with("\xef\xbb\xbf")) called.remove_prefix(3);
      if (called == "key_id") called = "key";
      const auto* known = std::find(kNames.begin(), kNames.end(), called);
      if (known == kNames.end()) fail("names a column \"" + std::string(called) + "\", which is none of key, size, ttl_ms, op, t_ms");
      auto& field = shape.field[static_cast<std::size_t>(known - kNames.begin())];
      if (field != kAbsent) fail("names the column \"" + std::string(called) + "\" twice");
      field = i;
    }
    if (shape.has(kTtl) && !shape.has(kTime)) fail("has times to live, but no t_ms that says when they end");
    return shape;
  }

  Shape shape_by_count() const {
    if (count_ != 1 && count_ != 2 && count_ != kColumns) fail("has " + std::to_string(count_) + " fields");
    Shape shape;
    shape.fields = count_;
    for (std::size_t i = 0; i < count_; ++i) shape.field[i] = i;
    return shape;
  }

  void expect_the_end() {
    const std::uint64_t empty = lines_.number();
    for (std::string_view line; lines_.next(line);) {
      if (!line.empty())
        throw tool::Failure(tool::kDamaged, name_ + ": line " + std::to_string(empty) + " is empty, and more follow; take it out");
    }
  }

  std::uint64_t number(Column column, std::string_view text, std::uint64_t most) const {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > most)
      fail("has \"" + std::string(text.substr(0, 40)) + "\" for " + std::string(kNames[column]) + ", which is no number from 0 to " +
           std::to_string(most));
    return value;
  }

  Op op(std::string_view text) const {
    if (text == "g" || text == "get") return Op::kGet;
    if (text == "s" || text == "set") return Op::kSet;
    if (text == "d" || text == "delete") return Op::kDelete;
    fail("has \"" + std::string(text.substr(0, 40)) + "\" for op, which is none of g, s and d");
  }

  Request request(const Shape& shape, KeyTable& keys) {
    const auto text = [&](Column column) { return fields_[shape.field[column]]; };
    Request request;
    const std::string_view key = text(kKey);
    if (key.empty() || key.size() > kMaxKeyBytes)
      fail("has a key of " + std::to_string(key.size()) + " bytes; keys are 1 to " + std::to_string(kMaxKeyBytes));
    request.key = keys.number(key);
    if (shape.has(kSize)) request.size = static_cast<std::uint32_t>(number(kSize, text(kSize), 0xffffffff));
    if (shape.has(kTtl) && !text(kTtl).empty()) {
      const std::uint64_t ttl = number(kTtl, text(kTtl), ~std::uint64_t{0});
      request.ttl_ms = ttl == 0 || ttl >= kNoTtl ? kNoTtl : static_cast<std::uint32_t>(ttl);
    }
    if (shape.has(kOp)) request.op = op(text(kOp));
    if (shape.has(kTime)) {
      request.t_ms = number(kTime, text(kTime), ~std::uint64_t{0} >> 1);
      if (request.t_ms < last_t_ms_)
        fail("goes back in time, from t_ms " + std::to_string(last_t_ms_) + " to " + std::to_string(request.t_ms) + "; sort by t_ms");
      last_t_ms_ = request.t_ms;
    }
    return request;
  }

  LineReader lines_;
  const std::string& name_;
  std::array<std::string_view, kColumns> fields_;
  std::size_t count_ = 0;
  std::uint64_t last_t_ms_ = 0;
};

}  // namespace

Trace read_csv(ByteSource& source, const std::string& name, const ReadProgress& progress) { return CsvReader(source, name).read(progress); }

}  // namespace carafe::replay
