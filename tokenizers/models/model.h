// The step from a word to its tokens. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_MODELS_MODEL_H_
#define GRAFT_TOKENIZERS_MODELS_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tokenizers/encoding.h"

namespace graft {

// A token of a word: its id and the bytes of the normalized word that it covers.
struct ModelToken {
  int32_t id;
  Span span;
};

// Words to tokens. Immutable and thread-safe.
class TokenModel {
 public:
  virtual ~TokenModel() = default;

  // Appends the tokens of a word (well-formed UTF-8, may be empty).
  virtual void Tokenize(std::string_view word, std::vector<ModelToken>& tokens) const = 0;

  // One more than the largest id.
  virtual size_t vocabulary_size() const = 0;
  // The vocabulary alone; tokens that a tokenizer adds are not the model's.
  virtual std::optional<int32_t> TokenToId(std::string_view token) const = 0;
  virtual std::optional<std::string_view> IdToToken(int32_t id) const = 0;
  // Whether the text of an unknown token is what it stands for, and not that of its id.
  virtual bool keeps_unknown_text() const { return false; }
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_MODELS_MODEL_H_
