// graft's own folder of word vectors: vectors.safetensors, words.txt, words.index
// (docs/formats.md). It opens in the time of three file openings and is shared between processes.
#ifndef GRAFT_EMBEDDINGS_VECTOR_FOLDER_H_
#define GRAFT_EMBEDDINGS_VECTOR_FOLDER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "embeddings/word_vectors.h"

namespace graft {

// Opens a folder. Its files are mapped, so that pages are read where they are first used; files
// that others may write to are read into memory instead. Checked is what headers and sizes say:
// DataLoss with file and place. What a damaged file then gives are wrong words or numbers, never a
// read outside of it; VerifyVectorFolder looks at everything.
absl::StatusOr<WordVectors> OpenVectorFolder(const std::string& path);

// Whether a folder has the files of one.
bool IsVectorFolder(const std::string& path);

// Reads all of it: check sums, places, the index against the words, finite numbers, norms.
absl::Status VerifyVectorFolder(const std::string& path);

// What the matrix file says before its rows.
struct VectorFolderPlan {
  int64_t rows = 0;
  int64_t width = 0;
  VectorStorage storage = VectorStorage::kFloat32;
  std::vector<float> norms;   // [rows], of the float32 rows
  std::vector<float> scales;  // [rows], of kInt8: the largest magnitude of a row over 127
  const SubWords* sub_words = nullptr;
  bool replace = false;  // a folder of this name gives way, where it has word vectors alone
};

// Writes a folder row by row; it appears when it is finished. Move-only, one thread.
class VectorFolderWriter {
 public:
  // AlreadyExists where there is one that is not to be replaced.
  static absl::StatusOr<VectorFolderWriter> Create(const std::string& path, Words words,
                                                   VectorFolderPlan plan);
  VectorFolderWriter(VectorFolderWriter&&) noexcept;
  VectorFolderWriter& operator=(VectorFolderWriter&&) noexcept;
  ~VectorFolderWriter();

  // The next row [width].
  absl::Status Append(absl::Span<const float> row);
  // After the last row.
  absl::Status Finish();

 private:
  struct State;
  explicit VectorFolderWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The Euclidean norm of a row: summed in double, in order, and rounded once.
float RowNorm(absl::Span<const float> row);
// The largest magnitude over 127, so that 127 times it is finite; 0 for a row of zeros.
float RowScale(absl::Span<const float> row);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_VECTOR_FOLDER_H_
