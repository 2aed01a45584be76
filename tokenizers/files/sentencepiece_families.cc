// Families whose vocabulary is a SentencePiece model. transformers reads pieces, scores and
// charsmap of it and builds a Unigram tokenizer of its own around them, whose normalization and
// words are not SentencePiece's.
#include <cmath>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tokenizers/files/families.h"

namespace graft {
namespace {

using nlohmann::json;

// Pieces in the order of their ids.
class VocabularyBuilder {
 public:
  void Add(std::string_view piece, float score) {
    const uint32_t begin = static_cast<uint32_t>(text_.size());
    text_.append(piece);
    spans_.push_back({begin, static_cast<uint32_t>(text_.size())});
    scores_.push_back(score);
  }
  void AddFrom(const SentencePieceModel& model, size_t first) {
    for (size_t i = first; i < model.pieces.size(); ++i) {
      Add(model.pieces.token(static_cast<int32_t>(i)), model.scores[i]);
    }
  }
  absl::Status Finish(int64_t unknown_id, FamilyParts& parts) {
    const std::string& source = parts.sentencepiece->source;
    if (unknown_id < 0 || unknown_id >= static_cast<int64_t>(spans_.size())) {
      return absl::InvalidArgumentError(absl::StrCat(source,
                                                     ": expected the unknown piece from 0 to ",
                                                     spans_.size() - 1, ", found ", unknown_id));
    }
    Vocabulary pieces(std::move(text_), std::move(spans_));
    if (const auto& duplicate = pieces.duplicate()) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ": expected pieces that differ, found '",
                       pieces.token(duplicate->first), "' with the ids ", duplicate->first, " and ",
                       duplicate->second, " behind the special tokens of the family"));
    }
    parts.unigram =
        UnigramVocabulary{std::move(pieces), std::move(scores_), static_cast<int32_t>(unknown_id)};
    return absl::OkStatus();
  }

 private:
  std::string text_;
  std::vector<Span> spans_;
  std::vector<float> scores_;
};

absl::Status AsTheFile(int64_t unknown_id, FamilyParts& parts) {
  VocabularyBuilder builder;
  builder.AddFrom(*parts.sentencepiece, 0);
  return builder.Finish(unknown_id, parts);
}

json Replace(std::string_view from, std::string_view to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

// nullopt when the model has no charsmap.
std::optional<json> Precompiled(const FamilyParts& parts) {
  const std::string& charsmap = parts.sentencepiece->normalizer.charsmap;
  if (charsmap.empty()) return std::nullopt;
  return json{{"type", "Precompiled"}, {"precompiled_charsmap", absl::Base64Escape(charsmap)}};
}

json Metaspace(std::string_view scheme) {
  return {{"type", "Metaspace"},
          {"replacement", "\u2581"},
          {"prepend_scheme", scheme},
          {"split", true}};
}

// Words at whitespace, each with U+2581 before it.
void SetMetaspaceWords(std::string_view scheme, FamilyParts& parts) {
  parts.components["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers", json::array({{{"type", "WhitespaceSplit"}}, Metaspace(scheme)})}};
  parts.components["decoder"] = Metaspace(scheme);
}

void SetCharsmapAlone(FamilyParts& parts) {
  const auto charsmap = Precompiled(parts);
  parts.components["normalizer"] = charsmap ? *charsmap : json();
}

absl::StatusOr<std::string_view> SchemeOf(const FamilyParts& parts, std::string_view otherwise) {
  ABSL_ASSIGN_OR_RETURN(const bool prefix, parts.Flag("add_prefix_space", true));
  return prefix ? "always" : otherwise;
}

// The normalizer of ALBERT and XLNet.
absl::Status SetQuotesAndAccents(bool strip_accents, bool lowercase, FamilyParts& parts) {
  json steps = json::array({Replace("``", "\""), Replace("''", "\"")});
  if (strip_accents) {
    steps.push_back({{"type", "NFKD"}});
    steps.push_back({{"type", "StripAccents"}});
  }
  if (lowercase) steps.push_back({{"type", "Lowercase"}});
  if (auto charsmap = Precompiled(parts)) steps.push_back(*std::move(charsmap));
  parts.components["normalizer"] = {{"type", "Sequence"}, {"normalizers", std::move(steps)}};
  return absl::OkStatus();
}

