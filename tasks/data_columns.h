// Which columns of TSV and CSV hold text and label, and how messages on data files are worded.
#ifndef GRAFT_TASKS_DATA_COLUMNS_H_
#define GRAFT_TASKS_DATA_COLUMNS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/data_set.h"

namespace graft {

struct DataColumns {
  bool has_header = false;
  size_t text = 0;
  size_t label = 1;
  // Fields of every record.
  size_t count = 0;
};

// Applies the rules of DataSetOptions to the fields of a file's first record. Errors are
// InvalidArgument and begin with `where`, "train.tsv:1".
absl::StatusOr<DataColumns> FindDataColumns(std::string_view where,
                                            absl::Span<const std::string> first,
                                            const DataSetOptions& options);

// Which columns hold what of texts without labels.
struct TextColumns {
  bool has_header = false;
  size_t text = 0;
  std::optional<size_t> id;
  // Fields of every record.
  size_t count = 0;
};

// `text_column` and `id_column` are names, which need a header line, or numbers, counted from 1.
// Without the first the text is the column `text` of a header, else the first one. The first line
// is a header when one of the two is a name or when it holds `text` as a whole field.
absl::StatusOr<TextColumns> FindTextColumns(std::string_view where,
                                            absl::Span<const std::string> first,
                                            std::string_view text_column,
                                            std::string_view id_column);

// "'text'"; long ones are cut short between characters.
std::string QuoteForMessage(std::string_view text);
// "'a', 'b', 'c'"; long lists are cut short.
std::string QuoteForMessage(absl::Span<const std::string> texts);

}  // namespace graft

#endif  // GRAFT_TASKS_DATA_COLUMNS_H_
