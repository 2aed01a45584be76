#include "embeddings/row_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/checked_size.h"
#include "base/utf8.h"

namespace graft {

std::string ComponentError(int64_t i, std::string_view found) {
  return absl::StrCat("component ", i + 1, ": expected a finite number, found ", found);
}

std::string PlacedMessage(const std::string& name, int64_t line, uint64_t offset,
                          std::string_view text) {
  if (line == 0) return absl::StrCat(name, ": byte ", offset, ": ", text);
  return absl::StrCat(name, ":", line, ": byte ", offset, ": ", text);
}

std::string AddWord(std::string_view word, uint32_t line, uint64_t offset, size_t max_bytes,
                    RowBatch& batch) {
  if (word.empty()) return "expected a word, found none";
  if (word.size() > max_bytes) {
    return absl::StrCat("expected a word of at most ", max_bytes, " bytes, found one of ",
                        word.size());
  }
  bool ascii = true, has_nul = false;
  for (const char c : word) {
    ascii &= static_cast<uint8_t>(c) < 0x80;
    has_nul |= c == '\0';
  }
  if (has_nul) return absl::StrCat("expected a word without NUL, found ", Quoted(word));
  const bool broken = !ascii && FindInvalidUtf8(word).has_value();
  batch.rows.push_back({.hash = HashWord(word),
                        .size = static_cast<uint32_t>(word.size()),
                        .line = line,
                        .offset = offset,
                        .broken_utf8 = broken});
  batch.words += word;
  return {};
}

std::optional<CountLine> ParseCountLine(std::string_view line) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  int64_t numbers[2] = {};
  for (int64_t& number : numbers) {
    while (!line.empty() && blank(line.front())) line.remove_prefix(1);
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error == std::errc::result_out_of_range) {
      number = line.front() == '-' ? INT64_MIN : INT64_MAX;
    } else if (error != std::errc()) {
      return std::nullopt;
    }
    line.remove_prefix(static_cast<size_t>(end - line.data()));
    if (!line.empty() && !blank(line.front())) return std::nullopt;
  }
  while (!line.empty() && blank(line.front())) line.remove_prefix(1);
  if (!line.empty()) return std::nullopt;
  return CountLine{numbers[0], numbers[1]};
}

absl::Status CheckCountLine(const std::string& name, const CountLine& line, uint64_t row_bytes,
                            uint64_t file_bytes, bool allow_count_mismatch) {
  const auto error = [&](const auto&... parts) {
    return absl::DataLossError(PlacedMessage(name, 1, 0, absl::StrCat("expected ", parts...)));
  };
  if (line.rows < 1 || line.rows > kMaxWords) {
    return error("a number of rows from 1 to ", kMaxWords, ", found ", line.rows);
  }
  if (line.width < 1 || line.width > kMaxVectorWidth) {
    return error("a number of components from 1 to ", kMaxVectorWidth, ", found ", line.width);
  }
  const auto wanted = (CheckedSize(static_cast<uint64_t>(line.rows)) * row_bytes).value();
  // The last line may have no end.
  if (!allow_count_mismatch && (!wanted || *wanted > file_bytes + 1)) {
    return error("a number of rows that fits a file of ", file_bytes, " bytes, found ", line.rows,
                 " rows of ", line.width, " components, at least ", row_bytes, " bytes each");
  }
  return absl::OkStatus();
}

}  // namespace graft
