// SPDX-License-Identifier: MIT
#include <algorithm>
#include <bitset>
#include <string>
#include <vector>

#include "base/glob.h"
#include "carafe/carafe.h"
#include "fuzz/bytes.h"
#include "fuzz/require.h"
#include "segment/names.h"
#include "segment/segment_file.h"

// The inspector has no library: what it parses with is compiled right here.
#define FMT_HEADER_ONLY
#include "../../tools/carafe/text.cc"

/// What people type: sizes, durations, patterns, escaped keys, names of segments, options. Nothing crashes, what is written is read back as
/// it was, and where there is a plainer way to say the same it agrees.
///
///   input: what | the text
namespace carafe::fuzz {
namespace {

using namespace carafe::tool;

void check_escapes(std::string_view text) {
  const std::string escaped = escape(text);
  require(std::all_of(escaped.begin(), escaped.end(), [](char c) { return c >= ' ' && c <= '~'; }), "what is escaped is printable");
  require(unescape(escaped) == text, "unescape is escape's inverse");
  if (const auto bytes = unescape(text)) require(unescape(escape(*bytes)) == *bytes, "what was unescaped goes both ways");
  require(hex(text).size() == 2 * text.size(), "hex has two digits a byte");
}

void check_durations(Bytes in) {
  const std::uint64_t number = in.number<std::uint64_t>() >> in.below(64);
  const auto about = [](std::uint64_t ms, const std::string& text) {
    const auto back = parse_duration(text);
    require(back && back->count() >= 0, "what duration_text writes can be read: " + text);
    const auto read = static_cast<std::uint64_t>(back->count());
    require(read <= ms && ms - read <= ms / 2, "and is about as long: " + text);
  };
  if (number < static_cast<std::uint64_t>(kForever.count()) && number != 0) about(number, duration_text(number));
  const auto parsed = parse_duration(in.rest());
  if (!parsed) return;
  require(parsed->count() >= 0, "a time to live is not negative");
  if (*parsed != kForever && parsed->count() != 0) about(static_cast<std::uint64_t>(parsed->count()), ttl_text(*parsed));
}

void check_sizes(Bytes in) {
  const std::uint64_t number = in.number<std::uint64_t>() >> in.below(64);
  Context exact;
  exact.bytes = true;
  require(parse_size(bytes_text(exact, number)) == number, "an exact size is read back");
  require(bytes_text(Context{}, number).size() <= 7, "a size for people is short");
  Context terminal;
  terminal.terminal = true;
  std::string grouped = count_text(terminal, number);
  std::erase(grouped, ',');
  require(grouped == std::to_string(number), "a grouped count has the same digits");
  require(!percent_text(number, in.number<std::uint64_t>()).empty(), "a percentage is written");
  const std::string_view text = in.rest();
  if (const auto size = parse_size(text)) require(!text.empty() && (*size != 0 || text[0] == '0'), "a size is what was typed");
}

/// A pattern taken apart: a star, or which bytes may stand here.
struct Element {
  bool star = false;
  std::bitset<256> bytes;
};

std::vector<Element> take_apart(std::string_view pattern) {
  std::vector<Element> elements;
  for (std::size_t i = 0; i < pattern.size();) {
    Element element;
    const auto byte_at = [&](std::size_t at) { return static_cast<unsigned char>(pattern[at]); };
    if (pattern[i] == '*') {
      element.star = true;
      ++i;
    } else if (pattern[i] == '?') {
      element.bytes.set();
      ++i;
    } else if (pattern[i] == '[') {
      std::size_t k = i + 1;
      const bool negated = k < pattern.size() && (pattern[k] == '!' || pattern[k] == '^');
      if (negated) ++k;
      const std::size_t begin = k;
      const auto one = [&] {
        if (pattern[k] == '\\' && k + 1 < pattern.size()) ++k;
        return byte_at(k++);
      };
      while (k < pattern.size() && (pattern[k] != ']' || k == begin)) {
        const unsigned char low = one();
        unsigned char high = low;
        if (k + 1 < pattern.size() && pattern[k] == '-' && pattern[k + 1] != ']') {
          ++k;
          high = one();
        }
        for (unsigned c = low; c <= high; ++c) element.bytes.set(c);
      }
      if (k >= pattern.size()) {  // no end: a plain bracket
        element.bytes.reset().set('[');
        ++i;
      } else {
        if (negated) element.bytes.flip();
        i = k + 1;
      }
    } else {
      if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
      element.bytes.set(byte_at(i));
      ++i;
    }
    elements.push_back(element);
  }
  return elements;
}

bool matches_plainly(std::string_view pattern, std::string_view text) {
  std::vector<bool> reached(text.size() + 1, false);  // how much of the text the elements so far may have taken
  reached[0] = true;
  for (const Element& element : take_apart(pattern)) {
    std::vector<bool> next(text.size() + 1, false);
    for (std::size_t t = 0; t <= text.size(); ++t) {
      if (element.star) next[t] = reached[t] || (t > 0 && next[t - 1]);
      if (!element.star && t > 0) next[t] = reached[t - 1] && element.bytes[static_cast<unsigned char>(text[t - 1])];
    }
    reached = next;
  }
  return reached[text.size()];
}

void check_globs(Bytes in) {
  const std::string_view pattern = in.text(in.below(48));
  const std::string_view text = in.rest().substr(0, 256);
  require(glob_match(pattern, text) == matches_plainly(pattern, text), "a pattern matches what it says");
  std::string quoted;
  for (const char c : text) quoted += {'\\', c};
  require(glob_match(quoted, text) && glob_match("*" + quoted + "*", text), "a quoted text matches itself");
}

bool is_utf8_plainly(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto at = [&](std::size_t k) {
      return i + k < bytes.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i + k])) : 0U;
    };
    const std::uint32_t lead = at(0);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0xffU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      if ((at(k) & 0xc0) != 0x80) return false;
      point = (point << 6) | (at(k) & 0x3f);
    }
    constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kLeast[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

void check_distances(Bytes in) {
  const std::string_view one = in.text(in.below(64));
  const std::string_view other = in.rest().substr(0, 64);
  const std::size_t distance = edit_distance(one, other);
  require(distance == edit_distance(other, one) && (distance == 0) == (one == other), "a distance goes both ways");
  require(distance <= std::max(one.size(), other.size()), "no more letters change than there are");
}

void check_names(std::string_view text) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  const bool valid = !text.empty() && text.size() <= 200 && text.find_first_not_of(kAllowed) == std::string_view::npos;
  try {
    check_name(text);
    require(valid, "a bad name is refused");
    const std::string path = path_of(text);
    require(path.size() < 256 && path.find("/", kSegmentDirectory.size() + 1) == std::string::npos, "a name stays in its folder");
  } catch (const Error& error) {
    const std::string_view what = error.what();
    require(!valid && error.status() == Status::kBadName, "a good name is taken");
    require(std::all_of(what.begin(), what.end(), [](char c) { return c >= ' ' && c <= '~'; }), "the message is printable");
  }
}

