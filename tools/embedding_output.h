// Where `graft embed` leaves its vectors.
#ifndef GRAFT_TOOLS_EMBEDDING_OUTPUT_H_
#define GRAFT_TOOLS_EMBEDDING_OUTPUT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/embedding_index.h"
#include "tasks/text_embedder.h"
#include "tasks/text_rows.h"

namespace graft::tools {

// One thread.
class EmbeddingOutput {
 public:
  virtual ~EmbeddingOutput() = default;
  // The vectors of rows that follow those before.
  virtual absl::Status Add(absl::Span<const TextRow> rows, const Embeddings& embeddings) = 0;
  // Behind the last row; without it nothing is there.
  virtual absl::Status Finish() = 0;
};

// JSON lines on standard output; with `ids` each has its id.
std::unique_ptr<EmbeddingOutput> JsonLinesOutput(bool ids);

// Whether a file of this name can be written: it ends in .npy or .safetensors.
absl::Status CheckVectorFileName(std::string_view path);
// One matrix [n, dimensions], all or nothing (base/durable.h). What cannot be written is an error
// at once; AlreadyExists for a file that is there, unless `overwrite`.
absl::StatusOr<std::unique_ptr<EmbeddingOutput>> VectorFileOutput(const std::string& path,
                                                                  int64_t dimensions,
                                                                  bool overwrite);

// A folder for `graft search`. AlreadyExists for what is there, unless it is an empty folder or,
// with `overwrite`, one for `graft search`.
absl::StatusOr<std::unique_ptr<EmbeddingOutput>> IndexOutput(const std::string& path,
                                                             int64_t dimensions,
                                                             EmbeddingSource source,
                                                             bool overwrite);

// "[0.1,-2,3e-05]": each number in the fewest digits that give the same float32 again.
std::string VectorText(absl::Span<const float> vector);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_EMBEDDING_OUTPUT_H_