// <s> A </s>, <s> A </s> </s> B </s>, all of type 0.
absl::Status SetFairseqTemplate(FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const std::string bos, parts.TextOf(TokenName::kBos));
  ABSL_ASSIGN_OR_RETURN(const std::string eos, parts.TextOf(TokenName::kEos));
  ABSL_ASSIGN_OR_RETURN(const int32_t bos_id, parts.IdOf(bos));
  ABSL_ASSIGN_OR_RETURN(const int32_t eos_id, parts.IdOf(eos));
  parts.components["post_processor"] =
      TemplateProcessing({{bos}, {"A"}, {eos}}, {{bos}, {"A"}, {eos}, {eos}, {"B"}, {eos}},
                         {{bos, bos_id}, {eos, eos_id}});
  return absl::OkStatus();
}

}  // namespace

absl::Status AlbertVocabulary(FamilyParts& parts) { return AsTheFile(1, parts); }

absl::Status AlbertComponents(FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const bool keep_accents, parts.Flag("keep_accents", false));
  ABSL_ASSIGN_OR_RETURN(const bool lowercase, parts.Flag("do_lower_case", true));
  ABSL_ASSIGN_OR_RETURN(const std::string_view scheme, SchemeOf(parts, "never"));
  ABSL_RETURN_IF_ERROR(SetQuotesAndAccents(!keep_accents, lowercase, parts));
  SetMetaspaceWords(scheme, parts);
  if (NamesBosOrEos(parts)) {
    ABSL_ASSIGN_OR_RETURN(parts.components["post_processor"], BosEosProcessing(parts));
    return absl::OkStatus();
  }
  ABSL_ASSIGN_OR_RETURN(const std::string cls, parts.TextOf(TokenName::kCls));
  ABSL_ASSIGN_OR_RETURN(const std::string sep, parts.TextOf(TokenName::kSep));
  ABSL_ASSIGN_OR_RETURN(const int32_t cls_id, parts.IdOf(cls));
  ABSL_ASSIGN_OR_RETURN(const int32_t sep_id, parts.IdOf(sep));
  // The names are fixed, whatever the tokens are.
  parts.components["post_processor"] = TemplateProcessing(
      {{"[CLS]"}, {"A"}, {"[SEP]"}}, {{"[CLS]"}, {"A"}, {"[SEP]"}, {"B", 1}, {"[SEP]", 1}},
      {{"[CLS]", cls_id}, {"[SEP]", sep_id}});
  return absl::OkStatus();
}

absl::Status XlnetVocabulary(FamilyParts& parts) {
  parts.MaskTakesSpace(/*special=*/false);
  return AsTheFile(parts.sentencepiece->trained_unk_id, parts);
}

absl::Status XlnetComponents(FamilyParts& parts) {
  // keep_accents is read and not used.
  ABSL_ASSIGN_OR_RETURN(const bool lowercase, parts.Flag("do_lower_case", false));
  ABSL_RETURN_IF_ERROR(SetQuotesAndAccents(true, lowercase, parts));
  SetMetaspaceWords("always", parts);
  ABSL_ASSIGN_OR_RETURN(const std::string cls, parts.TextOf(TokenName::kCls));
  ABSL_ASSIGN_OR_RETURN(const std::string sep, parts.TextOf(TokenName::kSep));
  ABSL_ASSIGN_OR_RETURN(const int32_t cls_id, parts.IdOf(cls));
  ABSL_ASSIGN_OR_RETURN(const int32_t sep_id, parts.IdOf(sep));
  parts.components["post_processor"] =
      TemplateProcessing({{"A"}, {sep}, {cls, 2}}, {{"A"}, {sep}, {"B", 1}, {sep, 1}, {cls, 2}},
                         {{sep, sep_id}, {cls, cls_id}});
  return absl::OkStatus();
}

absl::Status T5Vocabulary(FamilyParts& parts) {
  constexpr int64_t kMaxExtraIds = 100'000;
  int64_t extra_ids = 100;
  if (parts.config) {
    ABSL_ASSIGN_OR_RETURN(extra_ids, parts.config->GetInt("extra_ids", 0, kMaxExtraIds, extra_ids));
  }
  VocabularyBuilder builder;
  builder.AddFrom(*parts.sentencepiece, 0);
  for (int64_t i = extra_ids; i-- > 0;) builder.Add(absl::StrCat("<extra_id_", i, ">"), 0);
  if (parts.tokens.additional) {
    for (int64_t i = 0; i < extra_ids; ++i) {
      parts.tokens.additional->push_back(PlainToken(absl::StrCat("<extra_id_", i, ">")));
    }
  }
  return builder.Finish(2, parts);
}

