#include "tokenizers/files/folder_tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "tokenizers/files/families.h"
#include "tokenizers/files/vocabulary_file.h"
#include "tokenizers/models/model_reader.h"

namespace graft {
namespace {

using nlohmann::json;

absl::StatusOr<FolderFiles> LoadFiles(const std::string& folder, std::vector<std::string>& paths) {
  FolderFiles files;
  const std::pair<const char*, std::optional<JsonDocument>*> names[] = {
      {"config.json", &files.config},
      {"tokenizer_config.json", &files.tokenizer_config},
      {"special_tokens_map.json", &files.special_tokens_map},
      {"added_tokens.json", &files.added_tokens}};
  for (const auto& [name, document] : names) {
    const std::string path = JoinPath(folder, name);
    ABSL_ASSIGN_OR_RETURN(*document, LoadOptionalJson(path));
    if (*document) paths.push_back(path);
  }
  return files;
}

// Control pieces are special tokens, user-defined pieces tokens that no word is cut through.
std::vector<FolderToken> MarkedPieces(const SentencePieceModel& model) {
  std::vector<FolderToken> tokens;
  for (size_t i = 0; i < model.types.size(); ++i) {
    const bool control = model.types[i] == SentencePieceType::kControl;
    if (!control && model.types[i] != SentencePieceType::kUserDefined) continue;
    FolderToken token;
    token.token.content = model.pieces.token(static_cast<int32_t>(i));
    token.token.special = control;
    tokens.push_back(std::move(token));
  }
  return tokens;
}

json AddedTokensJson(const std::vector<AddedToken>& tokens) {
  json list = json::array();
  for (const AddedToken& token : tokens) {
    list.push_back({{"id", token.id},
                    {"content", token.content},
                    {"single_word", token.single_word},
                    {"lstrip", token.lstrip},
                    {"rstrip", token.rstrip},
                    {"normalized", token.normalized},
                    {"special", token.special}});
  }
  return list;
}

// The paths NAME.model of a folder, in the order of their names.
std::vector<std::string> ModelFiles(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (absl::EndsWith(name, ".model")) files.push_back(JoinPath(folder, name));
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool NamesTokens(const FolderTokens& tokens) {
  return !tokens.listed.empty() || !tokens.own.empty() || tokens.extra || tokens.additional ||
         absl::c_any_of(tokens.named, [](const auto& token) { return token.has_value(); });
}

class FolderReader {
 public:
  FolderReader(const std::string& folder, const Family& family)
      : folder_(folder), family_(family), path_(JoinPath(folder, family.vocabulary_file)) {}

  absl::StatusOr<FolderTokenizer> Read(const FolderFiles& files, std::vector<std::string> paths) {
    if (files.tokenizer_config) parts_.config = files.tokenizer_config->root();
    ABSL_ASSIGN_OR_RETURN(parts_.tokens, ReadFolderTokens(files));
    for (size_t i = 0; i < kTokenNames; ++i) {
      if (family_.tokens[i].empty() || NamedNull(kTokenKeys[i])) continue;
      parts_.tokens.SetDefault(static_cast<TokenName>(i), PlainToken(family_.tokens[i]));
    }
    std::vector<std::string> read = {path_};
    if (family_.vocabulary_file == kVocabTxtFile) {
      ABSL_RETURN_IF_ERROR(ReadVocabTxt());
    } else if (family_.merges_file.empty()) {
      ABSL_RETURN_IF_ERROR(ReadSentencePiece());
    } else {
      const std::string merges = JoinPath(folder_, family_.merges_file);
      ABSL_ASSIGN_OR_RETURN(Vocabulary vocabulary, LoadVocabJson(path_));
      parts_.bpe = BpeVocabulary{std::move(vocabulary), merges};
      read.push_back(merges);
    }
    const Vocabulary& vocabulary = parts_.vocabulary();
    parts_.added = AddedTokensOf(parts_.tokens, vocabulary.size(),
                                 [&](std::string_view token) { return vocabulary.Find(token); });
    ABSL_RETURN_IF_ERROR(InFile(family_.make_components(parts_)));
    parts_.components["added_tokens"] = AddedTokensJson(parts_.added);
    read.insert(read.end(), paths.begin(), paths.end());
    return Result(std::move(read));
  }

 private:
  // Names the vocabulary where a message names no file of the folder.
  absl::Status InFile(const absl::Status& status) const {
    const std::string_view folder = std::string_view(path_).substr(0, path_.rfind('/') + 1);
    if (status.ok() || absl::StartsWith(status.message(), folder)) return status;
    return absl::Status(status.code(), absl::StrCat(path_, ": ", status.message()));
  }

  absl::Status ReadVocabTxt() {
    ABSL_ASSIGN_OR_RETURN(std::string text, ReadFile(path_, kMaxVocabularyFileBytes));
    ABSL_ASSIGN_OR_RETURN(Vocabulary tokens, ParseVocabTxt(std::move(text), path_));
    parts_.word_piece = WordPieceVocabulary{std::move(tokens), 0};
    return InFile(family_.make_vocabulary(parts_));
  }

  absl::Status ReadSentencePiece() {
    ABSL_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path_, kMaxSentencePieceBytes));
    ABSL_ASSIGN_OR_RETURN(SentencePieceModel model,
                          ParseSentencePieceModel(std::move(bytes), path_));
    parts_.sentencepiece = std::make_unique<const SentencePieceModel>(std::move(model));
    if (parts_.sentencepiece->kind != SentencePieceModel::Kind::kUnigram) {
      return absl::InvalidArgumentError(absl::StrCat(path_, ": expected a unigram model for ",
                                                     family_.name, ", found model_type ",
                                                     static_cast<int>(parts_.sentencepiece->kind)));
    }
    // Whatever special_tokens_map.json said, as transformers does.
    parts_.tokens.additional = MarkedPieces(*parts_.sentencepiece);
    return InFile(family_.make_vocabulary(parts_));
  }

