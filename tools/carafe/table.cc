// SPDX-License-Identifier: MIT
#include "table.h"

#include <algorithm>

#include "output.h"

namespace carafe::tool {
namespace {

constexpr const char* kBold = "\x1b[1m";
constexpr const char* kPlain = "\x1b[0m";

}  // namespace

void Table::print(const Context& context) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns_[i].header.size();
    for (const auto& row : rows_) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  const auto line_of = [&](const auto& cell) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& text = cell(i);
      const std::string padding(widths[i] - text.size(), ' ');
      if (i != 0) line += "  ";
      line += columns_[i].align == Align::kLeft ? text + padding : padding + text;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  };
  const std::string header = line_of([&](std::size_t i) -> const std::string& { return columns_[i].header; });
  tool::print(context.color() ? kBold + header + kPlain + "\n" : header + "\n");
  for (const auto& row : rows_) tool::print(line_of([&](std::size_t i) -> const std::string& { return row[i]; }) + "\n");
}

}  // namespace carafe::tool
