#include "tokenizers/word_tokenizer.h"

#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/uversion.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/utf8.h"
#include "tokenizers/case_map.h"
#include "tokenizers/unicode.h"

namespace graft {

// Never set to a text: texts are for clones, one a call.
struct WordTokenizer::Boundaries {
  explicit Boundaries(UBreakIterator* opened) : iterator(opened) {}
  Boundaries(const Boundaries&) = delete;
  Boundaries& operator=(const Boundaries&) = delete;
  ~Boundaries() { ubrk_close(iterator); }

  UBreakIterator* iterator;
};

namespace {

constexpr std::pair<WordSplit, std::string_view> kSplits[] = {
    {WordSplit::kWhitespace, "whitespace"},
    {WordSplit::kUnicode, "unicode"},
    {WordSplit::kTreebank, "treebank"}};
constexpr std::string_view kRightQuote = "\xE2\x80\x99";  // U+2019, an apostrophe in most texts

bool IsWhitespace(char32_t code) { return (LookUpChar(code).flags & kWhitespace) != 0; }

bool IsBlank(char32_t code) {
  if (IsWhitespace(code)) return true;
  const int8_t type = u_charType(static_cast<UChar32>(code));
  return type == U_CONTROL_CHAR || type == U_FORMAT_CHAR;
}

Span MakeSpan(size_t begin, size_t end) {
  return {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
}

std::string_view TextOf(std::string_view text, Span span) {
  return text.substr(span.begin, span.end - span.begin);
}

std::vector<Span> SplitWhitespace(std::string_view text) {
  std::vector<Span> words;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<uint8_t>(text[at]);
    if (byte > ' ' && byte < 0x7F) {  // most bytes of most texts
      ++at;
      continue;
    }
    const Utf8Char c = DecodeUtf8(text.substr(at));
    const size_t next = at + static_cast<size_t>(c.length);
    if (IsWhitespace(c.code)) {
      if (begin < at) words.push_back(MakeSpan(begin, at));
      begin = next;
    }
    at = next;
  }
  if (begin < text.size()) words.push_back(MakeSpan(begin, text.size()));
  return words;
}

// Bytes of the blanks at the front.
size_t LeadingBlanks(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const Utf8Char c = DecodeUtf8(text.substr(at));
    if (!IsBlank(c.code)) break;
    at += static_cast<size_t>(c.length);
  }
  return at;
}

bool IsWord(std::string_view text) {
  const char32_t code = text.empty() ? U' ' : DecodeUtf8(text).code;
  return (LookUpChar(code).flags & kWordCharacter) != 0;
}

bool IsApostrophe(std::string_view text) { return text == "'" || text == kRightQuote; }

// What is left of the word when the ending, in lower case, is cut off; 0 when it has none, and when
// nothing would be left.
size_t BeforeEnding(std::string_view word, std::string_view ending) {
  if (word.size() <= ending.size() || !absl::EndsWithIgnoreCase(word, ending)) return 0;
  return word.size() - ending.size();
}

// The place of a contraction's end in a word ("do|n't", "dog|'s"); 0 when it is none.
size_t Contraction(std::string_view word) {
  for (const std::string_view apostrophe : {std::string_view("'"), kRightQuote}) {
    std::string ending = "n";
    ending += apostrophe;
    if (const size_t place = BeforeEnding(word, ending += 't')) return place;
    for (const std::string_view letters : {"s", "m", "d", "ll", "re", "ve"}) {
      ending = apostrophe;
      if (const size_t place = BeforeEnding(word, ending += letters)) return place;
    }
  }
  return 0;
}

// "s" in "'s" that stands alone.
bool IsContractionLetters(std::string_view text) {
  const auto same = [text](std::string_view letters) {
    return absl::EqualsIgnoreCase(text, letters);
  };
  constexpr std::string_view kLetters[] = {"s", "m", "d", "ll", "re", "ve"};
  return std::any_of(std::begin(kLetters), std::end(kLetters), same);
}

// "u.s", which a full stop belongs to.
bool IsInitials(std::string_view word) {
  bool letter = true;
  for (const char c : word) {
    if (letter != absl::ascii_isalpha(static_cast<unsigned char>(c)) || (!letter && c != '.')) {
      return false;
    }
    letter = !letter;
  }
  return !letter && word.size() > 1;
}

// Puts segments of Unicode together as the Penn Treebank has them.
class TreebankWords {
 public:
  TreebankWords(std::string_view text, const std::vector<Span>& segments)
      : text_(text), segments_(segments) {}

