// Readers of the formats that do not stand row by row. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_FORMATS_H_
#define GRAFT_EMBEDDINGS_FORMATS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "embeddings/byte_source.h"
#include "embeddings/load.h"
#include "embeddings/row_reader.h"

namespace graft {

inline constexpr std::string_view kFastTextMagic = "\xBA\x16\x4F\x2F";
inline constexpr std::string_view kNumpyMagic = "\x93NUMPY";
inline constexpr std::string_view kFinalfusionMagic = "FiFu";

// fastText models of version 11 and 12, .bin and .ftz (fasttext.cc, dictionary.cc and matrix files
// of https://github.com/facebookresearch/fastText). The rows of words are what its program gives
// for them: the means of their own row and those of their n-grams.
absl::StatusOr<LoadedVectors> ReadFastText(ByteSource& source, const LoadOptions& options,
                                           LoadReport report);

// A .npy file (NEP 1, versions 1 to 3) of float32, float64 or float16, in C or Fortran order, and
// its list of words.
absl::StatusOr<LoadedVectors> ReadNumpy(ByteSource& source, const std::string& path,
                                        const LoadOptions& options, LoadReport report);

// finalfusion (https://finalfusion.github.io/spec): simple vocabularies and those with the n-grams
// of fastText, with a matrix of float32. Other vocabularies and quantized matrices are refused by
// name. Rows stay as they are stored, mostly of length one; the lengths that they had are not used.
absl::StatusOr<LoadedVectors> ReadFinalfusion(ByteSource& source, const LoadOptions& options,
                                              LoadReport report);

// floret: rows as the text reader gives them, without words.
absl::StatusOr<LoadedVectors> MakeFloret(const CollectedRows& rows, SubWordRules rules,
                                         const std::string& name, LoadReport report);

// Counts and lists a word that is no UTF-8, and one that was there before.
void NoteBrokenUtf8(std::string_view word, int64_t line, uint64_t offset, LoadReport& report);
void NoteDuplicate(std::string_view word, int64_t line, uint64_t offset, LoadReport& report);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_FORMATS_H_
