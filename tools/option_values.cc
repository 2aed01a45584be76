#include "tools/option_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tools/table.h"

namespace graft::tools {
namespace {

template <typename Number>
bool ReadWhole(std::string_view text, Number& value) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stopped, error] = std::from_chars(begin, end, value);
  return error == std::errc() && stopped == end;
}

// Letters to insert, remove, change or swap with their neighbour (optimal string alignment).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::vector<std::string_view> Words(std::string_view text) {
  return absl::StrSplit(text, absl::ByAnyChar("- "), absl::SkipEmpty());
}

std::string Initials(std::string_view text) {
  std::string initials;
  for (const std::string_view word : Words(text)) initials += word[0];
  return initials;
}

// 0 is nearest; nullopt is not near.
std::optional<size_t> Distance(std::string_view text, std::string_view candidate) {
  if (text == candidate) return 0;
  if (text.size() > 1 && text == Initials(candidate)) return 1;
  const size_t edits = EditDistance(text, candidate);
  if (edits == 1 && text.size() > 2) return 1;
  if (text.size() > 1 && absl::StartsWith(candidate, text)) return 2;
  const std::vector<std::string_view> words = Words(candidate);
  if (text.size() > 1 && std::find(words.begin(), words.end(), text) != words.end()) return 2;
  if (edits * 3 <= std::max(text.size(), candidate.size())) return 1 + edits;
  return std::nullopt;
}

}  // namespace

absl::StatusOr<int64_t> ParseInteger(std::string_view text, int64_t min, int64_t max) {
  int64_t value = 0;
  if (ReadWhole(text, value) && value >= min && value <= max) return value;
  return absl::InvalidArgumentError(
      absl::StrCat("expected an integer from ", min, " to ", max, ", found '", text, "'"));
}

absl::StatusOr<double> ParseNumber(std::string_view text, const NumberRange& range) {
  double value = 0;
  if (ReadWhole(text, value) && std::isfinite(value) && value >= range.min && value <= range.max &&
      !(range.min_excluded && value == range.min) && !(range.max_excluded && value == range.max)) {
    return value;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "expected a number ", range.min_excluded ? "above " : "from ", NumberText(range.min),
      range.max_excluded ? " to below " : " to ", NumberText(range.max), ", found '", text, "'"));
}

std::string NumberText(double number) { return absl::StrFormat("%.15g", number); }

std::optional<std::string> Nearest(std::string_view text,
                                   absl::Span<const std::string> candidates) {
  std::optional<std::string> nearest;
  size_t least = 0;
  for (const std::string& candidate : candidates) {
    const std::optional<size_t> distance = Distance(text, candidate);
    if (!distance || (nearest && *distance >= least)) continue;
    nearest = candidate;
    least = *distance;
  }
  return nearest;
}

std::string OneLine(std::string_view message) { return Printable(message); }

}  // namespace graft::tools