void check_numbers_of_options(Bytes in) {
  Options options;
  constexpr std::size_t kCapacities[] = {0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, std::size_t{1} << 40, (std::size_t{1} << 40) + 1};
  options.capacity_bytes = in.below(2) == 0   ? in.pick(kCapacities)
                           : in.below(4) == 0 ? in.number<std::uint64_t>()
                                              : (1 << 20) + in.below(1 << 20);
  constexpr unsigned kGoodModes[] = {0600, 0660};
  options.mode = in.below(4) == 0 ? in.number<std::uint32_t>() : in.pick(kGoodModes);
  options.max_workers = in.below(2) == 0 ? in.number<std::uint32_t>() : in.byte();
  options.lock_wait = std::chrono::milliseconds(in.below(4) == 0 ? in.number<std::int64_t>() : 1 + in.byte());
  options.trusted_uid = in.number<std::int64_t>();
  if (in.below(8) == 0) options.group = in.rest().substr(0, 40);
  const bool workers = options.max_workers == 0 || (options.max_workers >= 4 && options.max_workers <= 4096);
  const bool good = options.capacity_bytes >= (1 << 20) && options.capacity_bytes <= (std::size_t{1} << 40) && workers &&
                    (options.mode == 0660 || (options.mode == 0600 && options.group.empty())) &&
                    options.lock_wait >= std::chrono::milliseconds(1) && options.lock_wait <= std::chrono::seconds(10);
  try {
    check_options(options, "a test");
    require(good, "options out of their range are refused");
  } catch (const Error& error) {
    require(!good && error.status() == Status::kBadOption, "options in their range are taken");
    return;
  }
  if (options.capacity_bytes > (2 << 20)) return;
  try {
    Cache cache = Cache::create_anonymous(options);
    require(cache.set("key", "value") == Status::kOk && cache.get("key") == "value", "what was made can be used");
  } catch (const Error& error) {  // too many workers for so little room, or a group that is none or not ours
    const bool crowded = options.max_workers > 256;
    require((error.status() == Status::kBadOption && (crowded || !options.group.empty())) ||
                (error.status() == Status::kNoPermission && !options.group.empty()),
            error.what());
  }
}

}  // namespace
}  // namespace carafe::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace carafe::fuzz;
  Bytes in(data, size);
  switch (in.below(8)) {
    case 0:
      check_escapes(in.rest());
      break;
    case 1:
      check_durations(in);
      break;
    case 2:
      check_sizes(in);
      break;
    case 3:
      check_globs(in);
      break;
    case 4: {
      const std::string_view text = in.rest();
      require(carafe::tool::is_utf8(text) == is_utf8_plainly(text), "is_utf8 is right");
      break;
    }
    case 5:
      check_distances(in);
      break;
    case 6:
      check_names(in.rest());
      break;
    default:
      check_numbers_of_options(in);
  }
  return 0;
}
