#include "tasks/data_set.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/json.h"
#include "tasks/data_columns.h"
#include "tasks/delimited_text.h"

namespace graft {
namespace {

// "train.tsv:17"
std::string Place(const TextInput& input, int64_t line) {
  return absl::StrCat(input.name(), ":", line);
}

template <typename... Parts>
absl::Status ErrorAt(const TextInput& input, int64_t line, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(Place(input, line), ": ", parts...));
}

std::optional<DataFormat> FormatByName(std::string_view path) {
  path = absl::StripSuffix(path, ".gz");
  if (absl::EndsWith(path, ".tsv")) return DataFormat::kTsv;
  if (absl::EndsWith(path, ".csv")) return DataFormat::kCsv;
  if (absl::EndsWith(path, ".jsonl") || absl::EndsWith(path, ".json")) {
    return DataFormat::kJsonLines;
  }
  return std::nullopt;
}

std::optional<DataFormat> FormatByContent(std::string_view first_line) {
  if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(first_line), "{")) {
    return DataFormat::kJsonLines;
  }
  if (absl::StrContains(first_line, '\t')) return DataFormat::kTsv;
  if (absl::StrContains(first_line, ',')) return DataFormat::kCsv;
  return std::nullopt;
}

// Collects rows and gives labels their indices.
class DataSetBuilder {
 public:
  // Without `labels` every label of the file is taken.
  DataSetBuilder(const TextInput& input, std::optional<absl::Span<const std::string>> labels)
      : input_(input), fixed_(labels.has_value()) {
    if (!labels) return;
    for (const std::string& label : *labels) {
      ids_.emplace(label, static_cast<int32_t>(data_.labels.size()));
      data_.labels.push_back(label);
    }
  }

  absl::Status AddRow(std::string text, std::string_view label, int64_t line) {
    if (absl::StripAsciiWhitespace(text).empty()) {
      return ErrorAt(input_, line, "expected a text, found none");
    }
    if (label.empty()) return ErrorAt(input_, line, "expected a label, found none");
    auto found = ids_.find(label);
    if (found == ids_.end()) {
      if (fixed_) {
        return ErrorAt(input_, line, "expected one of the labels ", QuoteForMessage(data_.labels),
                       ", found ", QuoteForMessage(label));
      }
      if (static_cast<int64_t>(data_.labels.size()) == kMaxLabels) {
        return ErrorAt(input_, line, "expected at most ", kMaxLabels,
                       " different labels, found one more: ", QuoteForMessage(label));
      }
      found = ids_.emplace(label, static_cast<int32_t>(data_.labels.size())).first;
      data_.labels.emplace_back(label);
    }
    data_.rows.push_back({std::move(text), found->second, line});
    return absl::OkStatus();
  }

  absl::StatusOr<DataSet> Finish(std::string path) && {
    if (data_.rows.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(input_.name(), ": expected rows with text and label, found none"));
    }
    data_.path = std::move(path);
    data_.replaced_utf8 = input_.replaced();
    if (!fixed_) SortLabels();
    return std::move(data_);
  }

 private:
  void SortLabels() {
    std::vector<std::string> sorted = data_.labels;
    std::sort(sorted.begin(), sorted.end());
    std::vector<int32_t> place(sorted.size());
    for (size_t i = 0; i < sorted.size(); ++i) place[ids_.at(sorted[i])] = static_cast<int32_t>(i);
    for (LabelledText& row : data_.rows) row.label = place[row.label];
    data_.labels = std::move(sorted);
  }

  const TextInput& input_;
  const bool fixed_;
  DataSet data_;
  absl::flat_hash_map<std::string, int32_t> ids_;
};

// The label of a JSON row as text: a string itself, an integer or a truth value as JSON writes it.
absl::StatusOr<std::string> JsonLabel(const JsonValue& value) {
  if (value.is_string()) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view text, value.AsString());
    return std::string(text);
  }
  if (value.is_bool()) {
    ABSL_ASSIGN_OR_RETURN(const bool truth, value.AsBool());
    return truth ? "true" : "false";
  }
  const auto number =
      value.AsInt(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  if (number.ok()) return absl::StrCat(*number);
  return value.Error(
      absl::StrCat("expected a string, an integer, true or false, found ", value.Describe()));
}

