#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "embeddings/float_text.h"
#include "embeddings/row_reader.h"

namespace graft {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr int kLinesLookedAt = 64;

// What stands between blanks.
std::vector<std::string_view> Fields(std::string_view line) {
  std::vector<std::string_view> fields;
  size_t at = 0;
  while ((at = line.find_first_not_of(" \t\r", at)) != std::string_view::npos) {
    const size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
    fields.push_back(line.substr(at, end - at));
    at = end;
  }
  return fields;
}

bool IsNumber(std::string_view field) {
  const std::string padded = absl::StrCat(field, std::string(kFloatTextPadding, ' '));
  const char* p = padded.data();
  float value;
  return ParseFloat(p, value) != FloatText::kNotANumber && p == padded.data() + field.size();
}

// Numbers at the end of a line that has a word before them.
int64_t TrailingNumbers(const std::vector<std::string_view>& fields) {
  int64_t count = 0;
  while (count + 1 < static_cast<int64_t>(fields.size()) &&
         IsNumber(fields[fields.size() - 1 - static_cast<size_t>(count)])) {
    ++count;
  }
  return count;
}

template <typename Int>
bool ParseField(std::string_view field, Int& value) {
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() && end == field.data() + field.size();
}

// "buckets width min max hashes seed begin end" of floret's table.
bool ParseFloretLine(std::string_view line, TextLayout& layout) {
  const std::vector<std::string_view> fields = Fields(line);
  SubWordRules& rules = layout.floret;
  if (fields.size() != 8 || !ParseField(fields[0], rules.buckets) ||
      !ParseField(fields[1], layout.width) || !ParseField(fields[2], rules.min_length) ||
      !ParseField(fields[3], rules.max_length) || !ParseField(fields[4], rules.hash_count) ||
      !ParseField(fields[5], rules.hash_seed) || (IsNumber(fields[6]) && IsNumber(fields[7]))) {
    return false;
  }
  rules.kind = SubWordRules::Kind::kFloret;
  rules.begin_mark = std::string(fields[6]);
  rules.end_mark = std::string(fields[7]);
  layout.declared_rows = rules.buckets;
  return true;
}

absl::Status CheckFloret(const std::string& name, const TextLayout& layout) {
  const SubWordRules& rules = layout.floret;
  const bool lengths = rules.min_length >= 0 && rules.max_length <= 1000 &&
                       (rules.max_length == 0 || rules.min_length <= rules.max_length);
  if (lengths && rules.hash_count >= 1 && rules.hash_count <= 4) return absl::OkStatus();
  return absl::DataLossError(PlacedMessage(
      name, 1, 0,
      absl::StrCat("expected n-grams of 0 <= minn <= maxn <= 1000 characters with 1 to 4 hashes, "
                   "found ",
                   rules.min_length, ", ", rules.max_length, " and ", rules.hash_count)));
}

// Lines at the front of the file; the last one only when it is whole.
std::vector<std::string_view> FirstLines(std::string_view text, bool is_all) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < kLinesLookedAt) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      if (is_all || lines.empty()) lines.push_back(text);
      break;
    }
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

// GloVe: the width that most of the first lines have. Rows of numbers alone are no words.
absl::StatusOr<int64_t> CommonWidth(const std::string& name, std::string_view text, bool is_all,
                                    bool is_wanted) {
  std::map<int64_t, int> votes;
  bool words = false;
  int64_t first = -1;
  for (const std::string_view line : FirstLines(text, is_all)) {
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.empty()) continue;
    const int64_t count = TrailingNumbers(fields);
    if (first < 0) first = count;
    ++votes[count];
    words |= !IsNumber(fields[0]);
  }
  int64_t width = std::max<int64_t>(first, 0);
  for (const auto& [count, lines] : votes) {
    if (lines > votes[width]) width = count;
  }
  if (width < 1 || width > kMaxVectorWidth || (!words && !is_wanted)) {
    return absl::DataLossError(
        PlacedMessage(name, 1, 0,
                      absl::StrCat("expected a word and 1 to ", kMaxVectorWidth, " numbers, found ",
                                   width == 0 ? "a line that ends with no number"
                                   : words    ? absl::StrCat(width, " numbers")
                                              : std::string("numbers alone"))));
  }
  return width;
}

// Whether the line behind "V D" is a row of text, rather than a word and the bytes of numbers.
bool LooksLikeText(std::string_view front, bool is_all, int64_t width) {
  const std::vector<std::string_view> lines = FirstLines(front, is_all);
  if (lines.empty()) return true;
  const std::vector<std::string_view> fields = Fields(lines[0]);
  if (static_cast<int64_t>(fields.size()) > width && TrailingNumbers(fields) >= width) return true;
  // No row of text: a faulty one, or none. Bytes of floats have control characters among them.
  const std::string_view some = front.substr(0, 4096);
  return std::none_of(some.begin(), some.end(), [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte < 0x20 && c != '\n' && c != '\t' && c != '\r';
  });
}

}  // namespace

absl::StatusOr<std::optional<TextLayout>> FindTextLayout(const std::string& name,
                                                         std::string_view front, bool is_all,
                                                         std::optional<VectorFormat> wanted) {
  if (front.empty()) {
    return absl::DataLossError(
        PlacedMessage(name, 0, 0, "expected word vectors, found an empty file"));
  }
  TextLayout layout;
  if (front.starts_with(kByteOrderMark)) {
    layout.has_mark = true;
    layout.header_bytes = kByteOrderMark.size();
    front.remove_prefix(kByteOrderMark.size());
  }
  const size_t line_end = std::min(front.find('\n'), front.size());
  const std::string_view first = front.substr(0, line_end);
  const std::string_view rest = front.substr(std::min(line_end + 1, front.size()));
  const auto is = [&](VectorFormat format) { return !wanted || wanted == format; };
  if (is(VectorFormat::kFloret) && ParseFloretLine(first, layout)) {
    ABSL_RETURN_IF_ERROR(CheckFloret(name, layout));
    layout.format = VectorFormat::kFloret;
  } else if (const auto counts = ParseCountLine(first);
             counts && wanted != VectorFormat::kGlove && wanted != VectorFormat::kFloret) {
    if (!wanted && !LooksLikeText(rest, is_all, counts->width)) return std::nullopt;
    layout.format = VectorFormat::kWord2VecText;
    layout.declared_rows = counts->rows;
    layout.width = counts->width;
  } else if (is(VectorFormat::kGlove)) {
    layout.format = VectorFormat::kGlove;
    ABSL_ASSIGN_OR_RETURN(layout.width,
                          CommonWidth(name, front, is_all, wanted == VectorFormat::kGlove));
    return layout;
  } else {
    return absl::DataLossError(
        PlacedMessage(name, 1, 0,
                      absl::StrCat("expected ",
                                   wanted == VectorFormat::kFloret
                                       ? "'buckets width minn maxn hashes seed begin end'"
                                       : "the numbers of rows and of components",
                                   ", found ", Quoted(first))));
  }
  layout.header_bytes += std::min(line_end + 1, front.size());
  return layout;
}

}  // namespace graft
