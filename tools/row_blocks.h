// Rows of a text in blocks, for verbs that answer many at once.
#ifndef GRAFT_TOOLS_ROW_BLOCKS_H_
#define GRAFT_TOOLS_ROW_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/text_rows.h"
#include "tools/stop_signal.h"

namespace graft::tools {

// One thread.
class RowBlocks {
 public:
  // A block ends when it has `most` rows, and when the next row is not there yet: who writes a
  // line and waits for the answer gets it. With `stop` there are no rows behind a signal; for one
  // that comes while rows are waited for `input` has to ask it too (TextRowOptions).
  RowBlocks(TextRows input, size_t most, const StopSignal* stop = nullptr)
      : input_(std::move(input)), most_(most), stop_(stop) {}

  // The next block, with at least one row; empty behind the last row and after a signal. The rows
  // before a mistake come first, the call after that gives the error of TextRows.
  absl::StatusOr<std::vector<TextRow>> Next();

  // As those of TextRows.
  const std::string& name() const { return input_.name(); }
  uint64_t file_offset() const { return input_.file_offset(); }

 private:
  TextRows input_;
  size_t most_;
  const StopSignal* stop_;
  bool ended_ = false;
  absl::Status status_;
};

// "text 2 of the command line", for the texts of arguments, whose rows count from 1.
inline constexpr std::string_view kCommandLine = "";

// Calls `work` with all of the rows and, where one of them is wrong (InvalidArgument), with each by
// itself: those before it are answered, and the message begins with its place. `input` names where
// the rows stand: a file, or kCommandLine.
absl::Status ForRows(absl::Span<const TextRow> rows, std::string_view input,
                     const std::function<absl::Status(absl::Span<const TextRow>)>& work);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_ROW_BLOCKS_H_
