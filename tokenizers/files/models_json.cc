#include "tokenizers/files/models_json.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "tokenizers/files/component_row.h"
#include "tokenizers/models/model_reader.h"
#include "tokenizers/models/wordpiece.h"

namespace graft {
namespace {

using ModelPointer = std::unique_ptr<const TokenModel>;

constexpr int64_t kMaxCharsPerWord = 1'000'000;

// Refuses a vocabulary that is no object.
absl::StatusOr<Vocabulary> Required(const JsonValue& object, std::optional<Vocabulary> vocabulary) {
  if (vocabulary) return *std::move(vocabulary);
  ABSL_ASSIGN_OR_RETURN(const JsonValue vocab, object.Get("vocab"));
  return vocab.Error(absl::StrCat("expected an object, found ", vocab.Describe()));
}

absl::StatusOr<ModelPointer> ReadWordPiece(const JsonValue& object,
                                           std::optional<Vocabulary>&& found) {
  ABSL_ASSIGN_OR_RETURN(Vocabulary vocabulary, Required(object, std::move(found)));
  WordPiece::Options options;
  ABSL_ASSIGN_OR_RETURN(const std::string_view prefix,
                        object.GetString("continuing_subword_prefix"));
  options.continuing_subword_prefix = prefix;
  ABSL_ASSIGN_OR_RETURN(const int64_t most,
                        object.GetInt("max_input_chars_per_word", 0, kMaxCharsPerWord));
  options.max_input_chars_per_word = static_cast<size_t>(most);
  ABSL_ASSIGN_OR_RETURN(const JsonValue unknown, object.Get("unk_token"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view unknown_token, unknown.AsString());
  const auto id = vocabulary.Find(unknown_token);
  if (!id) {
    return unknown.Error(
        absl::StrCat("expected a token of model.vocab, found '", unknown_token, "'"));
  }
  options.unknown_id = *id;
  return std::make_unique<WordPiece>(std::move(vocabulary), std::move(options));
}

absl::StatusOr<ModelPointer> ReadBpeModel(const JsonValue& object,
                                          std::optional<Vocabulary>&& found) {
  ABSL_ASSIGN_OR_RETURN(Vocabulary vocabulary, Required(object, std::move(found)));
  return ReadBpe(object, std::move(vocabulary));
}

absl::StatusOr<ModelPointer> ReadWordLevelModel(const JsonValue& object,
                                                std::optional<Vocabulary>&& found) {
  ABSL_ASSIGN_OR_RETURN(Vocabulary vocabulary, Required(object, std::move(found)));
  return ReadWordLevel(object, std::move(vocabulary));
}

absl::StatusOr<ModelPointer> ReadUnigramModel(const JsonValue& object,
                                              std::optional<Vocabulary>&& /*found*/) {
  return ReadUnigram(object);
}

struct JsonModelReader {
  std::string_view type;
  absl::StatusOr<ModelPointer> (*read)(const JsonValue& object,
                                       std::optional<Vocabulary>&& vocabulary);
};
constexpr JsonModelReader kJsonModelReaders[] = {
    {"WordPiece", ReadWordPiece},
    {"BPE", ReadBpeModel},
    {"Unigram", ReadUnigramModel},
    {"WordLevel", ReadWordLevelModel},
};

// Files of old versions name no type; the peer takes the first model that their members fit.
std::string_view TypeByMembers(const JsonValue& object) {
  if (object.Find("merges")) return "BPE";
  if (object.Find("continuing_subword_prefix")) return "WordPiece";
  if (object.Find("unk_token")) return "WordLevel";
  return "Unigram";
}

const JsonModelReader* ReaderOf(std::string_view type) {
  return std::find_if(std::begin(kJsonModelReaders), std::end(kJsonModelReaders),
                      [&](const JsonModelReader& reader) { return reader.type == type; });
}

}  // namespace

absl::StatusOr<ModelOfJson> ReadModel(const JsonValue& object,
                                      std::optional<Vocabulary> vocabulary) {
  const JsonModelReader* reader = ReaderOf(TypeByMembers(object));
  if (object.Find("type")) {
    ABSL_ASSIGN_OR_RETURN(reader, FindReader(object, absl::MakeConstSpan(kJsonModelReaders), ""));
  }
  ABSL_ASSIGN_OR_RETURN(ModelPointer model, reader->read(object, std::move(vocabulary)));
  return ModelOfJson{std::string(reader->type), std::move(model)};
}

}  // namespace graft
