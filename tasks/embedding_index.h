// A folder of embeddings with their texts (docs/formats.md, "Embeddings").
#ifndef GRAFT_TASKS_EMBEDDING_INDEX_H_
#define GRAFT_TASKS_EMBEDDING_INDEX_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/model_fingerprint.h"
#include "tasks/text_embedder.h"

namespace graft {

// Where the vectors of a folder come from.
struct EmbeddingSource {
  std::string model;             // path of the model's folder
  EmbedderOptions options;       // as they were given; of the prompt only what it came out as
  ModelFingerprint fingerprint;  // TextEmbedder::Fingerprint
  std::string similarity;        // TextEmbedder::similarity
  std::string graft_version;     // for people
};

// Writes such a folder, all or nothing (base/durable.h): destroyed without Commit it leaves nothing
// behind. Texts and vectors go to its files as they come. Move-only, one thread.
class EmbeddingIndexWriter {
 public:
  // AlreadyExists when something is there that is neither an empty folder nor, with `replace`, such
  // a folder.
  static absl::StatusOr<EmbeddingIndexWriter> Create(const std::string& path, int64_t dimensions,
                                                     bool replace = false);

  EmbeddingIndexWriter(EmbeddingIndexWriter&&) noexcept;
  EmbeddingIndexWriter& operator=(EmbeddingIndexWriter&&) noexcept;
  ~EmbeddingIndexWriter();

  // Both UTF-8. InvalidArgument unless `vector` has as many numbers as was said, all finite.
  absl::Status Add(std::string_view id, std::string_view text, absl::Span<const float> vector);
  absl::Status Commit(const EmbeddingSource& source);

 private:
  struct State;
  explicit EmbeddingIndexWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Such a folder, mapped where nobody but its owner may write to it: processes that read it share
// its memory. Move-only; const methods are thread-safe.
class EmbeddingIndex {
 public:
  // Passes over all of the vectors once. Errors name file, place, expected and found: NotFound,
  // DataLoss for numbers that are not finite and all else that graft does not write.
  static absl::StatusOr<EmbeddingIndex> Open(const std::string& path);

  EmbeddingIndex(EmbeddingIndex&&) noexcept;
  EmbeddingIndex& operator=(EmbeddingIndex&&) noexcept;
  ~EmbeddingIndex();

  const std::string& path() const;
  const EmbeddingSource& source() const;
  int64_t rows() const;
  int64_t dimensions() const;
  const float* vectors() const;  // [rows, dimensions]
  const float* lengths() const;  // [rows], of the vectors; computed when the folder was opened
  bool mapped() const;           // not read

  struct Entry {
    std::string id;
    std::string text;
  };
  // InvalidArgument for a row that there is not.
  absl::StatusOr<Entry> Read(int64_t row) const;

 private:
  struct State;
  explicit EmbeddingIndex(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace graft

#endif  // GRAFT_TASKS_EMBEDDING_INDEX_H_
