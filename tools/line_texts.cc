#include "tools/line_texts.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tokenizers/offsets.h"

namespace graft::tools {
namespace {

// Converts the offsets of tokens [begin, end), which are bytes of `text`.
void ConvertRange(std::string_view text, size_t begin, size_t end, OffsetUnit unit,
                  Encoding& encoding) {
  const auto spans = absl::MakeSpan(encoding.offsets).subspan(begin, end - begin);
  const std::vector<Span> converted =
      unit == OffsetUnit::kUtf16 ? ToUtf16(text, spans) : ToCodePoints(text, spans);
  std::copy(converted.begin(), converted.end(), spans.begin());
}

void ConvertWords(absl::Span<const std::string_view> words, OffsetUnit unit, Encoding& encoding) {
  for (size_t begin = 0, end; begin < encoding.size(); begin = end) {
    const int32_t word = encoding.word_ids[begin];
    for (end = begin + 1; end < encoding.size() && encoding.word_ids[end] == word;) ++end;
    if (word >= 0) ConvertRange(words[static_cast<size_t>(word)], begin, end, unit, encoding);
  }
}

void ConvertOffsets(LineForm form, absl::Span<const std::string_view> texts, OffsetUnit unit,
                    Encoding& encoding) {
  if (form == LineForm::kWords) {
    ConvertWords(texts, unit, encoding);
  } else {
    // The empty spans of special tokens stay what they are in any text.
    const size_t first_end = form == LineForm::kPair ? encoding.second_begin : encoding.size();
    ConvertRange(texts[0], 0, first_end, unit, encoding);
    if (form == LineForm::kPair) {
      ConvertRange(texts[1], encoding.second_begin, encoding.second_end, unit, encoding);
      ConvertRange(texts[0], encoding.second_end, encoding.size(), unit, encoding);
    }
  }
  for (Encoding& window : encoding.overflowing) ConvertOffsets(form, texts, unit, window);
}

}  // namespace

absl::StatusOr<std::vector<std::string_view>> SplitLine(std::string_view line, LineForm form) {
  if (form == LineForm::kText) return std::vector<std::string_view>{line};
  if (form == LineForm::kWords) {
    return std::vector<std::string_view>(
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty()));
  }
  std::vector<std::string_view> texts = absl::StrSplit(line, '\t');
  if (texts.size() == 2) return texts;
  return absl::InvalidArgumentError(
      absl::StrCat("expected two texts with a tab between them, found ",
                   texts.size() == 1 ? "no tab" : absl::StrCat(texts.size() - 1, " tabs")));
}

Encoding EncodeTexts(const Tokenizer& tokenizer, LineForm form,
                     absl::Span<const std::string_view> texts, const EncodeOptions& options,
                     OffsetUnit unit) {
  Encoding encoding = form == LineForm::kPair    ? tokenizer.EncodePair(texts[0], texts[1], options)
                      : form == LineForm::kWords ? tokenizer.EncodeWords(texts, options)
                                                 : tokenizer.Encode(texts[0], options);
  if (unit != OffsetUnit::kBytes) ConvertOffsets(form, texts, unit, encoding);
  return encoding;
}

}  // namespace graft::tools
