// The families of folders without tokenizer.json. Internal: part of folder_tokenizer.cc.
#ifndef GRAFT_TOKENIZERS_FILES_FAMILIES_H_
#define GRAFT_TOKENIZERS_FILES_FAMILIES_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/json.h"
#include "nlohmann/json.hpp"
#include "tokenizers/files/folder_tokenizer.h"

namespace graft {

inline constexpr std::string_view kVocabTxtFile = "vocab.txt", kVocabJsonFile = "vocab.json";

// A tokenizer on its way; what the functions of a family read and write.
struct FamilyParts {
  // In:
  std::optional<JsonValue> config;                          // tokenizer_config.json
  FolderTokens tokens;                                      // with the family's defaults
  std::unique_ptr<const SentencePieceModel> sentencepiece;  // of families that have one
  // Out, by the family's function of the model, which finds the tokens of a vocab.txt here:
  std::optional<UnigramVocabulary> unigram;
  std::optional<BpeVocabulary> bpe;
  std::optional<WordPieceVocabulary> word_piece;
  // Out, by its function of the components; an object with the members of a tokenizer.json.
  nlohmann::json components = nlohmann::json::object();
  std::vector<AddedToken> added;  // known when the components are made

  const Vocabulary& vocabulary() const;
  // The id of a token, added or of the vocabulary; InvalidArgument naming it when it has none.
  absl::StatusOr<int32_t> IdOf(std::string_view token) const;
  // What a named token stands for; InvalidArgument when the family needs it and it is null.
  absl::StatusOr<std::string> TextOf(TokenName name) const;
  absl::StatusOr<bool> Flag(std::string_view key, bool absent) const;
  // The mask takes the space before it, unless the files give its flags.
  void MaskTakesSpace(bool special);
};

struct Family {
  std::string_view name;
  std::string_view tokenizer_class;
  std::string_view vocabulary_file;
  std::string_view merges_file;  // of BPE
  // Texts of the named tokens where no file names them, by TokenName; empty for none.
  std::array<std::string_view, kTokenNames> tokens;
  // Fills `unigram` from `sentencepiece`, or completes `word_piece`; null for BPE.
  absl::Status (*make_vocabulary)(FamilyParts& parts);
  absl::Status (*make_components)(FamilyParts& parts);
};

// nullptr for a class that no family has.
const Family* FindFamily(std::string_view tokenizer_class);
// The names of all vocabulary files, each once.
std::vector<std::string_view> VocabularyFiles();
// The class of a model_type; empty when there is none.
std::string_view ClassOfModelType(std::string_view model_type);

// Functions of the families; see the table in families.cc.
absl::Status BertVocabulary(FamilyParts& parts);
absl::Status BertComponents(FamilyParts& parts);
absl::Status MpnetVocabulary(FamilyParts& parts);
absl::Status MpnetComponents(FamilyParts& parts);
absl::Status AlbertVocabulary(FamilyParts& parts);
absl::Status AlbertComponents(FamilyParts& parts);
absl::Status XlnetVocabulary(FamilyParts& parts);
absl::Status XlnetComponents(FamilyParts& parts);
absl::Status T5Vocabulary(FamilyParts& parts);
absl::Status T5Components(FamilyParts& parts);
absl::Status XlmRobertaVocabulary(FamilyParts& parts);
absl::Status XlmRobertaComponents(FamilyParts& parts);
absl::Status CamembertVocabulary(FamilyParts& parts);
absl::Status CamembertComponents(FamilyParts& parts);
absl::Status DebertaV2Vocabulary(FamilyParts& parts);
absl::Status DebertaV2Components(FamilyParts& parts);
absl::Status Gpt2Components(FamilyParts& parts);
absl::Status RobertaComponents(FamilyParts& parts);
absl::Status DebertaComponents(FamilyParts& parts);

// An item of a template: a text ("A", "B") or a special token, and its type id.
struct TemplateItem {
  std::string text;
  int type_id = 0;
};
struct TemplateToken {
  std::string text;
  int32_t id;
};

// A post-processor of type TemplateProcessing.
nlohmann::json TemplateProcessing(const std::vector<TemplateItem>& single,
                                  const std::vector<TemplateItem>& pair,
                                  const std::vector<TemplateToken>& tokens);
// [CLS] A [SEP], [CLS] A [SEP] B [SEP] with the family's tokens.
absl::Status SetBertTemplate(FamilyParts& parts);
// <s> A </s>, <s> A </s></s> B </s> with the family's tokens.
absl::Status SetRobertaProcessing(bool trim_offsets, bool add_prefix_space, FamilyParts& parts);
// What transformers puts in place of a processor: add_bos_token and add_eos_token alone.
absl::StatusOr<nlohmann::json> BosEosProcessing(const FamilyParts& parts);
// Whether the configuration has one of the two.
bool NamesBosOrEos(const FamilyParts& parts);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_FILES_FAMILIES_H_
