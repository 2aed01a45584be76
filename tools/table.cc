#include "tools/table.h"

#include <unicode/uchar.h>

#include <algorithm>

#include "absl/log/absl_check.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace graft::tools {
namespace {

constexpr size_t kGap = 2;

size_t CharacterWidth(char32_t code) {
  const auto point = static_cast<UChar32>(code);
  const int category = u_charType(point);
  if (category == U_NON_SPACING_MARK || category == U_ENCLOSING_MARK || category == U_FORMAT_CHAR) {
    return 0;
  }
  const int width = u_getIntPropertyValue(point, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

void AppendCell(std::string_view cell, size_t width, Align align, std::string& line) {
  const std::string spaces(width - DisplayWidth(cell), ' ');
  if (align == Align::kRight) {
    absl::StrAppend(&line, spaces, cell);
  } else {
    absl::StrAppend(&line, cell, spaces);
  }
}

void AppendLine(std::string line, std::string& out) {
  line.erase(line.find_last_not_of(' ') + 1);
  absl::StrAppend(&out, line, "\n");
}

}  // namespace

void Table::AddRow(std::vector<std::string> cells) {
  ABSL_CHECK_EQ(cells.size(), columns_.size());
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::ToString(size_t indent) const {
  std::vector<size_t> widths;
  bool has_header = false;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = DisplayWidth(columns_[c].header);
    has_header |= width > 0;
    for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[c]));
    widths.push_back(width);
  }
  std::string out;
  const auto append_row = [&](const auto& cell_of) {
    std::string line(indent, ' ');
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) line.append(kGap, ' ');
      AppendCell(cell_of(c), widths[c], columns_[c].align, line);
    }
    AppendLine(std::move(line), out);
  };
  const auto append_rule = [&] {
    append_row([&](size_t c) { return std::string(widths[c], '-'); });
  };
  if (has_header) {
    append_row([&](size_t c) { return columns_[c].header; });
    append_rule();
  }
  for (size_t r = 0; r <= rows_.size(); ++r) {
    if (std::find(rules_.begin(), rules_.end(), r) != rules_.end()) append_rule();
    if (r < rows_.size()) append_row([&](size_t c) { return rows_[r][c]; });
  }
  return out;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Utf8Char character = DecodeUtf8(text);
    width += CharacterWidth(character.code);
    text.remove_prefix(character.length);
  }
  return width;
}

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto plain =
        std::find_if_not(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
    out.append(text.begin(), plain);
    text.remove_prefix(static_cast<size_t>(plain - text.begin()));
    if (text.empty()) break;
    const Utf8Char character = DecodeUtf8(text);
    const char32_t code = character.code;
    if (code == '\n') {
      out += "\\n";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code < 0x20 || (code >= 0x7F && code < 0xA0)) {
      absl::StrAppend(&out, "\\x", absl::Hex(static_cast<uint32_t>(code), absl::kZeroPad2));
    } else {
      AppendUtf8(code, out);
    }
    text.remove_prefix(character.length);
  }
  return out;
}

std::string Shorten(std::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  const std::string_view dots = width >= 4 ? "..." : "";
  size_t room = width - dots.size();
  size_t end = 0;
  while (end < text.size()) {
    const Utf8Char character = DecodeUtf8(text.substr(end));
    const size_t needed = CharacterWidth(character.code);
    if (needed > room) break;
    room -= needed;
    end += character.length;
  }
  return absl::StrCat(text.substr(0, end), dots);
}

std::string WithThousands(int64_t number) {
  std::string digits = absl::StrCat(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, 1, ',');
  }
  return digits;
}

}  // namespace graft::tools
