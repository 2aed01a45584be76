// Small word vectors for tests.
#ifndef GRAFT_TESTS_SUPPORT_WORD_VECTORS_H_
#define GRAFT_TESTS_SUPPORT_WORD_VECTORS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "embeddings/word_vectors.h"

namespace graft::testing {

inline Words MakeWords(const std::vector<std::string>& words) {
  WordsBuilder builder;
  for (const std::string& word : words) builder.Add(word);
  return builder.Finish();
}

// Words with a row each of these numbers, row by row.
inline WordVectors MakeVectors(const std::vector<std::string>& words, std::vector<float> numbers) {
  auto kept = std::make_shared<std::vector<float>>(std::move(numbers));
  VectorMatrix matrix;
  matrix.rows = static_cast<int64_t>(words.size());
  matrix.width = static_cast<int64_t>(kept->size() / words.size());
  matrix.data = kept->data();
  matrix.owner = kept;
  return WordVectors(MakeWords(words), matrix);
}

// The same whose numbers are 1, 2, 3, ...
inline WordVectors MakeVectors(const std::vector<std::string>& words, int64_t width) {
  std::vector<float> numbers(words.size() * static_cast<size_t>(width));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i) + 1;
  return MakeVectors(words, std::move(numbers));
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_SUPPORT_WORD_VECTORS_H_