absl::Status AddJsonRow(const TextInput& input, std::string_view line,
                        const DataSetOptions& options, DataSetBuilder& builder) {
  const std::string where = absl::StrCat(input.name(), ":", input.line_number());
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(line, where));
  const JsonValue row = document.root();
  ABSL_ASSIGN_OR_RETURN(const std::string_view text,
                        row.GetString(options.text_column.empty() ? "text" : options.text_column));
  ABSL_ASSIGN_OR_RETURN(const JsonValue label_value,
                        row.Get(options.label_column.empty() ? "label" : options.label_column));
  ABSL_ASSIGN_OR_RETURN(const std::string label, JsonLabel(label_value));
  // TextInput refuses NUL bytes; JSON can still spell them.
  if (absl::StrContains(text, '\0') || absl::StrContains(label, '\0')) {
    return absl::DataLossError(
        absl::StrCat(where, ": expected text and label without NUL, found \\u0000"));
  }
  return builder.AddRow(std::string(text), label, input.line_number());
}

absl::Status ReadJsonRows(TextInput& input, std::string line, const DataSetOptions& options,
                          DataSetBuilder& builder) {
  for (bool more = true; more;) {
    if (!absl::StripAsciiWhitespace(line).empty()) {
      ABSL_RETURN_IF_ERROR(AddJsonRow(input, line, options, builder));
    }
    ABSL_ASSIGN_OR_RETURN(more, input.Next(line));
  }
  return absl::OkStatus();
}

absl::Status ReadDelimitedRows(TextInput& input, DelimitedReader::Syntax syntax, std::string line,
                               const DataSetOptions& options, DataSetBuilder& builder) {
  DelimitedReader reader(input, syntax, std::move(line));
  std::vector<std::string> fields;
  std::optional<DataColumns> columns;
  for (;;) {
    ABSL_ASSIGN_OR_RETURN(const bool more, reader.Next(fields));
    if (!more) return absl::OkStatus();
    if (!columns) {
      ABSL_ASSIGN_OR_RETURN(columns, FindDataColumns(Place(input, reader.line()), fields, options));
      if (columns->has_header) continue;
    }
    if (fields.size() != columns->count) {
      return ErrorAt(input, reader.line(), "expected ", columns->count,
                     " fields as in the first line, found ", fields.size());
    }
    ABSL_RETURN_IF_ERROR(
        builder.AddRow(std::move(fields[columns->text]), fields[columns->label], reader.line()));
  }
}

// The first line that is not empty; false when there is none.
absl::StatusOr<bool> FirstLine(TextInput& input, std::string& line) {
  do {
    ABSL_ASSIGN_OR_RETURN(const bool more, input.Next(line));
    if (!more) return false;
  } while (line.empty());
  return true;
}

absl::StatusOr<DataSet> Read(const std::string& path, const DataSetOptions& options,
                             std::optional<absl::Span<const std::string>> labels) {
  ABSL_ASSIGN_OR_RETURN(TextInput input,
                        TextInput::Open(path, {.invalid_utf8 = options.invalid_utf8,
                                               .max_line_bytes = kMaxRecordBytes}));
  std::string line;
  ABSL_ASSIGN_OR_RETURN(const bool any, FirstLine(input, line));
  if (!any) {
    return absl::InvalidArgumentError(
        absl::StrCat(input.name(), ": expected rows with text and label, found an empty file"));
  }
  std::optional<DataFormat> format = options.format;
  if (format == DataFormat::kAuto) format = FormatByName(path);
  if (!format) format = FormatByContent(line);
  if (!format) {
    return ErrorAt(input, input.line_number(),
                   "expected TSV, CSV or JSON lines, found neither tab, comma nor '{' in ",
                   QuoteForMessage(line));
  }
  DataSetBuilder builder(input, labels);
  if (*format == DataFormat::kJsonLines) {
    ABSL_RETURN_IF_ERROR(ReadJsonRows(input, std::move(line), options, builder));
  } else {
    const auto syntax =
        *format == DataFormat::kTsv ? DelimitedReader::Syntax::kTsv : DelimitedReader::Syntax::kCsv;
    ABSL_RETURN_IF_ERROR(ReadDelimitedRows(input, syntax, std::move(line), options, builder));
  }
  return std::move(builder).Finish(path);
}

}  // namespace

absl::StatusOr<DataSet> ReadTrainingSet(const std::string& path, const DataSetOptions& options) {
  ABSL_ASSIGN_OR_RETURN(DataSet data, Read(path, options, std::nullopt));
  if (data.labels.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected at least two labels, found ",
                                                   QuoteForMessage(data.labels[0]), " on all ",
                                                   data.rows.size(), " rows"));
  }
  return data;
}

absl::StatusOr<DataSet> ReadDataSet(const std::string& path, const DataSetOptions& options,
                                    absl::Span<const std::string> labels) {
  return Read(path, options, labels);
}

}  // namespace graft