  std::vector<Span> Take() {
    while (at_ < segments_.size()) {
      const Span word = Next();
      const size_t cut = Contraction(TextOf(text_, word));
      if (cut > 0) words_.push_back(MakeSpan(word.begin, word.begin + cut));
      words_.push_back(MakeSpan(word.begin + cut, word.end));
    }
    return std::move(words_);
  }

 private:
  std::string_view Segment(size_t i) const { return TextOf(text_, segments_[i]); }
  // Whether segment i begins where the one before ends.
  bool Touches(size_t i) const {
    return i < segments_.size() && i > 0 && segments_[i].begin == segments_[i - 1].end;
  }

  // The segments at the front that are one word.
  Span Next() {
    const size_t first = at_++;
    const std::string_view text = Segment(first);
    if (IsWord(text)) {
      while (Touches(at_) && Segment(at_) == "-" && Touches(at_ + 1) && IsWord(Segment(at_ + 1))) {
        at_ += 2;
      }
      if (at_ == first + 1 && IsInitials(text) && Touches(at_) && Segment(at_) == ".") ++at_;
    } else if (IsApostrophe(text) && !Touches(first) && Touches(at_) &&
               IsContractionLetters(Segment(at_))) {
      ++at_;
    } else if (text == "." || text == "-" || text == "'" || text == "`") {
      while (Touches(at_) && Segment(at_) == text) ++at_;
    }
    return MakeSpan(segments_[first].begin, segments_[at_ - 1].end);
  }

  std::string_view text_;
  const std::vector<Span>& segments_;
  size_t at_ = 0;
  std::vector<Span> words_;
};

}  // namespace

std::string_view WordSplitName(WordSplit split) {
  for (const auto& [value, name] : kSplits) {
    if (value == split) return name;
  }
  return "";
}

std::optional<WordSplit> WordSplitOfName(std::string_view name) {
  for (const auto& [value, known] : kSplits) {
    if (known == name) return value;
  }
  return std::nullopt;
}

WordTokenizer::WordTokenizer(const WordTokenizerOptions& options) : options_(options) {
  if (options_.split == WordSplit::kWhitespace) return;
  UErrorCode error = U_ZERO_ERROR;
  UBreakIterator* const opened = ubrk_open(UBRK_WORD, "", nullptr, 0, &error);
  ABSL_CHECK(U_SUCCESS(error)) << "ICU has no word boundaries: " << u_errorName(error);
  boundaries_ = std::make_shared<const Boundaries>(opened);
}

std::vector<Span> WordTokenizer::Segments(std::string_view text) const {
  std::vector<Span> segments;
  UErrorCode error = U_ZERO_ERROR;
  UText utf8 = UTEXT_INITIALIZER;
  utext_openUTF8(&utf8, text.data(), static_cast<int64_t>(text.size()), &error);
  const Boundaries clone(ubrk_clone(boundaries_->iterator, &error));
  ubrk_setUText(clone.iterator, &utf8, &error);
  ABSL_CHECK(U_SUCCESS(error)) << u_errorName(error);
  size_t begin = 0;
  ubrk_first(clone.iterator);
  for (int32_t place = ubrk_next(clone.iterator); place != UBRK_DONE;
       place = ubrk_next(clone.iterator)) {
    const auto end = static_cast<size_t>(place);
    begin += LeadingBlanks(text.substr(begin, end - begin));
    if (begin < end) segments.push_back(MakeSpan(begin, end));
    begin = end;
  }
  utext_close(&utf8);
  return segments;
}

std::vector<Span> WordTokenizer::Split(std::string_view text) const {
  ABSL_CHECK_LE(text.size(), static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  if (options_.split == WordSplit::kWhitespace) return SplitWhitespace(text);
  if (text.empty()) return {};
  std::vector<Span> segments = Segments(text);
  if (options_.split == WordSplit::kUnicode) return segments;
  return TreebankWords(text, segments).Take();
}

std::string WordTokenizer::Form(std::string_view word) const {
  std::string form = options_.lower_case ? LowerCase(word) : std::string(word);
  if (options_.split != WordSplit::kTreebank) return form;
  for (size_t at = form.find(kRightQuote); at != std::string::npos; at = form.find(kRightQuote)) {
    form.replace(at, kRightQuote.size(), "'");
  }
  return form;
}

std::vector<std::string> WordTokenizer::Words(std::string_view text) const {
  std::vector<std::string> words;
  for (const Span span : Split(text)) words.push_back(Form(TextOf(text, span)));
  return words;
}

std::string WordTokenizer::IcuVersion() {
  UVersionInfo version;
  u_getVersion(version);
  std::array<char, U_MAX_VERSION_STRING_LENGTH> text = {};
  u_versionToString(version, text.data());
  return text.data();
}

}  // namespace graft
