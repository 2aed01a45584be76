#include "tokenizers/load_tokenizer.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status_macros.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tokenizers/composed_tokenizer.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

constexpr uint64_t kMaxConfigBytes = 16'000'000;
// transformers writes 10^30 for "no limit".
constexpr double kNoLengthLimit = 1e9;
// Digits that 64 bits hold for sure.
constexpr size_t kSafeDigits = 18;

// The text with ".0" behind integers of more than 18 digits. transformers writes
// "model_max_length": 1000000000000000019884624838656, which JSON allows but a parser into 64-bit
// integers does not.
std::string MarkHugeIntegers(std::string_view text) {
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < text.size();) {
    size_t length = 1;
    if (in_string && text[i] == '\\') {
      length = std::min<size_t>(2, text.size() - i);
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string && text[i] >= '0' && text[i] <= '9') {
      while (i + length < text.size() &&
             (absl::ascii_isalnum(text[i + length]) ||
              std::string_view("+-.").find(text[i + length]) != std::string_view::npos)) {
        ++length;
      }
    }
    const std::string_view part = text.substr(i, length);
    out.append(part);
    if (length > kSafeDigits && part.find_first_not_of("0123456789") == part.npos) out += ".0";
    i += length;
  }
  return out;
}

// A JSON file of the folder; nullopt when there is none.
absl::StatusOr<std::optional<JsonDocument>> LoadOptional(const std::string& path) {
  if (!PathExists(path)) return std::nullopt;
  ABSL_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxConfigBytes));
  ABSL_ASSIGN_OR_RETURN(JsonDocument document, JsonDocument::Parse(MarkHugeIntegers(text), path));
  return std::optional<JsonDocument>(std::move(document));
}

std::optional<JsonValue> Root(const std::optional<JsonDocument>& document) {
  if (!document) return std::nullopt;
  return document->root();
}

// `vocab_size` of the model's config.json against the tokenizer. Ids past the embedding table would
// be a fault at run time; a vocab.txt that is shorter was cut off, since nothing else marks its
// end.
absl::Status CheckModelConfig(const std::string& folder, const TokenizerParts& parts,
                              bool must_be_equal) {
  const std::string path = JoinPath(folder, "config.json");
  ABSL_ASSIGN_OR_RETURN(const auto document, LoadOptional(path));
  if (!document || !document->root().Find("vocab_size")) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const int64_t rows,
                        document->root().GetInt("vocab_size", 1, int64_t{1} << 31));
  size_t ids = parts.model->vocabulary_size();
  for (const AddedToken& token : parts.added_tokens) {
    ids = std::max(ids, static_cast<size_t>(token.id) + 1);
  }
  const size_t expected = static_cast<size_t>(rows);
  if (ids == expected || (ids < expected && !must_be_equal)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(parts.files[0], ": expected ", must_be_equal ? "" : "at most ", expected,
                   " tokens as vocab_size of ", path, " says, found ", ids));
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
  ABSL_RETURN_IF_ERROR(CheckModelConfig(folder, *parts, !has_json));
  if (config) {
    parts->files.push_back(config_path);
    ABSL_ASSIGN_OR_RETURN(const double length,
                          config->root().GetDouble("model_max_length", 0, 1e300, 0));
    if (length < kNoLengthLimit) parts->model_max_length = static_cast<size_t>(length);
  }
  return std::make_unique<ComposedTokenizer>(*std::move(parts));
}

}  // namespace graft
