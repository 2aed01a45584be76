// Small models for the tests of this folder.
#ifndef GRAFT_TESTS_TOKENIZERS_MODELS_MODELS_SUPPORT_H_
#define GRAFT_TESTS_TOKENIZERS_MODELS_MODELS_SUPPORT_H_

#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/models/model.h"
#include "tokenizers/vocabulary.h"

namespace graft {

inline bool operator==(const ModelToken& a, const ModelToken& b) {
  return a.id == b.id && a.span == b.span;
}
inline void PrintTo(const ModelToken& token, std::ostream* out) {
  *out << token.id << " [" << token.span.begin << ", " << token.span.end << ")";
}

namespace testing {

inline Vocabulary MakeVocabulary(const std::vector<std::string>& tokens) {
  std::string text;
  std::vector<Span> spans;
  for (const std::string& token : tokens) {
    const auto begin = static_cast<uint32_t>(text.size());
    text += token;
    spans.push_back({begin, static_cast<uint32_t>(text.size())});
  }
  return Vocabulary(std::move(text), std::move(spans));
}

inline std::vector<ModelToken> TokensOf(const TokenModel& model, std::string_view word) {
  std::vector<ModelToken> tokens;
  model.Tokenize(word, tokens);
  return tokens;
}

inline std::vector<int32_t> IdsOf(const TokenModel& model, std::string_view word) {
  std::vector<int32_t> ids;
  for (const ModelToken& token : TokensOf(model, word)) ids.push_back(token.id);
  return ids;
}

// `length` of the letters, at random.
inline std::string RandomWord(std::mt19937& random, const std::vector<std::string>& letters,
                              size_t length) {
  std::string word;
  for (size_t i = 0; i < length; ++i) word += letters[random() % letters.size()];
  return word;
}

}  // namespace testing
}  // namespace graft

#endif  // GRAFT_TESTS_TOKENIZERS_MODELS_MODELS_SUPPORT_H_
