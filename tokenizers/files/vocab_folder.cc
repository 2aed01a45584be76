// LoadVocabTxt: a folder without tokenizer.json, as transformers' BertTokenizer and MPNetTokenizer
// read it.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status_macros.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tokenizers/files/component_row.h"
#include "tokenizers/files/vocabulary_file.h"
#include "tokenizers/load_tokenizer.h"
#include "tokenizers/models/wordpiece.h"

namespace graft {
namespace {

// Special tokens that the files or the family's habit name; `required` ones must be in the
// vocabulary.
struct NamedToken {
  std::string_view key;
  std::string_view usual;
  bool required;
};

// What tokenizers over a vocab.txt differ in.
struct Family {
  NamedToken tokens[5];  // unknown, sep, pad, cls, mask
  bool mask_takes_space;
  bool roberta;  // the post-processor is RoBERTa's
};

constexpr Family kBert = {{{"unk_token", "[UNK]", true},
                           {"sep_token", "[SEP]", true},
                           {"pad_token", "[PAD]", false},
                           {"cls_token", "[CLS]", true},
                           {"mask_token", "[MASK]", false}},
                          false,
                          false};
constexpr Family kMpnet = {{{"unk_token", "[UNK]", true},
                            {"sep_token", "</s>", true},
                            {"pad_token", "<pad>", false},
                            {"cls_token", "<s>", true},
                            {"mask_token", "<mask>", false}},
                           true,
                           true};

// Classes of transformers.
constexpr std::pair<std::string_view, const Family*> kFamilies[] = {
    {"BertTokenizer", &kBert},       {"DistilBertTokenizer", &kBert}, {"ElectraTokenizer", &kBert},
    {"MobileBertTokenizer", &kBert}, {"ConvBertTokenizer", &kBert},   {"MPNetTokenizer", &kMpnet}};

// A file of the folder that may be absent.
using OptionalJson = std::optional<JsonValue>;

class FolderReader {
 public:
  FolderReader(const std::string& path, const Family& family, const OptionalJson& config,
               const OptionalJson& map)
      : path_(path), family_(family), config_(config), map_(map) {}

  absl::StatusOr<TokenizerParts> Read() {
    ABSL_ASSIGN_OR_RETURN(std::string text, ReadFile(path_, kMaxVocabularyFileBytes));
    ABSL_ASSIGN_OR_RETURN(Vocabulary vocabulary, ParseVocabTxt(std::move(text), path_));
    vocabulary_ = std::make_unique<Vocabulary>(std::move(vocabulary));
    ABSL_RETURN_IF_ERROR(ReadDecoderList());
    int32_t named[std::size(kBert.tokens)];
    for (size_t i = 0; i < std::size(named); ++i) {
      ABSL_ASSIGN_OR_RETURN(named[i], ReadNamed(family_.tokens[i]));
    }
    for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
      ABSL_RETURN_IF_ERROR(ReadExtra(key));
    }
    ABSL_ASSIGN_OR_RETURN(const BertNormalizerOptions normalizer, ReadNormalizer());
    WordPiece::Options model;
    model.unknown_id = named[0];
    TokenizerParts parts;
    parts.model_type = "WordPiece";
    parts.model = std::make_unique<WordPiece>(std::move(*vocabulary_), std::move(model));
    parts.normalizers.emplace_back(BertSteps{normalizer});
    parts.pre_tokenizers.emplace_back(BertSplit{});
    parts.decoders = {WordPieceDecoder{}};
    parts.files = {path_};
    parts.added_tokens = std::move(tokens_);
    ABSL_RETURN_IF_ERROR(PrepareAddedTokens(parts, path_));
    if (family_.roberta) {
      parts.post_processor = PostProcessor::Roberta(named[3], named[1]);
      parts.post_processor.trims = {{.add_prefix_space = false}};
    } else {
      parts.post_processor = PostProcessor::Bert(named[3], named[1]);
    }
    return parts;
  }

 private:
  absl::StatusOr<BertNormalizerOptions> ReadNormalizer() const {
    BertNormalizerOptions options;
    if (config_) {
      ABSL_ASSIGN_OR_RETURN(const bool basic, config_->GetBool("do_basic_tokenize", true));
      if (!basic) return config_->Error("do_basic_tokenize: expected true, found false");
      ABSL_ASSIGN_OR_RETURN(options.lowercase, config_->GetBool("do_lower_case", true));
      ABSL_ASSIGN_OR_RETURN(options.handle_chinese_chars,
                            config_->GetBool("tokenize_chinese_chars", true));
    }
    options.strip_accents = options.lowercase;
    if (config_) {
      ABSL_ASSIGN_OR_RETURN(options.strip_accents,
                            config_->GetBool("strip_accents", options.lowercase));
    }
    return options;
  }

  static OptionalJson FindIn(const OptionalJson& file, std::string_view key) {
    return file ? file->Find(key) : std::nullopt;
  }

