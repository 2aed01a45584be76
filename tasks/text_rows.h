// Texts without labels, one after the other, from files that come from outside.
#ifndef GRAFT_TASKS_TEXT_ROWS_H_
#define GRAFT_TASKS_TEXT_ROWS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/text_input.h"

namespace graft {

enum class TextFormat {
  kAuto,       // by the ending of the name as DataFormat has it; all others are lines
  kLines,      // a text a line
  kTsv,        // as DataFormat
  kCsv,        // as DataFormat
  kJsonLines,  // as DataFormat
};

struct TextRowOptions {
  // As FindTextColumns takes them; keys of JSON lines. Lines have none.
  std::string text_column = "";
  std::string id_column = "";
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kRefuse;
  TextFormat format = TextFormat::kAuto;
  // As TextInputOptions has it.
  std::function<bool()> stop = nullptr;
};

struct TextRow {
  std::string id;  // of the id column, else the number of the line at which the row begins
  std::string text;
  int64_t line = 0;  // at which the row begins
};

// Rows in the order of the file, plain or gzip. Empty texts are texts; empty lines between records
// of TSV, CSV and JSON lines are skipped. Move-only, one thread.
class TextRows {
 public:
  // `path` as TextInput::Open takes it.
  static absl::StatusOr<TextRows> Open(const std::string& path, const TextRowOptions& options);

  TextRows(TextRows&&) noexcept;
  TextRows& operator=(TextRows&&) noexcept;
  ~TextRows();

  // The next row; false at the end. Errors as those of ReadTrainingSet; the rows before stand.
  absl::StatusOr<bool> Next(TextRow& row);
  // Whether Next() would not wait, as TextInput::Ready has it for lines. Behind an empty line
  // between records, and inside a record of several lines, it may still.
  bool Ready();
  const std::string& name() const;
  uint64_t file_offset() const;

 private:
  struct State;
  explicit TextRows(std::unique_ptr<State> state);
  // Of TSV and CSV.
  absl::StatusOr<bool> NextRecord(TextRow& row);

  std::unique_ptr<State> state_;
};

}  // namespace graft

#endif  // GRAFT_TASKS_TEXT_ROWS_H_
