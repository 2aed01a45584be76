// Families over a vocab.txt: BERT's words and pieces.
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "tokenizers/files/families.h"

namespace graft {
namespace {

using nlohmann::json;

absl::Status SetBertWords(FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const bool basic, parts.Flag("do_basic_tokenize", true));
  if (!basic && parts.config) {
    return parts.config->Error("do_basic_tokenize: expected true, found false");
  }
  ABSL_ASSIGN_OR_RETURN(const bool lowercase, parts.Flag("do_lower_case", true));
  ABSL_ASSIGN_OR_RETURN(const bool strip_accents, parts.Flag("strip_accents", lowercase));
  ABSL_ASSIGN_OR_RETURN(const bool chinese, parts.Flag("tokenize_chinese_chars", true));
  parts.components["normalizer"] = {{"type", "BertNormalizer"},
                                    {"clean_text", true},
                                    {"handle_chinese_chars", chinese},
                                    {"strip_accents", strip_accents},
                                    {"lowercase", lowercase}};
  parts.components["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  parts.components["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  return absl::OkStatus();
}

}  // namespace

// Tokens that have no line follow the last one; only the unknown token must have one, which the
// model needs for words that it cannot cut up.
absl::Status BertVocabulary(FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const std::string unknown, parts.TextOf(TokenName::kUnk));
  if (!parts.word_piece) return absl::InternalError("expected the tokens of a vocab.txt");
  WordPieceVocabulary& vocabulary = *parts.word_piece;
  const auto id = vocabulary.tokens.Find(unknown);
  if (!id) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected the token '", unknown, "' (unk_token), found no such line"));
  }
  vocabulary.unknown_id = *id;
  return absl::OkStatus();
}

absl::Status BertComponents(FamilyParts& parts) {
  ABSL_RETURN_IF_ERROR(SetBertWords(parts));
  return SetBertTemplate(parts);
}

absl::Status MpnetVocabulary(FamilyParts& parts) {
  parts.MaskTakesSpace(/*special=*/true);
  return BertVocabulary(parts);
}

absl::Status MpnetComponents(FamilyParts& parts) {
  ABSL_RETURN_IF_ERROR(SetBertWords(parts));
  return SetRobertaProcessing(/*trim_offsets=*/true, /*add_prefix_space=*/false, parts);
}

}  // namespace graft
