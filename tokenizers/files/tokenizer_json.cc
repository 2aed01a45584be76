// LoadTokenizerJson, ParseTokenizerJson and ReadComponents.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/utf8.h"
#include "tokenizers/files/component_row.h"
#include "tokenizers/files/components.h"
#include "tokenizers/files/folder_tokens.h"
#include "tokenizers/files/models_json.h"
#include "tokenizers/files/vocabulary_file.h"
#include "tokenizers/load_tokenizer.h"

namespace graft {
namespace {

constexpr int64_t kMaxLength = std::numeric_limits<int32_t>::max();
constexpr size_t kMaxAddedTokens = 100'000;

absl::StatusOr<std::vector<AddedToken>> ReadAddedTokens(const JsonValue& root) {
  std::vector<AddedToken> tokens;
  const auto list = root.Find("added_tokens");
  if (!list) return tokens;
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> entries, list->AsArray());
  if (entries.size() > kMaxAddedTokens) {
    return list->Error(
        absl::StrCat("expected at most ", kMaxAddedTokens, " tokens, found ", entries.size()));
  }
  for (const JsonValue& entry : entries) {
    ABSL_ASSIGN_OR_RETURN(AddedToken token, ReadTokenObject(entry, /*special=*/false));
    if (token.content.empty()) return entry.Error("expected a token, found an empty content");
    ABSL_ASSIGN_OR_RETURN(const int64_t id,
                          entry.GetInt("id", 0, static_cast<int64_t>(2 * kMaxTokens)));
    token.id = static_cast<int32_t>(id);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

size_t CountIds(const TokenizerParts& parts) {
  size_t ids = parts.model->vocabulary_size();
  for (const AddedToken& token : parts.added_tokens) ids = std::max<size_t>(ids, token.id + 1);
  return ids;
}

}  // namespace

absl::Status ReadComponents(const JsonValue& root, const std::string& path, TokenizerParts& parts) {
  ABSL_ASSIGN_OR_RETURN(parts.normalizers, ReadNormalizers(root));
  ABSL_ASSIGN_OR_RETURN(parts.pre_tokenizers, ReadPreTokenizers(root));
  ABSL_ASSIGN_OR_RETURN(parts.added_tokens, ReadAddedTokens(root));
  ABSL_RETURN_IF_ERROR(PrepareAddedTokens(parts, path));
  ABSL_ASSIGN_OR_RETURN(parts.post_processor, ReadPostProcessor(root, CountIds(parts)));
  ABSL_ASSIGN_OR_RETURN(parts.decoders, ReadDecoders(root));
  return absl::OkStatus();
}

absl::StatusOr<TokenizerParts> LoadTokenizerJson(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxVocabularyFileBytes));
  return ParseTokenizerJson(std::move(text), path);
}

absl::StatusOr<TokenizerParts> ParseTokenizerJson(std::string text, const std::string& path) {
  auto object = FindVocabularyObject(text);
  std::optional<Vocabulary> vocabulary;
  if (object) {
    ABSL_ASSIGN_OR_RETURN(vocabulary, ParseVocabularyObject(text, path, *object));
    // The rest without it: blanks keep the byte positions.
    std::fill(text.begin() + object->begin + 1, text.begin() + object->end - 1, ' ');
  }
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(text, path));
  const JsonValue root = document.root();
  ABSL_ASSIGN_OR_RETURN(const JsonValue model, root.Get("model"));
  TokenizerParts parts;
  if (const auto truncation = root.Find("truncation")) {
    ABSL_RETURN_IF_ERROR(truncation->GetInt("max_length", 0, kMaxLength).status());
    ABSL_ASSIGN_OR_RETURN(const std::string_view side, truncation->GetString("direction", "Right"));
    if (side != "Left" && side != "Right") {
      return truncation->Error(
          absl::StrCat("direction: expected Left or Right, found ", Quoted(side)));
    }
    if (side == "Left") parts.truncation_side = TruncationSide::kLeft;
  }
  ABSL_ASSIGN_OR_RETURN(ModelOfJson read, ReadModel(model, std::move(vocabulary)));
  parts.model_type = std::move(read.type);
  parts.model = std::move(read.model);
  parts.files = {path};
  ABSL_RETURN_IF_ERROR(ReadComponents(root, path, parts));
  return parts;
}

}  // namespace graft
