// LoadTokenizerJson.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tokenizers/load_tokenizer.h"
#include "tokenizers/vocabulary_file.h"

namespace graft {
namespace {

using Kind = TemplatePiece::Kind;

constexpr int64_t kMaxLength = std::numeric_limits<int32_t>::max();
constexpr size_t kMaxAddedTokens = 100'000;
constexpr int32_t kMaxTypeId = 255;
constexpr int64_t kMaxCharsPerWord = 1'000'000;

// Refuses a component of another type: graft would not do the same.
absl::Status CheckType(const JsonValue& component, std::string_view expected) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue type, component.Get("type"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view found, type.AsString());
  if (found == expected) return absl::OkStatus();
  return type.Error(absl::StrCat("expected '", expected, "', found '", found, "'"));
}

// A component that must be there and of this type.
absl::StatusOr<JsonValue> GetComponent(const JsonValue& root, std::string_view key,
                                       std::string_view type) {
  const auto component = root.Find(key);
  if (!component) return root.Error(absl::StrCat(key, ": expected '", type, "', found none"));
  ABSL_RETURN_IF_ERROR(CheckType(*component, type));
  return *component;
}

absl::StatusOr<bool> GetBool(const JsonValue& object, std::string_view key) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue value, object.Get(key));
  return value.AsBool();
}

absl::StatusOr<BertNormalizerOptions> ReadNormalizer(const JsonValue& root) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue normalizer,
                        GetComponent(root, "normalizer", "BertNormalizer"));
  BertNormalizerOptions options;
  ABSL_ASSIGN_OR_RETURN(options.clean_text, GetBool(normalizer, "clean_text"));
  ABSL_ASSIGN_OR_RETURN(options.handle_chinese_chars, GetBool(normalizer, "handle_chinese_chars"));
  ABSL_ASSIGN_OR_RETURN(options.lowercase, GetBool(normalizer, "lowercase"));
  ABSL_ASSIGN_OR_RETURN(options.strip_accents,
                        normalizer.GetBool("strip_accents", options.lowercase));
  return options;
}

absl::StatusOr<WordPiece> ReadModel(const JsonValue& model, Vocabulary vocabulary) {
  WordPiece::Options options;
  ABSL_ASSIGN_OR_RETURN(const std::string_view prefix,
                        model.GetString("continuing_subword_prefix"));
  options.continuing_subword_prefix = prefix;
  ABSL_ASSIGN_OR_RETURN(const int64_t most,
                        model.GetInt("max_input_chars_per_word", 0, kMaxCharsPerWord));
  options.max_input_chars_per_word = static_cast<size_t>(most);
  ABSL_ASSIGN_OR_RETURN(const JsonValue unknown, model.Get("unk_token"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view unknown_token, unknown.AsString());
  const auto id = vocabulary.Find(unknown_token);
  if (!id) {
    return unknown.Error(
        absl::StrCat("expected a token of model.vocab, found '", unknown_token, "'"));
  }
  options.unknown_id = *id;
  return WordPiece(std::move(vocabulary), std::move(options));
}

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
    ABSL_ASSIGN_OR_RETURN(AddedToken token, ReadTokenFlags(entry));
    ABSL_ASSIGN_OR_RETURN(const std::string_view content, entry.GetString("content"));
    if (content.empty()) return entry.Error("expected a token, found an empty content");
    token.content = content;
    ABSL_ASSIGN_OR_RETURN(const int64_t id,
                          entry.GetInt("id", 0, static_cast<int64_t>(2 * kMaxTokens)));
    token.id = static_cast<int32_t>(id);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

// Refuses ids that no token has.
absl::StatusOr<int32_t> ReadId(const JsonValue& value, size_t vocabulary_size) {
  ABSL_ASSIGN_OR_RETURN(const int64_t id,
                        value.AsInt(0, static_cast<int64_t>(vocabulary_size) - 1));
  return static_cast<int32_t>(id);
}

class TemplateReader {
 public:
  TemplateReader(const JsonValue& processor, size_t vocabulary_size)
      : processor_(processor), vocabulary_size_(vocabulary_size) {}

  absl::StatusOr<std::vector<TemplatePiece>> Read(std::string_view key, size_t texts) const {
    ABSL_ASSIGN_OR_RETURN(const JsonValue list, processor_.Get(key));
    ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> entries, list.AsArray());
    std::vector<TemplatePiece> pieces;
    for (const JsonValue& entry : entries) {
      ABSL_ASSIGN_OR_RETURN(TemplatePiece piece, ReadPiece(entry));
      pieces.push_back(std::move(piece));
    }
    const auto count = [&pieces](Kind kind) {
      return static_cast<size_t>(std::count_if(
          pieces.begin(), pieces.end(), [kind](const auto& piece) { return piece.kind == kind; }));
    };
    if (count(Kind::kFirstText) != 1 || count(Kind::kSecondText) != texts - 1) {
      return list.Error(absl::StrCat("expected ", texts == 1 ? "sequence A" : "sequences A and B",
                                     " once, found A ", count(Kind::kFirstText), " and B ",
                                     count(Kind::kSecondText), " times"));
    }
    return pieces;
  }

 private:
  absl::StatusOr<TemplatePiece> ReadPiece(const JsonValue& entry) const {
    TemplatePiece piece;
    const auto sequence = entry.Find("Sequence");
    const auto special = entry.Find("SpecialToken");
    if (sequence.has_value() == special.has_value()) {
      return entry.Error("expected either 'Sequence' or 'SpecialToken'");
    }
    const JsonValue& body = sequence ? *sequence : *special;
    ABSL_ASSIGN_OR_RETURN(const int64_t type_id, body.GetInt("type_id", 0, kMaxTypeId));
    piece.type_id = static_cast<int32_t>(type_id);
    ABSL_ASSIGN_OR_RETURN(const JsonValue id, body.Get("id"));
    ABSL_ASSIGN_OR_RETURN(const std::string_view name, id.AsString());
    if (special) {
      ABSL_ASSIGN_OR_RETURN(piece.ids, ReadSpecialIds(id, name));
      return piece;
    }
    if (name != "A" && name != "B") {
      return id.Error(absl::StrCat("expected 'A' or 'B', found '", name, "'"));
    }
    piece.kind = name == "A" ? Kind::kFirstText : Kind::kSecondText;
    return piece;
  }

  absl::StatusOr<std::vector<int32_t>> ReadSpecialIds(const JsonValue& place,
                                                      std::string_view name) const {
    ABSL_ASSIGN_OR_RETURN(const JsonValue map, processor_.Get("special_tokens"));
    const auto entry = map.Find(name);
    if (!entry) {
      return place.Error(
          absl::StrCat("expected a token of post_processor.special_tokens, found '", name, "'"));
    }
    ABSL_ASSIGN_OR_RETURN(const JsonValue list, entry->Get("ids"));
    ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> values, list.AsArray());
    std::vector<int32_t> ids;
    for (const JsonValue& value : values) {
      ABSL_ASSIGN_OR_RETURN(const int32_t id, ReadId(value, vocabulary_size_));
      ids.push_back(id);
    }
    return ids;
  }

  const JsonValue& processor_;
  const size_t vocabulary_size_;
};

