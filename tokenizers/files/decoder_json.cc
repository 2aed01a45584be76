// ReadDecoders.
#include <utility>

#include "tokenizers/files/component_row.h"
#include "tokenizers/files/components.h"

namespace graft {
namespace {

constexpr int64_t kMaxStripped = 1'000'000;

template <typename Step>
absl::StatusOr<Decoder> ReadPlain(const JsonValue&) {
  return Step{};
}

absl::StatusOr<Decoder> ReadWordPiece(const JsonValue& object) {
  WordPieceDecoder step;
  ABSL_ASSIGN_OR_RETURN(const std::string_view prefix, object.GetString("prefix"));
  step.prefix = prefix;
  ABSL_ASSIGN_OR_RETURN(step.cleanup, GetBool(object, "cleanup"));
  return step;
}

absl::StatusOr<Decoder> ReadMetaspace(const JsonValue& object) {
  MetaspaceDecoder step;
  ABSL_ASSIGN_OR_RETURN(step.replacement, GetChar(object, "replacement", step.replacement));
  ABSL_ASSIGN_OR_RETURN(step.prepend, ReadPrependScheme(object));
  return step;
}

absl::StatusOr<Decoder> ReadBpe(const JsonValue& object) {
  BpeDecoder step;
  ABSL_ASSIGN_OR_RETURN(const std::string_view suffix, object.GetString("suffix"));
  step.suffix = suffix;
  return step;
}

absl::StatusOr<Decoder> ReadStrip(const JsonValue& object) {
  StripDecoder step;
  ABSL_ASSIGN_OR_RETURN(step.content, GetChar(object, "content", step.content));
  ABSL_ASSIGN_OR_RETURN(const int64_t start, object.GetInt("start", 0, kMaxStripped));
  ABSL_ASSIGN_OR_RETURN(const int64_t stop, object.GetInt("stop", 0, kMaxStripped));
  step.start = static_cast<size_t>(start);
  step.stop = static_cast<size_t>(stop);
  return step;
}

absl::StatusOr<Decoder> ReadReplace(const JsonValue& object) {
  ABSL_ASSIGN_OR_RETURN(Pattern pattern, ReadPattern(object));
  ABSL_ASSIGN_OR_RETURN(const std::string_view content, GetInsertion(object, "content"));
  return ReplaceDecoder{std::move(pattern), std::string(content)};
}

absl::StatusOr<Decoder> ReadCtc(const JsonValue& object) {
  CtcDecoder step;
  ABSL_ASSIGN_OR_RETURN(const std::string_view pad, object.GetString("pad_token"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view delimiter, object.GetString("word_delimiter_token"));
  step.pad_token = pad;
  step.word_delimiter_token = delimiter;
  ABSL_ASSIGN_OR_RETURN(step.cleanup, GetBool(object, "cleanup"));
  return step;
}

constexpr StepReader<Decoder> kReaders[] = {
    {"WordPiece", ReadWordPiece},
    {"ByteLevel", ReadPlain<ByteLevelDecoder>},
    {"Metaspace", ReadMetaspace},
    {"BPEDecoder", ReadBpe},
    {"ByteFallback", ReadPlain<ByteFallbackDecoder>},
    {"Fuse", ReadPlain<FuseDecoder>},
    {"Strip", ReadStrip},
    {"Replace", ReadReplace},
    {"CTC", ReadCtc},
};

}  // namespace

absl::StatusOr<std::optional<std::vector<Decoder>>> ReadDecoders(const JsonValue& root) {
  const auto object = root.Find("decoder");
  if (!object) return std::nullopt;
  std::vector<Decoder> steps;
  ABSL_RETURN_IF_ERROR(ReadSteps(*object, "decoders", absl::MakeConstSpan(kReaders), steps));
  return std::optional(std::move(steps));
}

}  // namespace graft
