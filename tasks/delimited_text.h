// Records of TSV and CSV text.
#ifndef GRAFT_TASKS_DELIMITED_TEXT_H_
#define GRAFT_TASKS_DELIMITED_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text_input.h"

namespace graft {

// Longest record: a quoted field may run over many lines, each of which is short.
inline constexpr uint64_t kMaxRecordBytes = uint64_t{16} << 20;

// TSV: fields between tabs, taken as they are. CSV: RFC 4180, with three rules where it leaves
// room: a line end inside quotes becomes "\n"; a quote inside an unquoted field is refused; so is
// text behind a closing quote. Empty lines between records are skipped. One thread.
class DelimitedReader {
 public:
  enum class Syntax { kTsv, kCsv };

  // Reads on from `input`, which must outlive the reader. `first_line` was taken from it last.
  DelimitedReader(TextInput& input, Syntax syntax, std::string first_line);

  // The next record's fields; false at the end. DataLoss for a quote that is never closed, naming
  // the line where it began; InvalidArgument for a misplaced quote; ResourceExhausted for a record
  // above kMaxRecordBytes; and TextInput's errors.
  absl::StatusOr<bool> Next(std::vector<std::string>& fields);
  // Line at which the record that Next() gave last begins.
  int64_t line() const { return record_line_; }

 private:
  absl::StatusOr<bool> NextLine();
  absl::Status ParseCsv(std::vector<std::string>& fields);
  // Reads a quoted field that opens at `position`, further lines included, and leaves `position`
  // behind its closing quote.
  absl::Status ParseQuoted(size_t& position, std::string& field);
  absl::Status Error(std::string_view message) const;

  TextInput& input_;
  const Syntax syntax_;
  std::string line_;
  bool line_waits_ = true;
  int64_t record_line_ = 0;
  uint64_t record_bytes_ = 0;
};

}  // namespace graft

#endif  // GRAFT_TASKS_DELIMITED_TEXT_H_
