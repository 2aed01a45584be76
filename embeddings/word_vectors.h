// Word vectors: words and a matrix with a row for each.
#ifndef GRAFT_EMBEDDINGS_WORD_VECTORS_H_
#define GRAFT_EMBEDDINGS_WORD_VECTORS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/types/span.h"
#include "embeddings/sub_words.h"
#include "embeddings/words.h"

namespace graft {

// How the numbers are stored; they are float32 for everybody who reads them.
enum class VectorStorage {
  kFloat32,
  kFloat16,  // IEEE 754 binary16
  kInt8,     // -127..127 times the scale of the row
};

// "float32", "float16", "int8"; nullopt for other names.
std::string_view VectorStorageName(VectorStorage storage);
std::optional<VectorStorage> VectorStorageOfName(std::string_view name);
// Bytes of one number: 4, 2, 1.
int64_t VectorStorageBytes(VectorStorage storage);

// A row-major matrix [rows, width] somewhere in memory, possibly in a mapped file.
struct VectorMatrix {
  VectorStorage storage = VectorStorage::kFloat32;
  int64_t rows = 0;
  int64_t width = 0;
  const void* data = nullptr;     // aligned for its numbers; to 64 bytes where graft made it
  const float* scales = nullptr;  // [rows], of kInt8
  // [rows]: Euclidean norms of the rows, each the float nearest to it; nullptr: not known.
  const float* norms = nullptr;
  std::shared_ptr<const void> owner;  // keeps all of it

  // The floats of rows [begin, end): where they are, or decoded into `scratch`, which has room for
  // them.
  const float* Floats(int64_t begin, int64_t end, float* scratch) const;
};

// Immutable and thread-safe; copies share their memory.
class WordVectors {
 public:
  WordVectors() = default;
  // As many words as rows. `sub_words` as wide as the matrix.
  WordVectors(Words words, VectorMatrix matrix, std::optional<SubWords> sub_words = std::nullopt)
      : words_(std::move(words)), matrix_(std::move(matrix)), sub_words_(std::move(sub_words)) {}

  // V and D. A model of sub-words alone (floret) has no rows.
  int64_t size() const { return matrix_.rows; }
  int64_t width() const { return matrix_.width; }
  const Words& words() const { return words_; }
  const VectorMatrix& matrix() const { return matrix_; }
  // nullptr: none.
  const SubWords* sub_words() const { return sub_words_ ? &*sub_words_ : nullptr; }
  // The matrix [V, D]; nullptr where it is not stored as float32.
  const float* floats() const {
    return matrix_.storage == VectorStorage::kFloat32 ? static_cast<const float*>(matrix_.data)
                                                      : nullptr;
  }

  // The row of a word; nullopt when it is unknown.
  std::optional<int64_t> Find(std::string_view word) const { return words_.Find(word); }
  // A row in [0, V) into `out` [D].
  void Row(int64_t row, absl::Span<float> out) const;
  // The vector of a word into `out` [D]: its row, else what its n-grams give; false, and zeros,
  // when there is neither.
  bool Vector(std::string_view word, absl::Span<float> out) const;

 private:
  Words words_;
  VectorMatrix matrix_;
  std::optional<SubWords> sub_words_;
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_WORD_VECTORS_H_
