#pragma once

#include <string>
#include <utility>
#include <vector>

namespace vbs::cli {

/// Rows under aligned headings, two spaces apart, by display width. Cells are escaped here.
class Table {
 public:
  /// A heading that begins with '>' is of a column of numbers: aligned to the right.
  explicit Table(std::vector<std::string> headings);
  /// One cell a heading.
  void add_row(const std::vector<std::string>& cells);
  std::string str() const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

/// "name:   value" lines with the values aligned.
std::string details(const std::vector<std::pair<std::string, std::string>>& lines);

}  // namespace vbs::cli
