// Formats of word-vector files.
#ifndef GRAFT_EMBEDDINGS_VECTOR_FORMAT_H_
#define GRAFT_EMBEDDINGS_VECTOR_FORMAT_H_

#include <optional>
#include <string>
#include <string_view>

namespace graft {

enum class VectorFormat {
  kWord2VecText,    // "V D", then a word and D numbers in a line; also fastText's .vec
  kGlove,           // the same without the first line
  kWord2VecBinary,  // "V D", then words with float32
  kFastText,        // .bin and quantised .ftz
  kFloret,          // text: a table of n-grams
  kNumpy,           // a matrix in .npy, and a list of words
  kFinalfusion,     // .fifu
  kGraft,           // graft's own folder
};

// "word2vec-text", "glove", ...; nullopt for other names.
std::string_view VectorFormatName(VectorFormat format);
std::optional<VectorFormat> VectorFormatOfName(std::string_view name);
// All of them, for messages: "word2vec-text, glove, ...".
std::string VectorFormatNames();

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_VECTOR_FORMAT_H_
