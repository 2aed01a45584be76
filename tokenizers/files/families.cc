// The table of families, and what their functions share.
#include "tokenizers/files/families.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"

namespace graft {
namespace {

using nlohmann::json;

constexpr std::string_view kSpiece = "spiece.model", kSentencePieceBpe = "sentencepiece.bpe.model",
                           kMerges = "merges.txt";

// Tokens: bos, eos, unk, sep, pad, cls, mask.
constexpr std::array<std::string_view, kTokenNames> kBertTokens = {
    "[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};
constexpr std::array<std::string_view, kTokenNames> kFairseqTokens = {
    "<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"};

constexpr Family kFamilies[] = {
    {"BERT",
     "BertTokenizer",
     kVocabTxtFile,
     "",
     {"", "", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"},
     BertVocabulary,
     BertComponents},
    {"MPNet",
     "MPNetTokenizer",
     kVocabTxtFile,
     "",
     {"<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"},
     MpnetVocabulary,
     MpnetComponents},
    {"ALBERT",
     "AlbertTokenizer",
     kSpiece,
     "",
     {"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"},
     AlbertVocabulary,
     AlbertComponents},
    {"XLNet",
     "XLNetTokenizer",
     kSpiece,
     "",
     {"<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>"},
     XlnetVocabulary,
     XlnetComponents},
    {"T5",
     "T5Tokenizer",
     kSpiece,
     "",
     {"", "</s>", "<unk>", "", "<pad>", "", ""},
     T5Vocabulary,
     T5Components},
    {"XLM-RoBERTa", "XLMRobertaTokenizer", kSentencePieceBpe, "", kFairseqTokens,
     XlmRobertaVocabulary, XlmRobertaComponents},
    {"CamemBERT", "CamembertTokenizer", kSentencePieceBpe, "", kFairseqTokens, CamembertVocabulary,
     CamembertComponents},
    {"DeBERTa-v2", "DebertaV2Tokenizer", "spm.model", "", kBertTokens, DebertaV2Vocabulary,
     DebertaV2Components},
    {"GPT-2",
     "GPT2Tokenizer",
     kVocabJsonFile,
     kMerges,
     {"<|endoftext|>", "<|endoftext|>", "<|endoftext|>", "", "", "", ""},
     nullptr,
     Gpt2Components},
    {"RoBERTa", "RobertaTokenizer", kVocabJsonFile, kMerges, kFairseqTokens, nullptr,
     RobertaComponents},
    {"DeBERTa", "DebertaTokenizer", kVocabJsonFile, kMerges, kBertTokens, nullptr,
     DebertaComponents},
};

// Other names that transformers gives one of these classes, and model types
// (TOKENIZER_MAPPING_NAMES of tokenization_auto.py) of encoders and decoders that graft could be
// asked to read.
constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
    {"BartTokenizer", "RobertaTokenizer"},    {"ConvBertTokenizer", "BertTokenizer"},
    {"DistilBertTokenizer", "BertTokenizer"}, {"ElectraTokenizer", "BertTokenizer"},
    {"LEDTokenizer", "RobertaTokenizer"},     {"LongformerTokenizer", "RobertaTokenizer"},
    {"MobileBertTokenizer", "BertTokenizer"},
};
constexpr std::pair<std::string_view, std::string_view> kModelTypes[] = {
    {"albert", "AlbertTokenizer"},
    {"bart", "RobertaTokenizer"},
    {"bert", "BertTokenizer"},
    {"camembert", "CamembertTokenizer"},
    {"convbert", "BertTokenizer"},
    {"data2vec-text", "RobertaTokenizer"},
    {"deberta", "DebertaTokenizer"},
    {"deberta-v2", "DebertaV2Tokenizer"},
    {"distilbert", "BertTokenizer"},
    {"electra", "BertTokenizer"},
    {"gpt2", "GPT2Tokenizer"},
    {"gpt_neo", "GPT2Tokenizer"},
    {"gptj", "GPT2Tokenizer"},
    {"longformer", "RobertaTokenizer"},
    {"mobilebert", "MobileBertTokenizer"},
    {"mpnet", "MPNetTokenizer"},
    {"mt5", "T5Tokenizer"},
    {"opt", "GPT2Tokenizer"},
    {"roberta", "RobertaTokenizer"},
    {"roberta-prelayernorm", "RobertaTokenizer"},
    {"t5", "T5Tokenizer"},
    {"xlm-roberta", "XLMRobertaTokenizer"},
    {"xlnet", "XLNetTokenizer"},
    {"xmod", "XLMRobertaTokenizer"},
    {"yoso", "AlbertTokenizer"},
};

template <size_t N>
std::string_view Look(const std::pair<std::string_view, std::string_view> (&table)[N],
                      std::string_view key) {
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [&](const auto& row) { return row.first == key; });
  return found == std::end(table) ? std::string_view() : found->second;
}

json Items(const std::vector<TemplateItem>& items) {
  json list = json::array();
  for (const TemplateItem& item : items) {
    const bool is_text = item.text == "A" || item.text == "B";
    list.push_back(
        {{is_text ? "Sequence" : "SpecialToken", {{"id", item.text}, {"type_id", item.type_id}}}});
  }
  return list;
}

}  // namespace

const Family* FindFamily(std::string_view tokenizer_class) {
  const std::string_view other = Look(kOtherNames, tokenizer_class);
  if (!other.empty()) tokenizer_class = other;
  const auto* found =
      std::find_if(std::begin(kFamilies), std::end(kFamilies),
                   [&](const Family& family) { return family.tokenizer_class == tokenizer_class; });
  return found == std::end(kFamilies) ? nullptr : found;
}

std::vector<std::string_view> VocabularyFiles() {
  std::vector<std::string_view> files;
  for (const Family& family : kFamilies) {
    if (!absl::c_linear_search(files, family.vocabulary_file)) {
      files.push_back(family.vocabulary_file);
    }
  }
  return files;
}

std::string_view ClassOfModelType(std::string_view model_type) {
  return Look(kModelTypes, model_type);
}

const Vocabulary& FamilyParts::vocabulary() const {
  if (unigram) return unigram->pieces;
  if (bpe) return bpe->tokens;
  // One of the three is there. NOLINTNEXTLINE(bugprone-unchecked-optional-access)
  return word_piece->tokens;
}

absl::StatusOr<int32_t> FamilyParts::IdOf(std::string_view token) const {
  const auto found = std::find_if(added.begin(), added.end(),
                                  [&](const AddedToken& t) { return t.content == token; });
  if (found != added.end()) return found->id;
  if (const auto id = vocabulary().Find(token)) return *id;
  return absl::InvalidArgumentError(
      absl::StrCat("expected the token '", token, "', found no such token"));
}

absl::StatusOr<std::string> FamilyParts::TextOf(TokenName name) const {
  if (const auto& token = tokens[name]) return token->content();
  return absl::InvalidArgumentError(
      absl::StrCat("expected a ", kTokenKeys[static_cast<size_t>(name)], ", found none"));
}

absl::StatusOr<bool> FamilyParts::Flag(std::string_view key, bool absent) const {
  if (!config) return absent;
  return config->GetBool(key, absent);
}

void FamilyParts::MaskTakesSpace(bool special) {
  auto& mask = tokens.named[static_cast<size_t>(TokenName::kMask)];
  if (!mask || !mask->plain) return;
  mask->plain = false;
  mask->token.lstrip = true;
  mask->token.special = special;
  mask->token.normalized = !special;
}

json TemplateProcessing(const std::vector<TemplateItem>& single,
                        const std::vector<TemplateItem>& pair,
                        const std::vector<TemplateToken>& tokens) {
  json special = json::object();
  for (const TemplateToken& token : tokens) {
    special[token.text] = {{"id", token.text},
                           {"ids", json::array({token.id})},
                           {"tokens", json::array({token.text})}};
  }
  return {{"type", "TemplateProcessing"},
          {"single", Items(single)},
          {"pair", Items(pair)},
          {"special_tokens", special}};
}

absl::Status SetBertTemplate(FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const std::string cls, parts.TextOf(TokenName::kCls));
  ABSL_ASSIGN_OR_RETURN(const std::string sep, parts.TextOf(TokenName::kSep));
  ABSL_ASSIGN_OR_RETURN(const int32_t cls_id, parts.IdOf(cls));
  ABSL_ASSIGN_OR_RETURN(const int32_t sep_id, parts.IdOf(sep));
  parts.components["post_processor"] =
      TemplateProcessing({{cls}, {"A"}, {sep}}, {{cls}, {"A"}, {sep}, {"B", 1}, {sep, 1}},
                         {{cls, cls_id}, {sep, sep_id}});
  return absl::OkStatus();
}

