// What reader and writer of vector folders agree on. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_VECTOR_FOLDER_NAMES_H_
#define GRAFT_EMBEDDINGS_VECTOR_FOLDER_NAMES_H_

#include <cstdint>
#include <string_view>

namespace graft {

inline constexpr char kMatrixName[] = "vectors.safetensors";
inline constexpr char kVectorsTensor[] = "vectors";
inline constexpr char kNormsTensor[] = "norms";
inline constexpr char kScalesTensor[] = "scales";
inline constexpr char kNGramsTensor[] = "ngrams";
inline constexpr char kWordsHashKey[] = "words_xxh3";
inline constexpr char kSubWordsKey[] = "sub_words";
inline constexpr std::string_view kFastTextKind = "fasttext";
inline constexpr std::string_view kFloretKind = "floret";

// Tensors before the last have a multiple of 16 rows, the rest zeros: their sizes are then
// multiples of 64 bytes, and all begin at one.
inline constexpr int64_t PaddedRows(int64_t rows) { return (rows + 15) / 16 * 16; }

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_VECTOR_FOLDER_NAMES_H_
