#include "tokenizers/load_tokenizer.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tokenizers/composed_tokenizer.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

constexpr uint64_t kMaxConfigBytes = 16'000'000;
// transformers writes 10^30 for "no limit".
constexpr double kNoLengthLimit = 1e9;

// A JSON file of the folder; nullopt when there is none.
absl::StatusOr<std::optional<JsonDocument>> LoadOptional(const std::string& path) {
  if (!PathExists(path)) return std::nullopt;
  ABSL_ASSIGN_OR_RETURN(JsonDocument document, JsonDocument::Load(path, kMaxConfigBytes));
  return std::optional<JsonDocument>(std::move(document));
}

std::optional<JsonValue> Root(const std::optional<JsonDocument>& document) {
  if (!document) return std::nullopt;
  return document->root();
}

// Whether so many ids fit an embedding table of so many rows. Ids past the table would be a fault
// at run time. Fewer ids mean a vocabulary that was cut off or belongs to another model, but for
// tables that are padded: a multiple of 8 rows, at most 1,023 of them behind the last id (published
// ones are padded to multiples of 8 to 1,024). Only a tokenizer.json shows by its own end that it
// is whole; a vocab.txt has a line for every row.
bool FitsTable(int64_t ids, int64_t rows, bool shows_its_end) {
  constexpr int64_t kLeastMultiple = 8, kLargestMultiple = 1024;
  if (ids == rows) return true;
  return shows_its_end && ids < rows && rows - ids < kLargestMultiple && rows % kLeastMultiple == 0;
}

// The tokenizer against `vocab_size` of the model's config.json.
absl::Status CheckModelConfig(const std::string& folder, const TokenizerParts& parts,
                              bool shows_its_end) {
  const std::string path = JoinPath(folder, "config.json");
  ABSL_ASSIGN_OR_RETURN(const auto document, LoadOptional(path));
  if (!document || !document->root().Find("vocab_size")) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const int64_t rows,
                        document->root().GetInt("vocab_size", 1, int64_t{1} << 31));
  auto ids = static_cast<int64_t>(parts.model->vocabulary_size());
  for (const AddedToken& token : parts.added_tokens) {
    ids = std::max(ids, static_cast<int64_t>(token.id) + 1);
  }
  if (FitsTable(ids, rows, shows_its_end)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(parts.files[0], ": expected ", rows,
                                                 " tokens as vocab_size of ", path, " says, found ",
                                                 ids));
}

}  // namespace

absl::StatusOr<AddedToken> ReadTokenFlags(const JsonValue& object) {
  AddedToken token;
  ABSL_ASSIGN_OR_RETURN(token.special, object.GetBool("special", false));
  ABSL_ASSIGN_OR_RETURN(token.single_word, object.GetBool("single_word", false));
  ABSL_ASSIGN_OR_RETURN(token.lstrip, object.GetBool("lstrip", false));
  ABSL_ASSIGN_OR_RETURN(token.rstrip, object.GetBool("rstrip", false));
  ABSL_ASSIGN_OR_RETURN(token.normalized, object.GetBool("normalized", false));
  return token;
}

absl::Status CheckAddedTokens(const TokenizerParts& parts, const std::string& path) {
  const size_t vocabulary_size = parts.model->vocabulary_size();
  std::vector<bool> taken(parts.added_tokens.size());  // ids behind the vocabulary
  absl::flat_hash_map<std::string_view, int32_t> seen;
  size_t behind = 0;
  for (size_t i = 0; i < parts.added_tokens.size(); ++i) {
    const AddedToken& token = parts.added_tokens[i];
    const auto error = [&](std::string_view expected, std::string_view found) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": added token '", token.content,
                                                     "': expected ", expected, ", found ", found));
    };
    if (!seen.emplace(token.content, token.id).second) return error("it once", "it twice");
    if (token.normalized && NormalizedForm(parts.normalizers, token.content).empty()) {
      return error("a text that normalization leaves something of", "none");
    }
    const auto known = parts.model->TokenToId(token.content);
    if (known) {
      if (*known == token.id) continue;
      return error(absl::StrCat("its id in the vocabulary, ", *known), absl::StrCat(token.id));
    }
    const size_t place = static_cast<size_t>(token.id) - vocabulary_size;
    if (static_cast<size_t>(token.id) < vocabulary_size || place >= taken.size() || taken[place]) {
      return error(absl::StrCat("a free id from ", vocabulary_size, " on, without gaps"),
                   absl::StrCat(token.id));
    }
    taken[place] = true;
    ++behind;
  }
  const size_t gap = std::find(taken.begin(), taken.end(), false) - taken.begin();
  if (gap == behind) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(path, ": added tokens: expected ids without gaps",
                                                 ", found no token with id ",
                                                 vocabulary_size + gap));
}

absl::Status CheckAgainstConfig(const TokenizerParts& parts, const JsonValue& config,
                                const std::string& path) {
  const BertNormalizerOptions* normalizer = nullptr;
  for (const Normalizer& step : parts.normalizers) {
    if (const auto* bert = std::get_if<BertSteps>(&step)) normalizer = &bert->options;
  }
  if (normalizer == nullptr) return absl::OkStatus();
  const struct {
    const char* key;
    bool value;
    const char* place;
  } kept[] = {
      {"do_lower_case", normalizer->lowercase, "lowercase"},
      {"strip_accents", normalizer->strip_accents, "strip_accents"},
      {"tokenize_chinese_chars", normalizer->handle_chinese_chars, "handle_chinese_chars"},
  };
  for (const auto& [key, value, place] : kept) {
    ABSL_ASSIGN_OR_RETURN(const bool said, config.GetBool(key, value));
    if (said == value) continue;
    return config.Error(absl::StrCat(key, ": expected ", value ? "true" : "false",
                                     " as normalizer.", place, " of ", path, ", found ",
                                     said ? "true" : "false"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadTokenizer(const std::string& folder) {
  const std::string json_path = JoinPath(folder, "tokenizer.json");
  const std::string vocab_path = JoinPath(folder, "vocab.txt");
  const std::string config_path = JoinPath(folder, "tokenizer_config.json");
  const std::string map_path = JoinPath(folder, "special_tokens_map.json");
  const bool has_json = PathExists(json_path);
  if (!has_json && !PathExists(vocab_path)) {
    return absl::NotFoundError(
        absl::StrCat(folder, ": expected tokenizer.json or vocab.txt, found neither"));
  }
  ABSL_ASSIGN_OR_RETURN(const auto config, LoadOptional(config_path));
  std::optional<TokenizerParts> parts;
  if (has_json) {
    ABSL_ASSIGN_OR_RETURN(parts, LoadTokenizerJson(json_path));
    if (config) ABSL_RETURN_IF_ERROR(CheckAgainstConfig(*parts, config->root(), json_path));
  } else {
    ABSL_ASSIGN_OR_RETURN(const auto map, LoadOptional(map_path));
    ABSL_ASSIGN_OR_RETURN(parts, LoadVocabTxt(vocab_path, Root(config), Root(map)));
    if (map) parts->files.push_back(map_path);
  }
  ABSL_RETURN_IF_ERROR(CheckModelConfig(folder, *parts, has_json));
  if (config) {
    parts->files.push_back(config_path);
    ABSL_ASSIGN_OR_RETURN(const double length,
                          config->root().GetDouble("model_max_length", 0, 1e300, 0));
    if (length < kNoLengthLimit) parts->model_max_length = static_cast<size_t>(length);
  }
  return std::make_unique<ComposedTokenizer>(*std::move(parts));
}

}  // namespace graft
