// The WordPiece model: words to pieces. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_MODELS_WORDPIECE_H_
#define GRAFT_TOKENIZERS_MODELS_WORDPIECE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/models/model.h"
#include "tokenizers/vocabulary.h"

namespace graft {

// Immutable and thread-safe.
class WordPiece final : public TokenModel {
 public:
  struct Options {
    int32_t unknown_id = 0;
    std::string continuing_subword_prefix = "##";
    size_t max_input_chars_per_word = 100;
  };

  // The vocabulary must have no duplicates, and unknown_id must be in it.
  WordPiece(Vocabulary vocabulary, Options options);

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const std::string& unknown_token() const { return unknown_token_; }
  int32_t unknown_id() const { return options_.unknown_id; }
  const std::string& continuing_subword_prefix() const {
    return options_.continuing_subword_prefix;
  }

  // The longest token that the rest begins with, again and again. One unknown token when that gets
  // stuck or the word is too long.
  void Tokenize(std::string_view word, std::vector<ModelToken>& tokens) const override;
  size_t vocabulary_size() const override { return vocabulary_.size(); }
  std::optional<int32_t> TokenToId(std::string_view token) const override {
    return vocabulary_.Find(token);
  }
  std::optional<std::string_view> IdToToken(int32_t id) const override;

  // The same ids without spans.
  void AppendIds(std::string_view word, std::vector<int32_t>& ids) const;

  // Bytes of the word that a piece covers. Not for a word that became one unknown token.
  size_t PieceLength(int32_t id, bool first) const {
    const size_t length = vocabulary_.token(id).size();
    return first ? length : length - options_.continuing_subword_prefix.size();
  }

 private:
  // Id of the longest token that word[at..] begins with, -1 when there is none.
  int32_t LongestPiece(std::string_view word, size_t at) const;

  Vocabulary vocabulary_;
  Options options_;
  std::string unknown_token_;
  Vocabulary::Hash prefix_hash_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_MODELS_WORDPIECE_H_
