#include "embeddings/row_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/checked_size.h"
#include "base/utf8.h"

namespace graft {
namespace {

struct Look {
  bool ascii, has_nul;
};

// Eight bytes at a time; the last ones a second time where there are eight.
Look LookAt(std::string_view word) {
  constexpr uint64_t kOnes = 0x0101010101010101u, kTops = 0x8080808080808080u;
  uint64_t tops = 0, zeros = 0;
  const auto look = [&](uint64_t bytes) {
    tops |= bytes;
    zeros |= (bytes - kOnes) & ~bytes;
  };
  const auto load = [&](size_t at) {
    uint64_t bytes;
    std::memcpy(&bytes, word.data() + at, sizeof(bytes));
    return bytes;
  };
  if (word.size() < sizeof(uint64_t)) {
    uint64_t bytes = kOnes;
    for (const char c : word) bytes = bytes << 8 | static_cast<uint8_t>(c);
    look(bytes);
  } else {
    for (size_t at = 0; at + 8 < word.size(); at += 8) look(load(at));
    look(load(word.size() - 8));
  }
  return {(tops & kTops) == 0, (zeros & kTops) != 0};
}

}  // namespace

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
  const auto [ascii, has_nul] = LookAt(word);
  if (has_nul) return absl::StrCat("expected a word without NUL, found ", Quoted(word));
  if (!ascii && FindInvalidUtf8(word)) batch.broken_utf8.push_back(batch.keys.size());
  batch.keys.push_back({.hash = HashWord(word), .size = static_cast<uint32_t>(word.size())});
  batch.places.push_back({.line = line, .offset = offset});
  batch.words += word;
  batch.words += '\n';
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
