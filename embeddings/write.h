// Writing word vectors, and converting files that are larger than memory.
#ifndef GRAFT_EMBEDDINGS_WRITE_H_
#define GRAFT_EMBEDDINGS_WRITE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "embeddings/load.h"
#include "embeddings/word_vectors.h"

namespace graft {

struct WriteOptions {
  // kGraft, kWord2VecText, kWord2VecBinary or kGlove.
  VectorFormat format = VectorFormat::kGraft;
  VectorStorage storage = VectorStorage::kFloat32;  // of kGraft
  // kGraft: a folder of this name gives way, where it has word vectors alone; files always do.
  bool replace = false;
  int64_t threads = 1;  // of WriteWordVectors; what is written does not depend on it
};

// Writes a file or folder, which appears when it is whole (base/durable.h). Text has the shortest
// digits that read as the same float32. InvalidArgument for a format that is not written, and for a
// word that the format cannot hold: an empty one; one with a line end or blanks around it in text;
// one with a blank in word2vec-binary. Sub-words go into graft's folder and are left out of files;
// a model without rows of words is only written there. Rows of graft's folder that stay in their
// storage are the same bytes.
absl::Status WriteWordVectors(const WordVectors& vectors, const std::string& path,
                              const WriteOptions& options);

// Reads one and writes the other, with the findings of reading. Formats that stand row by row
// (word2vec, GloVe) are read twice and never held: only words, norms and an index are.
absl::StatusOr<LoadReport> ConvertWordVectors(const std::string& from, const LoadOptions& load,
                                              const std::string& to, const WriteOptions& write);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_WRITE_H_
