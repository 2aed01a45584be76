#include "tokenizers/load_tokenizer.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/utf8.h"
#include "tokenizers/composed_tokenizer.h"
#include "tokenizers/files/folder_tokenizer.h"
#include "tokenizers/files/folder_tokens.h"
#include "tokenizers/files/vocabulary_file.h"
#include "tokenizers/models/model_reader.h"
#include "tokenizers/models/sentencepiece_tokens.h"
#include "tokenizers/models/wordpiece.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

// transformers writes 10^30 for "no limit".
constexpr double kNoLengthLimit = 1e9;

// Whether so many ids fit an embedding table of so many rows. Ids past the table would be a fault
// at run time. Fewer ids mean a vocabulary that was cut off or belongs to another model, but for
// tables that are padded: a multiple of 4 rows, at most 1,023 of them behind the last id (published
// ones are padded to multiples of 4, as DeBERTa-v3's, to 1,024). Every file but a vocab.txt shows
// by its own end that it is whole; a vocab.txt has a line for every row.
bool FitsTable(int64_t ids, int64_t rows, bool shows_its_end) {
  constexpr int64_t kLeastMultiple = 4, kLargestMultiple = 1024;
  if (ids == rows) return true;
  return shows_its_end && ids < rows && rows - ids < kLargestMultiple && rows % kLeastMultiple == 0;
}

bool NamesId(const std::vector<TemplatePiece>& pieces, int32_t id) {
  return absl::c_any_of(
      pieces, [&](const TemplatePiece& piece) { return absl::c_linear_search(piece.ids, id); });
}

// The tokens that a vocab.txt has no line for have ids behind its last. Where the table ends with
// the lines, the model knows none of them, and only a text that spells one could bring it up: such
// a text is cut up as any other. Those of the template stay, and are an error.
void DropTokensBehindTable(int64_t rows, TokenizerParts& parts) {
  if (static_cast<int64_t>(parts.model->vocabulary_size()) != rows) return;
  std::erase_if(parts.added_tokens, [&](const AddedToken& token) {
    return token.special && token.id >= rows && !NamesId(parts.post_processor.single, token.id) &&
           !NamesId(parts.post_processor.pair, token.id);
  });
}

// Makes the tokenizer fit `vocab_size` of the model's config.json, or says why it cannot.
absl::Status FitModelConfig(const std::string& folder, bool shows_its_end, TokenizerParts& parts) {
  std::string path = JoinPath(folder, "config.json");
  // That of the original BERT release.
  if (!PathExists(path)) path = JoinPath(folder, "bert_config.json");
  ABSL_ASSIGN_OR_RETURN(const auto document, LoadOptionalJson(path));
  if (!document || !document->root().Find("vocab_size")) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const int64_t rows,
                        document->root().GetInt("vocab_size", 1, int64_t{1} << 31));
  if (!shows_its_end) DropTokensBehindTable(rows, parts);
  auto ids = static_cast<int64_t>(parts.model->vocabulary_size());
  for (const AddedToken& token : parts.added_tokens) {
    ids = std::max(ids, static_cast<int64_t>(token.id) + 1);
  }
  if (FitsTable(ids, rows, shows_its_end)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(parts.files[0], ": expected ", rows,
                                                 " tokens as vocab_size of ", path, " says, found ",
                                                 ids));
}

absl::Status TokenError(const std::string& path, const AddedToken& token, std::string_view expected,
                        std::string_view found) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": added token ", Quoted(token.content),
                                                 ": expected ", expected, ", found ", found));
}