absl::Status SetRobertaProcessing(bool trim_offsets, bool add_prefix_space, FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const std::string cls, parts.TextOf(TokenName::kCls));
  ABSL_ASSIGN_OR_RETURN(const std::string sep, parts.TextOf(TokenName::kSep));
  ABSL_ASSIGN_OR_RETURN(const int32_t cls_id, parts.IdOf(cls));
  ABSL_ASSIGN_OR_RETURN(const int32_t sep_id, parts.IdOf(sep));
  parts.components["post_processor"] = {{"type", "RobertaProcessing"},
                                        {"sep", json::array({sep, sep_id})},
                                        {"cls", json::array({cls, cls_id})},
                                        {"trim_offsets", trim_offsets},
                                        {"add_prefix_space", add_prefix_space}};
  return absl::OkStatus();
}

bool NamesBosOrEos(const FamilyParts& parts) {
  return parts.config &&
         (parts.config->Find("add_bos_token") || parts.config->Find("add_eos_token"));
}

absl::StatusOr<json> BosEosProcessing(const FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const bool add_bos, parts.Flag("add_bos_token", false));
  ABSL_ASSIGN_OR_RETURN(const bool add_eos, parts.Flag("add_eos_token", false));
  std::vector<TemplateToken> tokens;
  std::vector<TemplateItem> texts[2];
  for (const int type_id : {0, 1}) {
    auto& items = texts[type_id];
    const auto add = [&](TokenName name) -> absl::Status {
      const auto& token = parts.tokens[name];
      if (!token) return absl::OkStatus();
      const std::string& text = token->content();
      ABSL_ASSIGN_OR_RETURN(const int32_t id, parts.IdOf(text));
      items.push_back({text, type_id});
      if (type_id == 0) tokens.push_back({text, id});
      return absl::OkStatus();
    };
    if (add_bos) ABSL_RETURN_IF_ERROR(add(TokenName::kBos));
    items.push_back({type_id == 0 ? "A" : "B", type_id});
    if (add_eos) ABSL_RETURN_IF_ERROR(add(TokenName::kEos));
  }
  std::vector<TemplateItem> pair = texts[0];
  pair.insert(pair.end(), texts[1].begin(), texts[1].end());
  return TemplateProcessing(texts[0], pair, tokens);
}

}  // namespace graft