absl::Status T5Components(FamilyParts& parts) {
  SetCharsmapAlone(parts);
  SetMetaspaceWords("always", parts);
  ABSL_ASSIGN_OR_RETURN(const std::string eos, parts.TextOf(TokenName::kEos));
  ABSL_ASSIGN_OR_RETURN(const int32_t id, parts.IdOf(eos));
  parts.components["post_processor"] =
      TemplateProcessing({{"A"}, {"</s>"}}, {{"A"}, {"</s>"}, {"B"}, {"</s>"}}, {{"</s>", id}});
  return absl::OkStatus();
}

// fairseq numbers <s>, <pad>, </s>, <unk> first; the model's own <unk>, <s>, </s> go.
absl::Status XlmRobertaVocabulary(FamilyParts& parts) {
  VocabularyBuilder builder;
  for (const TokenName name :
       {TokenName::kBos, TokenName::kPad, TokenName::kEos, TokenName::kUnk}) {
    ABSL_ASSIGN_OR_RETURN(const std::string text, parts.TextOf(name));
    builder.Add(text, 0);
  }
  builder.AddFrom(*parts.sentencepiece, 3);
  ABSL_ASSIGN_OR_RETURN(const std::string mask, parts.TextOf(TokenName::kMask));
  builder.Add(mask, 0);
  return builder.Finish(3, parts);
}

absl::Status XlmRobertaComponents(FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view scheme, SchemeOf(parts, "never"));
  SetCharsmapAlone(parts);
  SetMetaspaceWords(scheme, parts);
  return SetFairseqTemplate(parts);
}

// CamemBERT was trained with both fairseq's tokens and the model's.
absl::Status CamembertVocabulary(FamilyParts& parts) {
  parts.MaskTakesSpace(/*special=*/true);
  ABSL_ASSIGN_OR_RETURN(const std::string pad, parts.TextOf(TokenName::kPad));
  ABSL_ASSIGN_OR_RETURN(const std::string unk, parts.TextOf(TokenName::kUnk));
  ABSL_ASSIGN_OR_RETURN(const std::string mask, parts.TextOf(TokenName::kMask));
  VocabularyBuilder builder;
  builder.Add("<s>NOTUSED", 0);
  builder.Add(pad, 0);
  builder.Add("</s>NOTUSED", 0);
  builder.Add(unk, 0);
  builder.Add("<unk>NOTUSED", -100);
  builder.AddFrom(*parts.sentencepiece, 1);
  builder.Add(mask, 0);
  return builder.Finish(3, parts);
}

absl::Status CamembertComponents(FamilyParts& parts) { return XlmRobertaComponents(parts); }

absl::Status DebertaV2Vocabulary(FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const std::string unk, parts.TextOf(TokenName::kUnk));
  const SentencePieceModel& model = *parts.sentencepiece;
  const auto id = model.pieces.Find(unk);
  const bool found = id && model.scores[static_cast<size_t>(*id)] == 0;
  return AsTheFile(found ? *id : model.trained_unk_id, parts);
}

absl::Status DebertaV2Components(FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const bool lowercase, parts.Flag("do_lower_case", false));
  ABSL_ASSIGN_OR_RETURN(const bool punctuation, parts.Flag("split_by_punct", false));
  ABSL_ASSIGN_OR_RETURN(const std::string_view scheme, SchemeOf(parts, "first"));
  json steps = json::array();
  if (lowercase) steps.push_back({{"type", "Lowercase"}});
  // The charsmap is not used.
  steps.push_back(
      {{"type", "Replace"}, {"pattern", {{"Regex", R"(\s{2,}|[\n\r\t])"}}}, {"content", " "}});
  steps.push_back({{"type", "NFC"}});
  steps.push_back({{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}});
  parts.components["normalizer"] = {{"type", "Sequence"}, {"normalizers", std::move(steps)}};
  json words = json::array();
  if (punctuation) words.push_back({{"type", "Punctuation"}, {"behavior", "Isolated"}});
  words.push_back(Metaspace(scheme));
  parts.components["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", std::move(words)}};
  parts.components["decoder"] = Metaspace(scheme);
  return SetBertTemplate(parts);
}

}  // namespace graft
