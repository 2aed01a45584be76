#include "tasks/data_columns.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status_macros.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace graft {
namespace {

constexpr size_t kMaxNamesShown = 10;
constexpr size_t kMaxBytesShown = 60;

template <typename... Parts>
absl::Status Error(std::string_view where, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", parts...));
}

bool IsNumber(std::string_view column) {
  return !column.empty() && absl::c_all_of(column, absl::ascii_isdigit);
}

bool IsName(std::string_view column) { return !column.empty() && !IsNumber(column); }

absl::Status CheckUniqueNames(std::string_view where, absl::Span<const std::string> names) {
  absl::flat_hash_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!name.empty() && !seen.insert(name).second) {
      return Error(where, "expected columns of different names, found ", QuoteForMessage(name),
                   " twice");
    }
  }
  return absl::OkStatus();
}

std::string WithArticle(std::string_view name) {
  return absl::StrCat(name.starts_with('i') ? "an " : "a ", name);
}

// The index of one column. `option` is what the caller asked for, `name` what a header calls it by
// default, `position` where it stands without a header.
absl::StatusOr<size_t> FindColumn(std::string_view where, absl::Span<const std::string> first,
                                  bool has_header, std::string_view option, std::string_view name,
                                  size_t position) {
  if (IsNumber(option)) {
    size_t number = 0;
    if (!absl::SimpleAtoi(option, &number) || number < 1 || number > first.size()) {
      return Error(where, "expected ", WithArticle(name), " column from 1 to ", first.size(),
                   ", the number of columns here, found ", option);
    }
    return number - 1;
  }
  if (!has_header) {
    if (position < first.size()) return position;
    return Error(where, "expected a text and a label column, found ", first.size(), " column");
  }
  const std::string_view wanted = option.empty() ? name : option;
  const auto found = absl::c_find(first, wanted);
  if (found == first.end()) {
    return Error(where, "expected ", WithArticle(name), " column named ", QuoteForMessage(wanted),
                 ", found the columns ", QuoteForMessage(first));
  }
  return static_cast<size_t>(found - first.begin());
}

}  // namespace

absl::StatusOr<DataColumns> FindDataColumns(std::string_view where,
                                            absl::Span<const std::string> first,
                                            const DataSetOptions& options) {
  const bool has_text = absl::c_linear_search(first, "text");
  const bool has_label = absl::c_linear_search(first, "label");
  const bool by_default = options.text_column.empty() && options.label_column.empty();
  if (by_default && has_text != has_label) {
    // "sentence<TAB>label" would otherwise be read as a row whose label is `label`.
    return Error(where, "expected a header with both 'text' and 'label' or no header, found ",
                 QuoteForMessage(first), "; say which columns hold text and label");
  }
  DataColumns columns;
  columns.count = first.size();
  columns.has_header =
      IsName(options.text_column) || IsName(options.label_column) || (has_text && has_label);
  if (columns.has_header) {
    ABSL_RETURN_IF_ERROR(CheckUniqueNames(where, first));
  }
  ABSL_ASSIGN_OR_RETURN(
      columns.text, FindColumn(where, first, columns.has_header, options.text_column, "text", 0));
  ABSL_ASSIGN_OR_RETURN(columns.label, FindColumn(where, first, columns.has_header,
                                                  options.label_column, "label", 1));
  if (columns.text == columns.label) {
    return Error(where, "expected two columns for text and label, found column ", columns.text + 1,
                 " for both");
  }
  return columns;
}

absl::StatusOr<TextColumns> FindTextColumns(std::string_view where,
                                            absl::Span<const std::string> first,
                                            std::string_view text_column,
                                            std::string_view id_column) {
  TextColumns columns;
  columns.count = first.size();
  columns.has_header = IsName(text_column) || IsName(id_column) ||
                       (text_column.empty() && absl::c_linear_search(first, "text"));
  if (columns.has_header) ABSL_RETURN_IF_ERROR(CheckUniqueNames(where, first));
  ABSL_ASSIGN_OR_RETURN(columns.text,
                        FindColumn(where, first, columns.has_header, text_column, "text", 0));
  if (id_column.empty()) return columns;
  ABSL_ASSIGN_OR_RETURN(columns.id,
                        FindColumn(where, first, columns.has_header, id_column, "id", 0));
  return columns;
}

std::string QuoteForMessage(std::string_view text) {
  if (text.size() <= kMaxBytesShown) return absl::StrCat("'", text, "'");
  size_t end = kMaxBytesShown;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return absl::StrCat("'", text.substr(0, end), "...'");
}

std::string QuoteForMessage(absl::Span<const std::string> texts) {
  std::vector<std::string> shown;
  for (const std::string& text : texts.first(std::min(texts.size(), kMaxNamesShown))) {
    shown.push_back(QuoteForMessage(text));
  }
  if (texts.size() > kMaxNamesShown) {
    shown.push_back(absl::StrCat("... (", texts.size(), " in all)"));
  }
  return absl::StrJoin(shown, ", ");
}

}  // namespace graft
