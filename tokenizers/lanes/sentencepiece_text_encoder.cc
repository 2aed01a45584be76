#include "tokenizers/lanes/sentencepiece_text_encoder.h"

#include <limits>
#include <utility>

#include "absl/log/absl_check.h"

namespace graft {
namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";

bool IsMark(std::string_view piece) { return piece == kMark || piece == " "; }
bool BeginsWithMark(std::string_view piece) {
  return piece.starts_with(kMark) || piece.starts_with(' ');
}
bool EndsWithMark(std::string_view piece) { return piece.ends_with(kMark) || piece.ends_with(' '); }

}  // namespace

SentencePieceTextEncoder::SentencePieceTextEncoder(const SentencePieceTokens& model)
    : model_(model) {
  if (model.own() == nullptr) return;
  rules_ = SentencePieceRules::Create(model.file().normalizer.charsmap);
  if (rules_) own_.emplace(*model.own(), *rules_, UnigramEncoder::Options());
}

void SentencePieceTextEncoder::AppendIds(std::string_view text, IdWriter& out) {
  ABSL_CHECK_LE(text.size(), std::numeric_limits<uint32_t>::max()) << "spans are of 32 bits";
  if (own_ && own_->AppendIds(text, out)) return;
  tokens_.clear();
  model_.Tokenize(text, tokens_);
  int32_t* ids = out.Room(tokens_.size());
  for (size_t i = 0; i < tokens_.size(); ++i) ids[i] = tokens_[i].id;
  out.Advance(tokens_.size());
}

void SentencePieceTextEncoder::AppendTokens(std::string_view text, TokenWriter& out) {
  ABSL_CHECK_LE(text.size(), std::numeric_limits<uint32_t>::max()) << "spans are of 32 bits";
  if (own_ && own_->AppendTokens(text, 0, out)) return;
  tokens_.clear();
  model_.Tokenize(text, tokens_);
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (i > 0 && BeginsWord(tokens_[i - 1].id, tokens_[i].id)) out.EndWord();
    out.Add(tokens_[i].id, tokens_[i].span);
  }
}

bool SentencePieceTextEncoder::BeginsWord(int32_t before, int32_t id) const {
  const Vocabulary& pieces = model_.file().pieces;
  const std::string_view last = pieces.token(before), piece = pieces.token(id);
  if (model_.file().treat_whitespace_as_suffix) return EndsWithMark(last) && !IsMark(piece);
  return BeginsWithMark(piece) && !IsMark(last);
}

}  // namespace graft
