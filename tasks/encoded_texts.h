// Texts as models take them.
#ifndef GRAFT_TASKS_ENCODED_TEXTS_H_
#define GRAFT_TASKS_ENCODED_TEXTS_H_

#include <utility>

#include "models/kernels/word_lookup.h"
#include "tokenizers/tokenizer.h"

namespace graft {

struct EncodedTexts {
  EncodedTexts() = default;
  // Of an encoder's tokenizer.
  explicit EncodedTexts(EncodedBatch batch) : tokens(std::move(batch)) {}

  EncodedBatch tokens;
  // Of models over word vectors, whose ids count these words.
  WordRows words;
};

}  // namespace graft

#endif  // GRAFT_TASKS_ENCODED_TEXTS_H_
