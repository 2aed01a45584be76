// ReadPreTokenizers.
#include <utility>

#include "tokenizers/files/component_row.h"
#include "tokenizers/files/components.h"

namespace graft {
namespace {

constexpr int64_t kMaxPieceLength = 1'000'000;

constexpr struct {
  std::string_view name;
  DelimiterBehavior behavior;
} kBehaviors[] = {
    {"Removed", DelimiterBehavior::kRemoved},
    {"Isolated", DelimiterBehavior::kIsolated},
    {"MergedWithPrevious", DelimiterBehavior::kMergedWithPrevious},
    {"MergedWithNext", DelimiterBehavior::kMergedWithNext},
    {"Contiguous", DelimiterBehavior::kContiguous},
};

absl::StatusOr<DelimiterBehavior> ReadBehavior(const JsonValue& object) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue value, object.Get("behavior"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view found, value.AsString());
  std::string known;
  for (const auto& [name, behavior] : kBehaviors) {
    if (name == found) return behavior;
    absl::StrAppend(&known, known.empty() ? "" : ", ", name);
  }
  return value.Error(absl::StrCat("expected one of ", known, ", found '", found, "'"));
}

template <typename Step>
absl::StatusOr<PreTokenizer> ReadPlain(const JsonValue&) {
  return Step{};
}

absl::StatusOr<PreTokenizer> ReadByteLevel(const JsonValue& object) {
  ByteLevelSplit step;
  ABSL_ASSIGN_OR_RETURN(step.add_prefix_space, GetBool(object, "add_prefix_space"));
  ABSL_ASSIGN_OR_RETURN(const bool use_regex, object.GetBool("use_regex", true));
  if (use_regex) step.words = Gpt2Words();
  return step;
}

absl::StatusOr<PreTokenizer> ReadMetaspace(const JsonValue& object) {
  Metaspace step;
  ABSL_ASSIGN_OR_RETURN(step.replacement, GetChar(object, "replacement", step.replacement));
  ABSL_ASSIGN_OR_RETURN(step.prepend, ReadPrependScheme(object));
  ABSL_ASSIGN_OR_RETURN(step.split, object.GetBool("split", true));
  return step;
}

absl::StatusOr<PreTokenizer> ReadPunctuation(const JsonValue& object) {
  PunctuationSplit step;
  if (object.Find("behavior")) {
    ABSL_ASSIGN_OR_RETURN(step.behavior, ReadBehavior(object));
  }
  return step;
}

absl::StatusOr<PreTokenizer> ReadDigits(const JsonValue& object) {
  DigitsSplit step;
  ABSL_ASSIGN_OR_RETURN(step.individual_digits, GetBool(object, "individual_digits"));
  return step;
}

absl::StatusOr<PreTokenizer> ReadCharDelimiter(const JsonValue& object) {
  CharDelimiterSplit step;
  ABSL_RETURN_IF_ERROR(object.Get("delimiter").status());
  ABSL_ASSIGN_OR_RETURN(step.delimiter, GetChar(object, "delimiter", step.delimiter));
  return step;
}

absl::StatusOr<PreTokenizer> ReadSplit(const JsonValue& object) {
  ABSL_ASSIGN_OR_RETURN(Pattern pattern, ReadPattern(object));
  PatternSplit step{std::move(pattern)};
  ABSL_ASSIGN_OR_RETURN(step.behavior, ReadBehavior(object));
  ABSL_ASSIGN_OR_RETURN(step.invert, GetBool(object, "invert"));
  return step;
}

absl::StatusOr<PreTokenizer> ReadFixedLength(const JsonValue& object) {
  ABSL_ASSIGN_OR_RETURN(const int64_t length, object.GetInt("length", 1, kMaxPieceLength));
  return FixedLength{static_cast<size_t>(length)};
}

constexpr StepReader<PreTokenizer> kReaders[] = {
    {"BertPreTokenizer", ReadPlain<BertSplit>},
    {"ByteLevel", ReadByteLevel},
    {"Whitespace", ReadPlain<WhitespaceWords>},
    {"WhitespaceSplit", ReadPlain<WhitespaceSplit>},
    {"Metaspace", ReadMetaspace},
    {"Punctuation", ReadPunctuation},
    {"Digits", ReadDigits},
    {"CharDelimiterSplit", ReadCharDelimiter},
    {"Split", ReadSplit},
    {"UnicodeScripts", ReadPlain<ScriptSplit>},
    {"FixedLength", ReadFixedLength},
};

}  // namespace

absl::StatusOr<std::vector<PreTokenizer>> ReadPreTokenizers(const JsonValue& root) {
  std::vector<PreTokenizer> steps;
  if (const auto object = root.Find("pre_tokenizer")) {
    ABSL_RETURN_IF_ERROR(ReadSteps(*object, "pretokenizers", absl::MakeConstSpan(kReaders), steps));
  }
  return steps;
}

}  // namespace graft