  // A token that tokenizer_config.json sets to null is none.
  bool NamedNull(std::string_view key) const {
    if (!parts_.config) return false;
    const auto members = parts_.config->AsObject();
    return members.ok() && std::any_of(members->begin(), members->end(), [&](const auto& member) {
             return member.first == key && member.second.is_null();
           });
  }

  absl::StatusOr<FolderTokenizer> Result(std::vector<std::string> files) {
    FolderTokenizer tokenizer{family_.name, BpeVocabulary{Vocabulary("", {}), ""},
                              parts_.components.dump(), std::move(files)};
    if (parts_.unigram) {
      tokenizer.model = *std::move(parts_.unigram);
    } else if (parts_.bpe) {
      tokenizer.model = *std::move(parts_.bpe);
    } else if (parts_.word_piece) {
      tokenizer.model = *std::move(parts_.word_piece);
    }
    return tokenizer;
  }

  const std::string& folder_;
  const Family& family_;
  const std::string path_;
  FamilyParts parts_;
};

}  // namespace

absl::StatusOr<std::optional<std::string>> FindModelAlone(const std::string& folder) {
  const std::vector<std::string> models = ModelFiles(folder);
  if (models.empty()) return std::nullopt;
  for (const std::string_view vocabulary : {kVocabJsonFile, kVocabTxtFile}) {
    if (PathExists(JoinPath(folder, vocabulary))) return std::nullopt;
  }
  std::vector<std::string> paths;
  ABSL_ASSIGN_OR_RETURN(const FolderFiles files, LoadFiles(folder, paths));
  ABSL_ASSIGN_OR_RETURN(const std::optional<std::string> name, TokenizerClassOf(files));
  if (name || (files.config && files.config->root().Find("model_type"))) return std::nullopt;
  ABSL_ASSIGN_OR_RETURN(const FolderTokens tokens, ReadFolderTokens(files));
  if (NamesTokens(tokens)) return std::nullopt;
  if (models.size() == 1) return models[0];
  return absl::InvalidArgumentError(absl::StrCat(
      folder, ": expected tokenizer_class in tokenizer_config.json or one .model ", "file, found ",
      models.size(), ", ", models[0], " and ", models[1], " among them"));
}

absl::StatusOr<std::optional<std::string>> TokenizerClassOf(const FolderFiles& files) {
  for (const auto* file : {&files.tokenizer_config, &files.config}) {
    if (!*file || !(*file)->root().Find("tokenizer_class")) continue;
    ABSL_ASSIGN_OR_RETURN(const std::string_view name,
                          (*file)->root().GetString("tokenizer_class"));
    return std::string(absl::StripSuffix(name, "Fast"));
  }
  if (!files.config || !files.config->root().Find("model_type")) return std::nullopt;
  ABSL_ASSIGN_OR_RETURN(const std::string_view type, files.config->root().GetString("model_type"));
  const std::string_view name = ClassOfModelType(type);
  if (name.empty()) return std::nullopt;
  return std::string(name);
}

absl::StatusOr<FolderTokenizer> ReadFolderTokenizer(const std::string& folder) {
  std::vector<std::string> paths;
  ABSL_ASSIGN_OR_RETURN(const FolderFiles files, LoadFiles(folder, paths));
  ABSL_ASSIGN_OR_RETURN(std::optional<std::string> name, TokenizerClassOf(files));
  if (!name && PathExists(JoinPath(folder, kVocabTxtFile))) name = "BertTokenizer";
  if (!name) {
    const std::vector<std::string_view> vocabularies = VocabularyFiles();
    if (ModelFiles(folder).empty() && absl::c_none_of(vocabularies, [&](std::string_view file) {
          return PathExists(JoinPath(folder, file));
        })) {
      return absl::NotFoundError(absl::StrCat(folder, ": expected tokenizer.json, ",
                                              absl::StrJoin(vocabularies, ", "),
                                              " or one NAME.model, found none"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat(folder, ": expected tokenizer_class in tokenizer_config.json or a known ",
                     "model_type in config.json, found neither"));
  }
  const Family* family = FindFamily(*name);
  if (family == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        folder, ": expected a tokenizer.json, as for every class of tokenizer that is ",
        "not read from its own files, found none for '", *name, "'"));
  }
  for (const std::string_view file : {family->vocabulary_file, family->merges_file}) {
    const std::string path = JoinPath(folder, file);
    if (file.empty() || PathExists(path)) continue;
    return absl::NotFoundError(
        absl::StrCat(path, ": expected the vocabulary of ", *name, ", found no such file"));
  }
  return FolderReader(folder, *family).Read(files, std::move(paths));
}

}  // namespace graft
