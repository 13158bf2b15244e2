// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report.h"
#include "text.h"

namespace carafe::replay {
namespace {

constexpr double kWidth = 720;
constexpr double kHeight = 440;
constexpr double kLeft = 64;
constexpr double kRight = 132;  // the legend's
constexpr double kTop = 40;
constexpr double kBottom = 52;
// Okabe and Ito's colours, which people tell apart who see fewer of them; carafe's is the strongest.
constexpr const char* kColours[] = {"#d55e00", "#0072b2", "#56b4e9", "#009e73", "#cc79a7",
                                    "#e69f00", "#999999", "#8c6d31", "#5e3c99", "#000000"};

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : tool::escape(text)) {
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else {
      safe += c;
    }
  }
  return safe;
}

/// Where room and miss ratio lie on the paper: room by its logarithm.
class Paper {
 public:
  explicit Paper(const std::vector<const RoomResult*>& rooms) {
    smallest_ = std::log(static_cast<double>(rooms.front()->room));
    largest_ = smallest_;
    for (const RoomResult* room : rooms) {
      smallest_ = std::min(smallest_, std::log(static_cast<double>(room->room)));
      largest_ = std::max(largest_, std::log(static_cast<double>(room->room)));
    }
    if (largest_ - smallest_ < 1e-9) {
      smallest_ -= 1;
      largest_ += 1;
    }
  }
  [[nodiscard]] double x(std::uint64_t room) const {
    return kLeft + (std::log(static_cast<double>(room)) - smallest_) / (largest_ - smallest_) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] static double y(double miss_ratio) { return kTop + (1 - miss_ratio) * (kHeight - kTop - kBottom); }

 private:
  double smallest_;
  double largest_;
};

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, text);
}

std::string axes(const Report& report, const std::vector<const RoomResult*>& rooms, const Paper& paper) {
  std::string svg;
  for (int tenths = 0; tenths <= 10; tenths += 2) {
    const double y = Paper::y(tenths / 10.0);
    svg += fmt::format("<line x1=\"{}\" y1=\"{:.1f}\" x2=\"{}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n", kLeft, y, kWidth - kRight, y);
    svg += text_at(kLeft - 8, y + 4, "end", fmt::format("{:.1f}", tenths / 10.0));
  }
  const tool::Context plain;
  for (const RoomResult* room : rooms) {
    const double x = paper.x(room->room);
    svg += fmt::format("<line x1=\"{:.1f}\" y1=\"{}\" x2=\"{:.1f}\" y2=\"{}\" stroke=\"#888\"/>\n", x, kHeight - kBottom, x,
                       kHeight - kBottom + 5);
    svg += text_at(x, kHeight - kBottom + 20, "middle", room->by_bytes ? tool::bytes_text(plain, room->room) : std::to_string(room->room));
  }
  svg += text_at((kLeft + kWidth - kRight) / 2, kHeight - 10, "middle", report.settings.by_bytes ? "bytes of the segment" : "items");
  svg += text_at(kLeft, 20, "start", "miss ratio, " + escaped(report.trace.name));
  return svg;
}

}  // namespace

std::string to_svg(const Report& report) {
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
      kWidth, kHeight);
  std::vector<const RoomResult*> rooms;
  for (const RoomResult& room : report.rooms) {
    if (room.skipped.empty()) rooms.push_back(&room);
  }
  std::sort(rooms.begin(), rooms.end(), [](const RoomResult* a, const RoomResult* b) { return a->room < b->room; });
  if (rooms.empty()) return svg + text_at(kWidth / 2, kHeight / 2, "middle", "no size could be tried") + "</svg>\n";
  const Paper paper(rooms);
  svg += axes(report, rooms, paper);
  for (std::size_t i = 0; i < rooms.front()->policies.size(); ++i) {
    const char* colour = kColours[i % std::size(kColours)];
    std::string points;
    std::string dots;
    for (const RoomResult* room : rooms) {
      const double x = paper.x(room->room);
      const double y = Paper::y(room->policies[i].outcome.miss_ratio());
      points += fmt::format("{:.1f},{:.1f} ", x, y);
      dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", x, y, colour);
    }
    points.pop_back();
    const bool ours = rooms.front()->policies[i].policy == "carafe";
    svg +=
        fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"/>\n{}", points, colour, ours ? 3 : 1.5, dots);
    const double legend_y = kTop + 12 + 20 * static_cast<double>(i);
    svg += fmt::format("<line x1=\"{0}\" y1=\"{1}\" x2=\"{2}\" y2=\"{1}\" stroke=\"{3}\" stroke-width=\"3\"/>\n", kWidth - kRight + 14,
                       legend_y - 4, kWidth - kRight + 34, colour);
    svg += text_at(kWidth - kRight + 40, legend_y, "start", escaped(rooms.front()->policies[i].title));
  }
  return svg + "</svg>\n";
}

}  // namespace carafe::replay
