// Labelled texts read from files that come from outside: TSV, CSV and JSON lines, plain or gzip.
#ifndef GRAFT_TASKS_DATA_SET_H_
#define GRAFT_TASKS_DATA_SET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/text_input.h"

namespace graft {

enum class DataFormat {
  // By the ending of the file name (.tsv; .csv; .jsonl or .json; each with or without .gz). With
  // another ending by the first line: `{` at its front means JSON lines, a tab in it TSV, a comma
  // CSV, none of them is an error.
  kAuto,
  // Fields between tabs, taken as they are: quotes and backslashes mean nothing.
  kTsv,
  // RFC 4180: fields between commas; a field in double quotes may hold commas, line ends and, as
  // "", double quotes. A quote within an unquoted field and text after a closing quote are refused.
  kCsv,
  // One JSON object a line.
  kJsonLines,
};

struct DataSetOptions {
  // TSV and CSV: the name of a column, which needs a header line, or its number, counted from 1.
  // JSON lines: a key. Empty: the column `text` or `label` when the first line is a header, else
  // the first column for the text and the second for the label. The first line is a header when an
  // option names a column or when the line holds both `text` and `label` as whole fields.
  std::string text_column = "";
  std::string label_column = "";
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kRefuse;
  DataFormat format = DataFormat::kAuto;
};

// Most different labels: more come from a wrong label column (an id, a number), and metrics hold a
// matrix of all pairs.
inline constexpr int64_t kMaxLabels = 10'000;

struct LabelledText {
  // Never blank.
  std::string text;
  // Index into DataSet::labels.
  int32_t label = 0;
  // Line of the file at which the row begins, counted from 1.
  int64_t line = 0;
};

struct DataSet {
  std::string path;
  std::vector<LabelledText> rows;  // in file order
  std::vector<std::string> labels;
  // Ill-formed parts of UTF-8 that became U+FFFD (InvalidUtf8::kReplace).
  int64_t replaced_utf8 = 0;
};

// Reads the file that a head is trained on. The labels are those of the file, sorted bytewise; at
// least two different ones are needed.
//
// Rows: every row of TSV and CSV has as many fields as the first line. Empty lines are skipped. A
// label is any non-empty string; in JSON lines also an integer, true or false, taken as its JSON
// text. A byte-order mark at the front of the file is skipped, "\r\n" ends a line as "\n" does.
//
// Errors name file and line, what was expected and what was found. NotFound: no such file.
// DataLoss: damaged gzip, malformed UTF-8 (unless replaced), UTF-16, NUL, an open quote, bad JSON.
// ResourceExhausted: a record above 16 MiB. InvalidArgument: empty file, header without rows,
// missing or repeated column, a row of another number of fields, without text or without label,
// one label only. Thread-safe.
absl::StatusOr<DataSet> ReadTrainingSet(const std::string& path,
                                        const DataSetOptions& options = {});

// The same for a file that a trained head is measured on: the labels are `labels`, the head's, and
// a row with another one is InvalidArgument. One label only is no error here. Thread-safe.
absl::StatusOr<DataSet> ReadDataSet(const std::string& path, const DataSetOptions& options,
                                    absl::Span<const std::string> labels);

}  // namespace graft

#endif  // GRAFT_TASKS_DATA_SET_H_
