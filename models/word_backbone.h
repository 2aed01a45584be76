// The backbone over word vectors.
#ifndef GRAFT_MODELS_WORD_BACKBONE_H_
#define GRAFT_MODELS_WORD_BACKBONE_H_

#include <cstdint>
#include <string_view>

#include "models/families/families.h"

namespace graft {

// In place of a family's model_type.
inline constexpr std::string_view kWordBackboneType = "word_vectors";

struct WordBackboneShape {
  // W: rows of the table that trains, or that trained; 0 without one.
  int64_t table_rows = 0;
  int64_t width = 0;  // D, of all sets of vectors together
  // 2: each word twice, as its vector is and as the table has it (Kim 2014, "multichannel").
  int channels = 1;
};

// One stage, which looks words up (WordLookup): hidden states [R, channels * D]. Its parameter is
// `embeddings.weight` [W, D]; all other vectors come with the batch (Batch::words). It has no heads
// and reads no config.json.
FamilyArchitecture MakeWordBackbone(const WordBackboneShape& shape);

}  // namespace graft

#endif  // GRAFT_MODELS_WORD_BACKBONE_H_
