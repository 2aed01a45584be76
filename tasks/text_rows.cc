#include "tasks/text_rows.h"

#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/json.h"
#include "tasks/data_columns.h"
#include "tasks/delimited_text.h"

namespace graft {

struct TextRows::State {
  TextInput input;
  TextRowOptions options;
  TextFormat format;
  std::optional<DelimitedReader> reader;
  std::optional<TextColumns> columns;
  std::vector<std::string> fields;
  std::string line;
};

namespace {

TextFormat FormatByName(std::string_view path) {
  path = absl::StripSuffix(path, ".gz");
  if (absl::EndsWith(path, ".tsv")) return TextFormat::kTsv;
  if (absl::EndsWith(path, ".csv")) return TextFormat::kCsv;
  if (absl::EndsWith(path, ".jsonl") || absl::EndsWith(path, ".json")) {
    return TextFormat::kJsonLines;
  }
  return TextFormat::kLines;
}

// A string itself, an integer as its digits.
absl::StatusOr<std::string> JsonId(const JsonValue& value) {
  if (value.is_string()) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view text, value.AsString());
    return std::string(text);
  }
  const auto number =
      value.AsInt(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  if (number.ok()) return absl::StrCat(*number);
  return value.Error(absl::StrCat("expected a string or an integer, found ", value.Describe()));
}

absl::Status ParseJsonRow(std::string_view line, const std::string& where,
                          const TextRowOptions& options, TextRow& row) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(line, where));
  const JsonValue root = document.root();
  ABSL_ASSIGN_OR_RETURN(const std::string_view text,
                        root.GetString(options.text_column.empty() ? "text" : options.text_column));
  row.text = std::string(text);
  if (!options.id_column.empty()) {
    ABSL_ASSIGN_OR_RETURN(const JsonValue id, root.Get(options.id_column));
    ABSL_ASSIGN_OR_RETURN(row.id, JsonId(id));
  }
  // TextInput refuses NUL bytes; JSON can still spell them.
  if (absl::StrContains(row.text, '\0') || absl::StrContains(row.id, '\0')) {
    return absl::DataLossError(absl::StrCat(where, ": expected a text without NUL, found \\u0000"));
  }
  return absl::OkStatus();
}

}  // namespace

TextRows::TextRows(std::unique_ptr<State> state) : state_(std::move(state)) {}
TextRows::TextRows(TextRows&&) noexcept = default;
TextRows& TextRows::operator=(TextRows&&) noexcept = default;
TextRows::~TextRows() = default;

absl::StatusOr<TextRows> TextRows::Open(const std::string& path, const TextRowOptions& options) {
  const TextFormat format =
      options.format == TextFormat::kAuto ? FormatByName(path) : options.format;
  if (format == TextFormat::kLines && !(options.text_column.empty() && options.id_column.empty())) {
    return absl::InvalidArgumentError(
        absl::StrCat(path == "-" ? "standard input" : path,
                     ": expected TSV, CSV or JSON lines for columns, found lines of text (--format "
                     "says otherwise)"));
  }
  ABSL_ASSIGN_OR_RETURN(TextInput input,
                        TextInput::Open(path, {.invalid_utf8 = options.invalid_utf8,
                                               .max_line_bytes = kMaxRecordBytes,
                                               .stop = options.stop}));
  return TextRows(std::unique_ptr<State>(
      new State{std::move(input), options, format, std::nullopt, std::nullopt, {}, ""}));
}

absl::StatusOr<bool> TextRows::Next(TextRow& row) {
  State& s = *state_;
  row.id.clear();
  if (s.format == TextFormat::kTsv || s.format == TextFormat::kCsv) return NextRecord(row);
  do {
    ABSL_ASSIGN_OR_RETURN(const bool more, s.input.Next(s.line));
    if (!more) return false;
  } while (s.format == TextFormat::kJsonLines && absl::StripAsciiWhitespace(s.line).empty());
  if (s.format == TextFormat::kLines) {
    row.text = s.line;
  } else {
    const std::string where = absl::StrCat(s.input.name(), ":", s.input.line_number());
    ABSL_RETURN_IF_ERROR(ParseJsonRow(s.line, where, s.options, row));
  }
  row.line = s.input.line_number();
  if (s.options.id_column.empty()) row.id = absl::StrCat(row.line);
  return true;
}

absl::StatusOr<bool> TextRows::NextRecord(TextRow& row) {
  State& s = *state_;
  if (!s.reader) {
    ABSL_ASSIGN_OR_RETURN(const bool any, s.input.Next(s.line));
    if (!any) return false;
    s.reader.emplace(s.input,
                     s.format == TextFormat::kTsv ? DelimitedReader::Syntax::kTsv
                                                  : DelimitedReader::Syntax::kCsv,
                     s.line);
  }
  while (true) {
    ABSL_ASSIGN_OR_RETURN(const bool more, s.reader->Next(s.fields));
    if (!more) return false;
    const std::string where = absl::StrCat(s.input.name(), ":", s.reader->line());
    if (!s.columns) {
      ABSL_ASSIGN_OR_RETURN(
          s.columns, FindTextColumns(where, s.fields, s.options.text_column, s.options.id_column));
      if (s.columns->has_header) continue;
    }
    if (s.fields.size() != s.columns->count) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": expected ", s.columns->count,
                                                     " fields as in the first line, found ",
                                                     s.fields.size()));
    }
    row.text = s.fields[s.columns->text];
    row.line = s.reader->line();
    row.id = s.columns->id ? s.fields[*s.columns->id] : absl::StrCat(row.line);
    return true;
  }
}

uint64_t TextRows::file_offset() const { return state_->input.file_offset(); }
bool TextRows::Ready() { return state_->input.Ready(); }
const std::string& TextRows::name() const { return state_->input.name(); }

}  // namespace graft
