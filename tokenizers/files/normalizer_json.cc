// ReadNormalizers.
#include <utility>

#include "absl/strings/escaping.h"
#include "tokenizers/files/component_row.h"
#include "tokenizers/files/components.h"

namespace graft {
namespace {

absl::StatusOr<Normalizer> ReadBert(const JsonValue& object) {
  BertNormalizerOptions options;
  ABSL_ASSIGN_OR_RETURN(options.clean_text, GetBool(object, "clean_text"));
  ABSL_ASSIGN_OR_RETURN(options.handle_chinese_chars, GetBool(object, "handle_chinese_chars"));
  ABSL_ASSIGN_OR_RETURN(options.lowercase, GetBool(object, "lowercase"));
  ABSL_ASSIGN_OR_RETURN(options.strip_accents, object.GetBool("strip_accents", options.lowercase));
  return BertSteps{options};
}

template <bool kCompatibility, bool kComposed>
absl::StatusOr<Normalizer> ReadForm(const JsonValue&) {
  return UnicodeForm{kCompatibility, kComposed};
}

template <typename Step>
absl::StatusOr<Normalizer> ReadPlain(const JsonValue&) {
  return Step{};
}

absl::StatusOr<Normalizer> ReadStrip(const JsonValue& object) {
  StripEnds step;
  ABSL_ASSIGN_OR_RETURN(step.left, GetBool(object, "strip_left"));
  ABSL_ASSIGN_OR_RETURN(step.right, GetBool(object, "strip_right"));
  return step;
}

absl::StatusOr<Normalizer> ReadPrepend(const JsonValue& object) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view prefix, GetInsertion(object, "prepend"));
  return Prepend{std::string(prefix)};
}

absl::StatusOr<Normalizer> ReadReplace(const JsonValue& object) {
  ABSL_ASSIGN_OR_RETURN(Pattern pattern, ReadPattern(object));
  ABSL_ASSIGN_OR_RETURN(const std::string_view content, GetInsertion(object, "content"));
  return Replace{std::move(pattern), std::string(content)};
}

absl::StatusOr<Normalizer> ReadPrecompiled(const JsonValue& object) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue value, object.Get("precompiled_charsmap"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view text, value.AsString());
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes)) {
    return value.Error(absl::StrCat("expected Base64, found ", value.Describe()));
  }
  absl::StatusOr<Charsmap> charsmap = Charsmap::Parse(bytes);
  if (!charsmap.ok()) return value.Error(charsmap.status().message());
  return Precompiled{std::make_shared<const Charsmap>(*std::move(charsmap))};
}

constexpr StepReader<Normalizer> kReaders[] = {
    {"BertNormalizer", ReadBert},
    {"NFC", ReadForm<false, true>},
    {"NFD", ReadForm<false, false>},
    {"NFKC", ReadForm<true, true>},
    {"NFKD", ReadForm<true, false>},
    {"Lowercase", ReadPlain<Lowercase>},
    {"StripAccents", ReadPlain<StripAccents>},
    {"Strip", ReadStrip},
    {"Prepend", ReadPrepend},
    {"Replace", ReadReplace},
    {"Nmt", ReadPlain<Nmt>},
    {"Precompiled", ReadPrecompiled},
    {"ByteLevel", ReadPlain<ByteLevelNormalizer>},
};

}  // namespace

absl::StatusOr<std::vector<Normalizer>> ReadNormalizers(const JsonValue& root) {
  std::vector<Normalizer> steps;
  if (const auto object = root.Find("normalizer")) {
    ABSL_RETURN_IF_ERROR(ReadSteps(*object, "normalizers", absl::MakeConstSpan(kReaders), steps));
  }
  return steps;
}

}  // namespace graft
