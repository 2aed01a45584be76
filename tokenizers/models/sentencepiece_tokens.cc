#include "tokenizers/models/sentencepiece_tokens.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "absl/status/status_macros.h"
#include "base/file.h"

namespace graft {
namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";

// Whether words, each behind its mark, are all that the library makes of a text, and unknown
// characters never reach over a mark.
bool HasMarkedWords(const SentencePieceModel& model) {
  const SentencePieceNormalizer& normalizer = model.normalizer;
  const auto mark = model.pieces.Find(kMark);
  return model.kind == SentencePieceModel::Kind::kUnigram && PropertyForLibrary(model).empty() &&
         model.unknown_id.has_value() && normalizer.add_dummy_prefix &&
         normalizer.remove_extra_whitespaces && normalizer.escape_whitespaces && mark.has_value() &&
         model.types[static_cast<size_t>(*mark)] == SentencePieceType::kNormal;
}

PieceType TypeOf(SentencePieceType type) {
  switch (type) {
    case SentencePieceType::kUnknown:
      return PieceType::kUnknown;
    case SentencePieceType::kControl:
      return PieceType::kControl;
    case SentencePieceType::kUserDefined:
      return PieceType::kUserDefined;
    case SentencePieceType::kUnused:
      return PieceType::kUnused;
    case SentencePieceType::kByte:
      return PieceType::kByte;
    case SentencePieceType::kNormal:
      break;
  }
  return PieceType::kNormal;
}

// Null for a model that Unigram does not cover.
std::unique_ptr<const Unigram> MakeOwn(const SentencePieceModel& model) {
  if (!HasMarkedWords(model)) return nullptr;
  UnigramPieces pieces;
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    pieces.Add(model.pieces.token(static_cast<int32_t>(i)), model.scores[i],
               TypeOf(model.types[i]));
  }
  Unigram::Options options;
  options.unknown_id = model.unknown_id.value_or(0);  // HasMarkedWords has seen one
  options.byte_fallback = model.byte_fallback;
  options.peer = UnigramPeer::kSentencePiece;
  auto own = Unigram::Create(std::move(pieces), options, model.source);
  return own.ok() && (*own)->words_are_apart() ? *std::move(own) : nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<const SentencePieceTokens>> SentencePieceTokens::Load(
    const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxSentencePieceBytes));
  return Parse(bytes, path);
}

absl::StatusOr<std::unique_ptr<const SentencePieceTokens>> SentencePieceTokens::Parse(
    std::string_view bytes, const std::string& source) {
  ABSL_ASSIGN_OR_RETURN(SentencePieceEncoder encoder, SentencePieceEncoder::Parse(bytes, source));
  std::unique_ptr<SentencePieceTokens> tokens(new SentencePieceTokens(std::move(encoder)));
  tokens->own_ = MakeOwn(tokens->file());
  return tokens;
}

std::optional<std::string_view> SentencePieceTokens::IdToToken(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= file().pieces.size()) return std::nullopt;
  return file().pieces.token(id);
}

void SentencePieceTokens::Tokenize(std::string_view text, std::vector<ModelToken>& tokens) const {
  const size_t most = encoder_.max_text_bytes();
  for (size_t begin = 0; begin < text.size();) {
    size_t length = std::min(text.size() - begin, most);
    if (begin + length < text.size()) {
      const size_t space = text.substr(begin, length).rfind(' ');
      if (space != text.npos) length = space + 1;
    }
    TokenizePart(text.substr(begin, length), static_cast<uint32_t>(begin), tokens);
    begin += length;
  }
}

void SentencePieceTokens::TokenizePart(std::string_view text, uint32_t begin,
                                       std::vector<ModelToken>& tokens) const {
  const size_t first = tokens.size();
  const absl::Status status = encoder_.Encode(text, tokens);
  // As in all other ways of encoding, it is the caller's to know.
  if (absl::IsResourceExhausted(status)) throw std::bad_alloc();
  if (!status.ok()) {
    tokens.resize(first);
    if (const std::optional<int32_t> unknown = file().unknown_id) {
      tokens.push_back({*unknown, {0, static_cast<uint32_t>(text.size())}});
    }
  }
  for (size_t i = first; begin > 0 && i < tokens.size(); ++i) {
    tokens[i].span.begin += begin;
    tokens[i].span.end += begin;
  }
}

std::string SentencePieceTokens::Decode(absl::Span<const int32_t> ids) const {
  std::vector<int32_t> known;
  known.reserve(ids.size());
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(known),
               [this](int32_t id) { return IdToToken(id).has_value(); });
  return encoder_.Decode(known).value_or("");
}

}  // namespace graft
