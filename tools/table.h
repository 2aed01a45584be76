// Aligned tables of text for people.
#ifndef GRAFT_TOOLS_TABLE_H_
#define GRAFT_TOOLS_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace graft::tools {

enum class Align { kLeft, kRight };

struct TableColumn {
  std::string header;
  Align align = Align::kLeft;
};

// Columns are as wide as their widest cell and two spaces apart; a line of dashes stands under the
// header; no line ends in spaces. A table whose headers are all empty has neither. One thread.
class Table {
 public:
  explicit Table(std::vector<TableColumn> columns) : columns_(std::move(columns)) {}

  // One cell per column, in order. Cells may be any text; see Printable.
  void AddRow(std::vector<std::string> cells);
  // A line of dashes below the rows so far.
  void AddRule() { rules_.push_back(rows_.size()); }
  // Lines that each end in a line feed, every one behind `indent` spaces.
  std::string ToString(size_t indent = 0) const;

 private:
  std::vector<TableColumn> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> rules_;  // numbers of rows above each rule
};

// Columns that the text takes on a terminal: East Asian wide and fullwidth characters take two,
// combining marks and format characters none. `text` is what Printable gave.
size_t DisplayWidth(std::string_view text);

// Text from outside made safe for one line of a terminal: control characters become \n, \t, \xHH,
// ill-formed UTF-8 becomes U+FFFD, a backslash stays as it is.
std::string Printable(std::string_view text);

// The front of the text that fits `width` columns, with "..." at its end when something was cut off
// and `width` is at least 4.
std::string Shorten(std::string_view text, size_t width);

// 30522 as "30,522".
std::string WithThousands(int64_t number);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_TABLE_H_