// `["[SEP]", 102]`
absl::StatusOr<int32_t> ReadNamedId(const JsonValue& processor, std::string_view key,
                                    size_t vocabulary_size) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue pair, processor.Get(key));
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> values, pair.AsArray());
  if (values.size() != 2) return pair.Error("expected a token and its id");
  return ReadId(values[1], vocabulary_size);
}

absl::StatusOr<PostProcessor> ReadPostProcessor(const JsonValue& root, size_t vocabulary_size) {
  PostProcessor result;
  const auto processor = root.Find("post_processor");
  if (!processor) return result;
  ABSL_ASSIGN_OR_RETURN(const std::string_view type, processor->GetString("type"));
  if (type == "BertProcessing") {
    ABSL_ASSIGN_OR_RETURN(const int32_t cls, ReadNamedId(*processor, "cls", vocabulary_size));
    ABSL_ASSIGN_OR_RETURN(const int32_t sep, ReadNamedId(*processor, "sep", vocabulary_size));
    const TemplatePiece begin{Kind::kSpecial, 0, {cls}}, first{Kind::kFirstText, 0, {}},
        end{Kind::kSpecial, 0, {sep}};
    result.single = {begin, first, end};
    result.pair = {begin, first, end, {Kind::kSecondText, 1, {}}, {Kind::kSpecial, 1, {sep}}};
    return result;
  }
  ABSL_RETURN_IF_ERROR(CheckType(*processor, "TemplateProcessing"));
  const TemplateReader reader(*processor, vocabulary_size);
  ABSL_ASSIGN_OR_RETURN(result.single, reader.Read("single", 1));
  ABSL_ASSIGN_OR_RETURN(result.pair, reader.Read("pair", 2));
  return result;
}

absl::StatusOr<DecoderOptions> ReadDecoder(const JsonValue& root) {
  DecoderOptions options;
  const auto decoder = root.Find("decoder");
  if (!decoder) {
    options.word_piece = false;
    return options;
  }
  ABSL_RETURN_IF_ERROR(CheckType(*decoder, "WordPiece"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view prefix, decoder->GetString("prefix"));
  options.prefix = prefix;
  ABSL_ASSIGN_OR_RETURN(options.cleanup, GetBool(*decoder, "cleanup"));
  return options;
}

size_t CountIds(const Vocabulary& vocabulary, const std::vector<AddedToken>& added) {
  size_t ids = vocabulary.size();
  for (const AddedToken& token : added) ids = std::max<size_t>(ids, token.id + 1);
  return ids;
}

}  // namespace

absl::StatusOr<BertParts> LoadTokenizerJson(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxVocabularyFileBytes));
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
  // Files of old versions name no type.
  if (model.Find("type")) ABSL_RETURN_IF_ERROR(CheckType(model, "WordPiece"));
  if (!vocabulary) {
    ABSL_ASSIGN_OR_RETURN(const JsonValue vocab, model.Get("vocab"));
    return vocab.Error(absl::StrCat("expected an object, found ", vocab.Describe()));
  }
  ABSL_ASSIGN_OR_RETURN(const BertNormalizerOptions normalizer, ReadNormalizer(root));
  ABSL_RETURN_IF_ERROR(GetComponent(root, "pre_tokenizer", "BertPreTokenizer").status());
  if (const auto truncation = root.Find("truncation")) {
    ABSL_RETURN_IF_ERROR(truncation->GetInt("max_length", 0, kMaxLength).status());
  }
  ABSL_ASSIGN_OR_RETURN(WordPiece word_piece, ReadModel(model, *std::move(vocabulary)));
  BertParts parts(std::move(word_piece));
  parts.normalizer = normalizer;
  parts.files = {path};
  ABSL_ASSIGN_OR_RETURN(parts.added_tokens, ReadAddedTokens(root));
  ABSL_RETURN_IF_ERROR(CheckAddedTokens(parts, path));
  ABSL_ASSIGN_OR_RETURN(
      parts.post_processor,
      ReadPostProcessor(root, CountIds(parts.model.vocabulary(), parts.added_tokens)));
  ABSL_ASSIGN_OR_RETURN(parts.decoder, ReadDecoder(root));
  return parts;
}

}  // namespace graft