  const AddedToken* Known(std::string_view content) const {
    const auto found = std::find_if(tokens_.begin(), tokens_.end(),
                                    [&](const AddedToken& t) { return t.content == content; });
    return found == tokens_.end() ? nullptr : &*found;
  }

  // "added_tokens_decoder": {"100": {"content": "[UNK]", ...}}
  absl::Status ReadDecoderList() {
    const OptionalJson list = FindIn(config_, "added_tokens_decoder");
    if (!list) return absl::OkStatus();
    ABSL_ASSIGN_OR_RETURN(const auto members, list->AsObject());
    for (const auto& [key, entry] : members) {
      ABSL_ASSIGN_OR_RETURN(AddedToken token, ReadTokenFlags(entry));
      ABSL_ASSIGN_OR_RETURN(const std::string_view content, GetInsertion(entry, "content"));
      if (content.empty()) return entry.Error("expected a token, found an empty content");
      if (!absl::SimpleAtoi(key, &token.id) || token.id < 0 ||
          static_cast<size_t>(token.id) > 2 * kMaxTokens) {
        return entry.Error(absl::StrCat("expected an id as the key, found '", key, "'"));
      }
      token.content = content;
      tokens_.push_back(std::move(token));
    }
    return absl::OkStatus();
  }

  // The id of a named token, added to the list if it is not there; -1 when BERT's usual token is
  // meant and the vocabulary does without it.
  absl::StatusOr<int32_t> ReadNamed(const NamedToken& named) {
    OptionalJson value = FindIn(config_, named.key);
    if (!value) value = FindIn(map_, named.key);
    const bool takes_space = named.key == "mask_token" && family_.mask_takes_space;
    if (value) return AddSpecial(*value, takes_space);
    if (const AddedToken* known = Known(named.usual)) return known->id;
    const auto id = vocabulary_->Find(named.usual);
    if (id) {
      AddedToken token;
      token.content = named.usual;
      token.id = *id;
      token.special = true;
      token.lstrip = takes_space;
      tokens_.push_back(std::move(token));
      return *id;
    }
    if (!named.required) return -1;
    return absl::InvalidArgumentError(absl::StrCat(path_, ": expected the token '", named.usual,
                                                   "' (", named.key, "), found no such line"));
  }

  absl::Status ReadExtra(const char* key) {
    OptionalJson list = FindIn(config_, key);
    if (!list) list = FindIn(map_, key);
    if (!list || !list->is_array()) return absl::OkStatus();
    ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> values, list->AsArray());
    for (const JsonValue& value : values) {
      ABSL_RETURN_IF_ERROR(AddSpecial(value, false).status());
    }
    return absl::OkStatus();
  }

  // "[CLS]", for which `takes_space` holds, or {"content": "[CLS]", "lstrip": false, ...}
  absl::StatusOr<int32_t> AddSpecial(const JsonValue& value, bool takes_space) {
    AddedToken token;
    if (value.is_object()) {
      ABSL_ASSIGN_OR_RETURN(token, ReadTokenFlags(value));
      ABSL_ASSIGN_OR_RETURN(const std::string_view content, GetInsertion(value, "content"));
      token.content = content;
    } else {
      ABSL_ASSIGN_OR_RETURN(const std::string_view content, value.AsString());
      token.content = content;
      token.lstrip = takes_space;
    }
    if (const AddedToken* known = Known(token.content)) return known->id;
    const auto id = vocabulary_->Find(token.content);
    if (!id) {
      return absl::InvalidArgumentError(absl::StrCat(path_, ": expected the token '", token.content,
                                                     "' (", value.path(), "), found no such line"));
    }
    token.id = *id;
    token.special = true;
    tokens_.push_back(std::move(token));
    return *id;
  }

  const std::string& path_;
  const Family& family_;
  const OptionalJson& config_;
  const OptionalJson& map_;
  std::unique_ptr<Vocabulary> vocabulary_;  // until it goes into the result
  std::vector<AddedToken> tokens_;
};

}  // namespace

bool IsVocabTxtClass(std::string_view tokenizer_class) {
  return absl::c_any_of(kFamilies,
                        [&](const auto& family) { return family.first == tokenizer_class; });
}

absl::StatusOr<TokenizerParts> LoadVocabTxt(const std::string& path,
                                            std::string_view tokenizer_class,
                                            const std::optional<JsonValue>& config,
                                            const std::optional<JsonValue>& special_tokens_map) {
  const auto* found =
      std::find_if(std::begin(kFamilies), std::end(kFamilies),
                   [&](const auto& family) { return family.first == tokenizer_class; });
  if (found == std::end(kFamilies)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": expected a tokenizer_class over vocab.txt, BERT's or MPNet's, found '",
        tokenizer_class, "'"));
  }
  return FolderReader(path, *found->second, config, special_tokens_map).Read();
}

}  // namespace graft