absl::Status SetForms(TokenizerParts& parts, const std::string& path) {
  size_t bytes = 0;  // to normalize
  for (const AddedToken& token : parts.added_tokens) {
    if (token.normalized) bytes += token.content.size();
  }
  std::vector<Normalizer> steps = parts.normalizers;
  // One text for the limits of patterns: those of each token would add up.
  BeginText(steps, bytes);
  NormalizedText text;
  for (AddedToken& token : parts.added_tokens) {
    token.form = token.content;
    if (token.normalized) {
      text.Assign(token.content, 0);
      Normalize(steps, text);
      token.form = text.text();
      if (const Regex* pattern = FindExhausted(steps)) {
        return TokenError(path, token, "patterns of the normalizer that come to an end",
                          absl::StrCat(Quoted(pattern->source()), " at its limit of steps"));
      }
    }
    if (token.form.empty()) {
      return TokenError(path, token, "a text that normalization leaves something of", "none");
    }
    if (token.form.size() > kMaxTokenBytes) {
      return TokenError(path, token, absl::StrCat("at most ", kMaxTokenBytes, " bytes"),
                        absl::StrCat(token.form.size()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PrepareAddedTokens(TokenizerParts& parts, const std::string& path) {
  ABSL_RETURN_IF_ERROR(SetForms(parts, path));
  const size_t vocabulary_size = parts.model->vocabulary_size();
  std::vector<bool> taken(parts.added_tokens.size());  // ids behind the vocabulary
  absl::flat_hash_map<std::string_view, int32_t> seen;
  size_t behind = 0;
  for (size_t i = 0; i < parts.added_tokens.size(); ++i) {
    const AddedToken& token = parts.added_tokens[i];
    const auto error = [&](std::string_view expected, std::string_view found) {
      return TokenError(path, token, expected, found);
    };
    if (!seen.emplace(token.content, token.id).second) return error("it once", "it twice");
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

namespace {

std::string_view KindName(SentencePieceModel::Kind kind) {
  switch (kind) {
    case SentencePieceModel::Kind::kUnigram:
      return "Unigram";
    case SentencePieceModel::Kind::kBpe:
      return "BPE";
    case SentencePieceModel::Kind::kWord:
      return "words";
    case SentencePieceModel::Kind::kChar:
      break;
  }
  return "characters";
}

// A `.model` file as the library reads it, without any token of its own around texts.
absl::StatusOr<TokenizerParts> LoadModelAlone(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(auto model, SentencePieceTokens::Load(path));
  TokenizerParts parts;
  parts.model_type = absl::StrCat("SentencePiece ", KindName(model->file().kind));
  parts.model = std::move(model);
  parts.files = {path};
  return parts;
}

// The vocabulary of the class that the folder's files name, or a `.model` file alone.
absl::StatusOr<TokenizerParts> LoadFolder(const std::string& folder) {
  ABSL_ASSIGN_OR_RETURN(const std::optional<std::string> alone, FindModelAlone(folder));
  if (alone) return LoadModelAlone(*alone);
  ABSL_ASSIGN_OR_RETURN(FolderTokenizer read, ReadFolderTokenizer(folder));
  TokenizerParts parts;
  const std::string& vocabulary_path = read.files[0];
  if (auto* unigram = std::get_if<UnigramVocabulary>(&read.model)) {
    UnigramPieces pieces;
    for (size_t i = 0; i < unigram->scores.size(); ++i) {
      pieces.Add(unigram->pieces.token(static_cast<int32_t>(i)), unigram->scores[i]);
    }
    Unigram::Options options;
    options.unknown_id = unigram->unknown_id;
    ABSL_ASSIGN_OR_RETURN(parts.model,
                          Unigram::Create(std::move(pieces), options, vocabulary_path));
    parts.model_type = absl::StrCat(read.family, " Unigram");
  } else if (auto* bpe = std::get_if<BpeVocabulary>(&read.model)) {
    ABSL_ASSIGN_OR_RETURN(parts.model, LoadBpe(bpe->merges_path, std::move(bpe->tokens), {}));
    parts.model_type = absl::StrCat(read.family, " BPE");
  } else {
    auto& word_piece = std::get<WordPieceVocabulary>(read.model);
    WordPiece::Options options;
    options.unknown_id = word_piece.unknown_id;
    parts.model = std::make_unique<WordPiece>(std::move(word_piece.tokens), std::move(options));
    parts.model_type = "WordPiece";
  }
  ABSL_ASSIGN_OR_RETURN(const JsonDocument components,
                        JsonDocument::Parse(read.components, vocabulary_path));
  ABSL_RETURN_IF_ERROR(ReadComponents(components.root(), vocabulary_path, parts));
  parts.files = std::move(read.files);
  return parts;
}

// The mask as tokenizer_config.json names it: a string, or an object with its flags.
absl::StatusOr<std::string> NamedMask(const JsonValue& config) {
  const auto mask = config.Find("mask_token");
  if (!mask || mask->is_null()) return std::string();
  ABSL_ASSIGN_OR_RETURN(const std::string_view token,
                        mask->is_object() ? mask->GetString("content") : mask->AsString());
  return std::string(token);
}

// Where no file names the mask, it is the special token with the name that the families give it.
std::string UsualMask(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens) {
    if (token.special && (token.content == "[MASK]" || token.content == "<mask>")) {
      return token.content;
    }
  }
  return "";
}

absl::Status ReadTruncationSide(const JsonValue& config, TokenizerParts& parts) {
  if (!config.Find("truncation_side")) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const std::string_view side, config.GetString("truncation_side"));
  if (side != "left" && side != "right") {
    return config.Error(
        absl::StrCat("truncation_side: expected left or right, found ", Quoted(side)));
  }
  parts.truncation_side = side == "left" ? TruncationSide::kLeft : TruncationSide::kRight;
  return absl::OkStatus();
}

// Whether transformers 5.23 gives type ids to the folder's model.
absl::StatusOr<bool> GivesTypeIds(const FolderFiles& files) {
  // Classes for which it does; files may say otherwise.
  constexpr std::string_view kClasses[] = {"BertTokenizer",
                                           "CanineTokenizer",
                                           "ConvBertTokenizer",
                                           "DPRContextEncoderTokenizer",
                                           "DPRQuestionEncoderTokenizer",
                                           "DebertaTokenizer",
                                           "DebertaV2Tokenizer",
                                           "ElectraTokenizer",
                                           "FNetTokenizer",
                                           "LayoutLMTokenizer",
                                           "LxmertTokenizer",
                                           "MobileBertTokenizer",
                                           "SqueezeBertTokenizer"};
  if (files.tokenizer_config) {
    if (const auto names = files.tokenizer_config->root().Find("model_input_names")) {
      ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> items, names->AsArray());
      for (const JsonValue& item : items) {
        ABSL_ASSIGN_OR_RETURN(const std::string_view name, item.AsString());
        if (name == "token_type_ids") return true;
      }
      return false;
    }
  }
  ABSL_ASSIGN_OR_RETURN(const auto name, TokenizerClassOf(files));
  return name && absl::c_linear_search(kClasses, *name);
}

// What tokenizer_config.json says beside the tokens; `path` names it.
absl::Status ReadTokenizerConfig(const std::string& path, const JsonValue& config,
                                 TokenizerParts& parts) {
  if (!absl::c_linear_search(parts.files, path)) parts.files.push_back(path);
  ABSL_ASSIGN_OR_RETURN(const double length, config.GetDouble("model_max_length", 0, 1e300, 0));
  if (length < kNoLengthLimit) parts.model_max_length = static_cast<size_t>(length);
  ABSL_ASSIGN_OR_RETURN(parts.mask_token, NamedMask(config));
  return ReadTruncationSide(config, parts);
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Load(const std::string& folder, bool lower_case) {
  if (!PathExists(folder)) return absl::NotFoundError(absl::StrCat(folder, ": no such folder"));
  const std::string json_path = JoinPath(folder, "tokenizer.json");
  const std::string config_path = JoinPath(folder, "tokenizer_config.json");
  const bool has_json = PathExists(json_path);
  FolderFiles files;
  ABSL_ASSIGN_OR_RETURN(files.tokenizer_config, LoadOptionalJson(config_path));
  ABSL_ASSIGN_OR_RETURN(files.config, LoadOptionalJson(JoinPath(folder, "config.json")));
  const auto& config = files.tokenizer_config;
  std::optional<TokenizerParts> parts;
  if (has_json) {
    ABSL_ASSIGN_OR_RETURN(parts, LoadTokenizerJson(json_path));
    if (config) ABSL_RETURN_IF_ERROR(CheckAgainstConfig(*parts, config->root(), json_path));
  } else {
    ABSL_ASSIGN_OR_RETURN(parts, LoadFolder(folder));
  }
  ABSL_RETURN_IF_ERROR(FitModelConfig(folder, !absl::EndsWith(parts->files[0], ".txt"), *parts));
  const auto is_lowercase = [](const Normalizer& step) {
    return std::holds_alternative<Lowercase>(step);
  };
  if (lower_case && !absl::c_any_of(parts->normalizers, is_lowercase)) {
    parts->normalizers.insert(parts->normalizers.begin(), Lowercase());
  }
  if (config) ABSL_RETURN_IF_ERROR(ReadTokenizerConfig(config_path, config->root(), *parts));
  ABSL_ASSIGN_OR_RETURN(parts->gives_type_ids, GivesTypeIds(files));
  if (parts->mask_token.empty()) parts->mask_token = UsualMask(parts->added_tokens);
  return std::make_unique<ComposedTokenizer>(*std::move(parts));
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadTokenizer(const std::string& folder) {
  return Load(folder, /*lower_case=*/false);
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadLowerCaseTokenizer(const std::string& folder) {
  return Load(folder, /*lower_case=*/true);
}

}  // namespace graft
