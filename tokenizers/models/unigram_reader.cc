// ReadUnigram and ReadWordLevel.
#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "tokenizers/files/vocabulary_file.h"
#include "tokenizers/models/model_reader.h"

namespace graft {
namespace {

// 10^exponent, rounded once.
double PowerOfTen(int exponent) {
  const std::string text = absl::StrCat("1e", exponent);
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A score as the peer reads it: `serde_json` takes the digits as a whole number and divides it by a
// power of ten, which rounds twice. Ties between segmentations hang on it. The digits are those of
// the shortest form, which everything that writes such files uses.
double PeerScore(double score) {
  char text[32];  // -d.dddddddddddddddde-ddd
  const auto written =
      std::to_chars(text, text + sizeof(text), score, std::chars_format::scientific);
  const char* const point = std::find(text, written.ptr, '.');
  const char* const e = std::find(text, written.ptr, 'e');
  if (e == written.ptr) return score;  // not finite
  uint64_t digits = 0;                 // 17 at most
  for (const char* at = text; at != e; ++at) {
    if (*at != '-' && *at != '.') digits = 10 * digits + static_cast<uint64_t>(*at - '0');
  }
  int exponent = 0;
  std::from_chars(e[1] == '+' ? e + 2 : e + 1, written.ptr, exponent);
  const int power = static_cast<int>(e - std::min(point + 1, e)) - exponent;
  if (power <= 0) return score;  // exact either way
  const double value = static_cast<double>(digits) / PowerOfTen(power);
  return score < 0 ? -value : value;
}

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
    pieces.Add(piece, PeerScore(score));
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
