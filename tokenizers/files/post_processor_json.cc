// ReadPostProcessor.
#include <algorithm>
#include <utility>

#include "tokenizers/files/component_row.h"
#include "tokenizers/files/components.h"

namespace graft {
namespace {

using Kind = TemplatePiece::Kind;

constexpr int32_t kMaxTypeId = 255;
constexpr size_t kMaxTemplatePieces = 64;

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
    if (entries.size() > kMaxTemplatePieces) {
      return list.Error(
          absl::StrCat("expected at most ", kMaxTemplatePieces, " pieces, found ", entries.size()));
    }
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
    if (values.size() > kMaxTemplatePieces) {
      return list.Error(
          absl::StrCat("expected at most ", kMaxTemplatePieces, " ids, found ", values.size()));
    }
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

// A row of processors makes one: any number trims offsets, at most one adds special tokens.
class ProcessorReader {
 public:
  explicit ProcessorReader(size_t vocabulary_size) : vocabulary_size_(vocabulary_size) {}

  absl::Status Read(const JsonValue& object) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view type, object.GetString("type"));
    if (type == "Sequence") {
      ABSL_ASSIGN_OR_RETURN(const JsonValue list, object.Get("processors"));
      ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> entries, list.AsArray());
      for (const JsonValue& entry : entries) ABSL_RETURN_IF_ERROR(Read(entry));
      return absl::OkStatus();
    }
    ABSL_ASSIGN_OR_RETURN(const Type* found,
                          FindReader(object, absl::MakeConstSpan(kTypes), "Sequence"));
    if (found->adds_tokens && std::exchange(adds_tokens_, true)) {
      return object.Error("expected one processor that adds special tokens, found a second one");
    }
    return (this->*found->read)(object);
  }

  PostProcessor Take() && { return std::move(result_); }

 private:
  struct Type {
    std::string_view type;
    bool adds_tokens;
    absl::Status (ProcessorReader::*read)(const JsonValue& object);
  };
  static const Type kTypes[4];

  absl::Status ReadBert(const JsonValue& object) {
    ABSL_ASSIGN_OR_RETURN(const int32_t cls, ReadNamedId(object, "cls", vocabulary_size_));
    ABSL_ASSIGN_OR_RETURN(const int32_t sep, ReadNamedId(object, "sep", vocabulary_size_));
    SetTemplates(PostProcessor::Bert(cls, sep));
    return absl::OkStatus();
  }
  absl::Status ReadRoberta(const JsonValue& object) {
    ABSL_ASSIGN_OR_RETURN(const int32_t cls, ReadNamedId(object, "cls", vocabulary_size_));
    ABSL_ASSIGN_OR_RETURN(const int32_t sep, ReadNamedId(object, "sep", vocabulary_size_));
    SetTemplates(PostProcessor::Roberta(cls, sep));
    return ReadTrim(object);
  }
  absl::Status ReadTemplate(const JsonValue& object) {
    const TemplateReader reader(object, vocabulary_size_);
    ABSL_ASSIGN_OR_RETURN(result_.single, reader.Read("single", 1));
    ABSL_ASSIGN_OR_RETURN(result_.pair, reader.Read("pair", 2));
    return absl::OkStatus();
  }
  absl::Status ReadTrim(const JsonValue& object) {
    ABSL_ASSIGN_OR_RETURN(const bool trim, object.GetBool("trim_offsets", true));
    TrimRule rule;
    ABSL_ASSIGN_OR_RETURN(rule.add_prefix_space, object.GetBool("add_prefix_space", true));
    if (trim && result_.trims.size() < kMaxSteps) result_.trims.push_back(rule);
    return absl::OkStatus();
  }
  void SetTemplates(PostProcessor templates) {
    result_.single = std::move(templates.single);
    result_.pair = std::move(templates.pair);
  }

  const size_t vocabulary_size_;
  bool adds_tokens_ = false;
  PostProcessor result_;
};

const ProcessorReader::Type ProcessorReader::kTypes[4] = {
    {"BertProcessing", true, &ProcessorReader::ReadBert},
    {"RobertaProcessing", true, &ProcessorReader::ReadRoberta},
    {"TemplateProcessing", true, &ProcessorReader::ReadTemplate},
    {"ByteLevel", false, &ProcessorReader::ReadTrim},
};

}  // namespace

absl::StatusOr<PostProcessor> ReadPostProcessor(const JsonValue& root, size_t vocabulary_size) {
  ProcessorReader reader(vocabulary_size);
  if (const auto object = root.Find("post_processor")) ABSL_RETURN_IF_ERROR(reader.Read(*object));
  return std::move(reader).Take();
}

}  // namespace graft
