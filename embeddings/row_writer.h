// Writers of word vectors, row by row. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_ROW_WRITER_H_
#define GRAFT_EMBEDDINGS_ROW_WRITER_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "embeddings/vector_folder.h"
#include "embeddings/write.h"

namespace graft {

// One thread.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  virtual absl::Status Append(std::string_view word, absl::Span<const float> row) = 0;
  // All rows of `vectors` in order, made ready on so many threads.
  virtual absl::Status AppendAll(const WordVectors& vectors, int64_t threads);
  virtual absl::Status Finish() = 0;
};

// `plan` holds rows, width and sub-words, and for graft's folder norms and scales; the rest comes
// from the options.
absl::StatusOr<std::unique_ptr<RowWriter>> CreateRowWriter(const std::string& path,
                                                           const WriteOptions& options,
                                                           const Words& words,
                                                           VectorFolderPlan plan);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_ROW_WRITER_H_
