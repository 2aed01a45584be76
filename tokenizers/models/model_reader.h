// Readers of models. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_MODELS_MODEL_READER_H_
#define GRAFT_TOKENIZERS_MODELS_MODEL_READER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "tokenizers/models/bpe.h"
#include "tokenizers/models/unigram.h"
#include "tokenizers/models/word_level.h"
#include "tokenizers/vocabulary.h"

namespace graft {

inline constexpr size_t kMaxMerges = size_t{8} << 20;

// `model` is the object of that name in a tokenizer.json. Its `vocab` object, most of the file, is
// read apart (ParseVocabularyObject) and handed over; of a Unigram model it is a list and read
// here. InvalidArgument with the JSON path, what was expected and what was found. The type is not
// looked at.

// Refuses what `tokenizers` 0.23.3 would panic at or take by halves: merges of tokens that the
// vocabulary does not have or whose result it does not have, equal merges, a right token without
// the continuing_subword_prefix, an unk_token that is none, and dropout other than 0. An unk_token
// of "" is none.
absl::StatusOr<std::unique_ptr<const Bpe>> ReadBpe(const JsonValue& model, Vocabulary vocabulary);

// Refuses what Unigram::Create does and entries that are no pairs of a piece and a score, and a
// model without an unk_id.
absl::StatusOr<std::unique_ptr<const Unigram>> ReadUnigram(const JsonValue& model);

// Refuses a vocabulary without the unk_token.
absl::StatusOr<std::unique_ptr<const WordLevel>> ReadWordLevel(const JsonValue& model,
                                                               Vocabulary vocabulary);

// A vocab.json, an object of tokens and their dense ids. DataLoss with the byte for malformed text.
absl::StatusOr<Vocabulary> LoadVocabJson(const std::string& path);

// A vocab.json and its merges.txt: a merge a line, two tokens with a space between. Lines that
// begin with "#version" say nothing. Messages name the line. The unknown token of `options`, when
// there is one, is an id of vocab.json.
absl::StatusOr<std::unique_ptr<const Bpe>> LoadBpe(const std::string& merges_path,
                                                   Vocabulary vocabulary, Bpe::Options options);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_MODELS_MODEL_READER_H_
