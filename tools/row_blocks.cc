#include "tools/row_blocks.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace graft::tools {
namespace {

std::string Place(std::string_view input, const TextRow& row) {
  if (input == kCommandLine) return absl::StrCat("text ", row.line, " of the command line");
  return absl::StrCat(input, ":", row.line);
}

}  // namespace

absl::StatusOr<std::vector<TextRow>> RowBlocks::Next() {
  std::vector<TextRow> rows;
  while (!ended_ && rows.size() < most_ && (rows.empty() || input_.Ready())) {
    TextRow row;
    const absl::StatusOr<bool> more = input_.Next(row);
    if (!more.ok()) status_ = more.status();
    ended_ = !more.ok() || !*more;
    if (!ended_) rows.push_back(std::move(row));
  }
  if (stop_ != nullptr && stop_->requested()) return std::vector<TextRow>();
  if (rows.empty() && !status_.ok()) return status_;
  return rows;
}

absl::Status ForRows(absl::Span<const TextRow> rows, std::string_view input,
                     const std::function<absl::Status(absl::Span<const TextRow>)>& work) {
  const absl::Status status = work(rows);
  if (!absl::IsInvalidArgument(status)) return status;
  for (const TextRow& row : rows) {
    const absl::Status alone = work(absl::MakeConstSpan(&row, 1));
    if (alone.ok()) continue;
    return absl::Status(alone.code(), absl::StrCat(Place(input, row), ": ", alone.message()));
  }
  return status;
}

}  // namespace graft::tools
