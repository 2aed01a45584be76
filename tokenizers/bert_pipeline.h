// What a BERT tokenizer is made of. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_BERT_PIPELINE_H_
#define GRAFT_TOKENIZERS_BERT_PIPELINE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/bert_normalizer.h"
#include "tokenizers/wordpiece.h"

namespace graft {

// Where the parts of the result come from, in order.
struct TemplatePiece {
  enum class Kind { kFirstText, kSecondText, kSpecial };
  Kind kind = Kind::kSpecial;
  int32_t type_id = 0;
  std::vector<int32_t> ids;  // of a special piece
};

// `single` holds the first text once, `pair` both texts once.
struct PostProcessor {
  std::vector<TemplatePiece> single = {{TemplatePiece::Kind::kFirstText, 0, {}}};
  std::vector<TemplatePiece> pair = {{TemplatePiece::Kind::kFirstText, 0, {}},
                                     {TemplatePiece::Kind::kSecondText, 1, {}}};
};

struct DecoderOptions {
  // Joins pieces at the prefix; without it tokens are joined by spaces.
  bool word_piece = true;
  std::string prefix = "##";
  // Takes the space away that tokenization set before punctuation and English short forms.
  bool cleanup = true;
};

// Everything that a reader of tokenizer files finds out.
struct BertParts {
  explicit BertParts(WordPiece the_model) : model(std::move(the_model)) {}

  WordPiece model;
  BertNormalizerOptions normalizer;
  std::vector<AddedToken> added_tokens;
  PostProcessor post_processor;
  DecoderOptions decoder;
  size_t model_max_length = 0;
  std::vector<std::string> files;
};

// The way from text to words, made ready for many threads. Immutable.
struct BertPipeline {
  explicit BertPipeline(BertParts parts);

  BertParts parts;
  AddedTokenMatcher raw_tokens;         // matched in the text
  AddedTokenMatcher normalized_tokens;  // matched after normalization
};

// The text as the normalizer leaves it.
std::string NormalizedForm(const BertNormalizerOptions& options, std::string_view text);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_BERT_PIPELINE_H_
