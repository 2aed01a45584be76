// ReadUnigram and ReadWordLevel.
#include <limits>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "tokenizers/files/vocabulary_file.h"
#include "tokenizers/models/model_reader.h"

namespace graft {
namespace {

absl::StatusOr<UnigramPieces> ReadPieces(const JsonValue& vocab) {
  simdjson::dom::array entries;
  if (vocab.raw().get_array().get(entries) != simdjson::SUCCESS) {
    return vocab.Error(
        absl::StrCat("expected a list of pieces and their scores, found ", vocab.Describe()));
  }
  const size_t count = entries.size();
  if (count > kMaxTokens) {
    return vocab.Error(absl::StrCat("expected at most ", kMaxTokens, " pieces, found ", count));
  }
  UnigramPieces pieces;
  pieces.spans.reserve(count);
  pieces.scores.reserve(count);
  pieces.types.reserve(count);
  for (const simdjson::dom::element entry : entries) {
    simdjson::dom::array pair;
    std::string_view piece;
    double score = 0;
    if (entry.get_array().get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
        pair.at(0).get_string().get(piece) != simdjson::SUCCESS ||
        pair.at(1).get_double().get(score) != simdjson::SUCCESS) {
      return vocab.Error(absl::StrCat("[", pieces.scores.size(),
                                      "]: expected a piece and its score, found something else"));
    }
    pieces.Add(piece, score);
  }
  return pieces;
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Unigram>> ReadUnigram(const JsonValue& model) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue vocab, model.Get("vocab"));
  ABSL_ASSIGN_OR_RETURN(UnigramPieces pieces, ReadPieces(vocab));
  if (pieces.spans.empty()) return vocab.Error("expected pieces, found an empty list");
  Unigram::Options options;
  const auto most = static_cast<int64_t>(pieces.spans.size()) - 1;
  ABSL_ASSIGN_OR_RETURN(const int64_t unknown, model.GetInt("unk_id", 0, most));
  options.unknown_id = static_cast<int32_t>(unknown);
  ABSL_ASSIGN_OR_RETURN(options.byte_fallback, model.GetBool("byte_fallback", false));
  const std::string place(vocab.Error("").message());
  return Unigram::Create(std::move(pieces), options, place.substr(0, place.rfind(": ")));
}

absl::StatusOr<std::unique_ptr<const WordLevel>> ReadWordLevel(const JsonValue& model,
                                                               Vocabulary vocabulary) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue token, model.Get("unk_token"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view name, token.AsString());
  const auto id = vocabulary.Find(name);
  if (!id) {
    return token.Error(absl::StrCat("expected a token of the vocabulary, found ", Quoted(name)));
  }
  return std::make_unique<const WordLevel>(std::move(vocabulary), *id);
}

}  // namespace graft
