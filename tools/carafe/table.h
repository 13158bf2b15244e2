// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "context.h"

namespace carafe::tool {

/// Rows and columns for people: aligned by spaces, two between columns, none at the end of a line. On a terminal the header is bold.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string header;
    Align align = Align::kRight;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// One cell per column.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void print(const Context& context) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

inline constexpr Table::Align kLeft = Table::Align::kLeft;

}  // namespace carafe::tool
