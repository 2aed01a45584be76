// What a tokenizer is made of. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_PIPELINE_H_
#define GRAFT_TOKENIZERS_PIPELINE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/decoders/decoder.h"
#include "tokenizers/models/model.h"
#include "tokenizers/normalizers/normalizer.h"
#include "tokenizers/post_processor.h"
#include "tokenizers/pre_tokenizers/pre_tokenizer.h"
#include "tokenizers/text_encoder.h"
#include "tokenizers/tokenizer.h"

namespace graft {

// Everything that a reader of tokenizer files finds out.
struct TokenizerParts {
  std::string model_type;  // "WordPiece"
  std::unique_ptr<const TokenModel> model;
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  std::vector<AddedToken> added_tokens;
  PostProcessor post_processor;
  std::optional<std::vector<Decoder>> decoders;  // none: tokens are joined by spaces
  std::string mask_token;                        // empty for none
  size_t model_max_length = 0;
  TruncationSide truncation_side = TruncationSide::kRight;
  bool gives_type_ids = false;
  std::vector<std::string> files;
};

// The way from text to words, made ready for many threads. Immutable.
struct Pipeline {
  explicit Pipeline(TokenizerParts parts);

  TokenizerParts parts;
  AddedTokenMatcher raw_tokens;         // matched in the text
  AddedTokenMatcher normalized_tokens;  // matched after normalization
};

// The options when the parts are those of BERT and nothing else: a BertNormalizer, a
// BertPreTokenizer and a WordPiece model. Otherwise null.
const BertNormalizerOptions* FindBertNormalizer(const TokenizerParts& parts);

// An encoder for the pipeline, which must outlive it: the fast lane of BERT where it is made for
// these parts, SentencePiece's for a `.model` by itself, else the general one, with fast lanes for
// segments where there are some.
// Thread-safe.
std::unique_ptr<TextEncoder> MakeTextEncoder(const Pipeline& pipeline);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_PIPELINE_H_
